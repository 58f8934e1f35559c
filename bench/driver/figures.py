"""From what was measured to the figures that are compared: each with its ratio, the spread of the
ratio over the rounds, and what it is to reach. Nothing is measured here, so figures can be computed
again from a JSON file (bench/run --show)."""
from dataclasses import dataclass
from statistics import median

from .stats import Spread, at_recall, ratios

RECALLS = (0.90, 0.95, 0.99)
OURS, PGVECTOR, HNSWLIB = 'hnswpg', 'pgvector', 'hnswlib'
# What a ratio is of.
US_TO_PGVECTOR, PGVECTOR_TO_US, HNSWLIB_TO_US = 'hnswpg / pgvector', 'pgvector / hnswpg', 'hnswlib / hnswpg'


@dataclass
class Figure:
    what: str
    values: dict             # contestant -> number
    unit: str = ''           # how numbers are written: see report.py
    ratio: Spread = None
    of: str = ''             # what the ratio is of
    target: float = None
    at_least: bool = True

    def met(self):
        if self.target is None or self.ratio is None:
            return None
        return self.ratio.median >= self.target if self.at_least else self.ratio.median <= self.target

    def json(self):
        return {'what': self.what, 'values': self.values, 'unit': self.unit, 'of': self.of,
                'ratio': self.ratio and self.ratio.json(), 'target': self.target,
                'sense': self.target and ('at least' if self.at_least else 'at most'), 'met': self.met()}


def at_least(value):
    return {'target': value, 'at_least': True}


def at_most(value):
    return {'target': value, 'at_least': False}


# --- Searches -----------------------------------------------------------------

def points(result, part, contestant, number, pick):
    """(recall, value) for each ef, of one round."""
    recalls = result['recall'][contestant]
    return [(recalls[ef], pick(rounds[number])) for ef, rounds in result[part][contestant].items()]


def rounds_at(result, part, contestant, recall, pick=lambda value: value):
    """The value at a recall in each round; None where the contestant does not take part."""
    if contestant not in result.get(part, {}):
        return None
    count = min(len(rounds) for rounds in result[part][contestant].values())
    return [at_recall(recall, points(result, part, contestant, r, pick)) for r in range(count)]


def common_recall(results, part, recall, contestants=None):
    """The recall to compare at: the one asked for or, where even the smallest ef finds more, the least
    that all have."""
    least = [result['recall'][c] for result in results for c in result.get(part, {})
             if contestants is None or c in contestants]
    return max([recall] + [next(iter(recalls.values())) for recalls in least])


def compared_recalls(result, part):
    """(recall asked for, recall compared at), each of the latter once."""
    compared = {}
    for recall in RECALLS if part in result else ():
        compared[common_recall([result], part, recall)] = recall
    return [(asked, at) for at, asked in compared.items()]


def middle(values):
    values = [v for v in values or [] if v is not None]
    return median(values) if values else None


def of_all(result, part, recall, pick=lambda value: value):
    return {c: rounds_at(result, part, c, recall, pick) for c in result.get(part, {})}


def shown(recall):
    return f'{recall:.2f}' if recall in RECALLS else f'{recall:.3f}'


def present(values):
    return {name: value for name, value in values.items() if value is not None}


def client_figures(result):
    wide = result['dim'] >= 512
    for asked, recall in compared_recalls(result, 'client'):
        times = of_all(result, 'client', recall, lambda answer: answer['us'])
        target = at_least(8 if wide else 6) if asked >= 0.95 else {}
        yield Figure(f'queries/s, libpq, one connection, recall {shown(recall)}',
                     present({c: m and 1e6 / m for c, m in ((c, middle(t)) for c, t in times.items())}), 'n',
                     ratios(times.get(PGVECTOR), times.get(OURS)), US_TO_PGVECTOR, **target)
        cpu = of_all(result, 'client', recall, lambda answer: answer['cpu_us'])
        yield Figure('   CPU of client and backend a query', present({c: middle(t) for c, t in cpu.items()}), 'us',
                     ratios(cpu.get(PGVECTOR), cpu.get(OURS)), PGVECTOR_TO_US)
    if 'client' not in result:
        return
    recall = common_recall([result], 'client', 0.95)
    for name in ('p50', 'p95', 'p99'):
        times = of_all(result, 'client', recall, lambda answer, name=name: answer[name])
        yield Figure(f'latency {name}, recall {shown(recall)}', present({c: middle(t) for c, t in times.items()}), 'us',
                     ratios(times.get(PGVECTOR), times.get(OURS)), PGVECTOR_TO_US)


def inside_figures(result):
    wide = result['dim'] >= 512
    for asked, recall in compared_recalls(result, 'inside'):
        times = of_all(result, 'inside', recall)
        values = present({c: middle(t) for c, t in times.items()})
        target = at_least(1.8 if wide else 1.2) if asked >= 0.95 else {}
        yield Figure(f'CPU a query, in the server, recall {shown(recall)}', values, 'us',
                     ratios(times.get(HNSWLIB), times.get(OURS)), HNSWLIB_TO_US, **target)
        if PGVECTOR in times:
            yield Figure('', {}, '', ratios(times[PGVECTOR], times.get(OURS)), PGVECTOR_TO_US)


def recall_figures(result):
    values = {c: recalls.get(40, recalls.get('40')) for c, recalls in result.get('recall', {}).items()}
    yield Figure('recall@10 at ef 40', present(values), 'r')


def connection_figures(result):
    for contestant, rounds in result.get('two', {}).items():
        yield Figure(f'two connections, recall 0.95: queries/s, {contestant}',
                     {contestant: median(r['two'] for r in rounds)}, 'n',
                     Spread(r['two'] / r['one'] for r in rounds), 'two / one',
                     **(at_least(1.8) if contestant == OURS else {}))
    fresh = result.get('fresh', {})
    if fresh:
        yield Figure('first query of a connection',
                     {c: median(t for r in rounds for t in r['first_ms']) * 1e3 for c, rounds in fresh.items()}, 'us')
    for contestant, rounds in fresh.items():  # no ratio: a difference
        more = Spread(median(r['first_ms']) - median(r['warm_ms']) for r in rounds)
        yield Figure(f'   ms more than a warm one, {contestant}', {}, '', more, 'ms',
                     **(at_most(2) if contestant == OURS else {}))


# --- Builds -------------------------------------------------------------------

def medians(rounds):
    return {contestant: median(values) for contestant, values in rounds.items() if values}


def builds(result, contestant, threads, name):
    return [b[name] for b in result.get('build', {}).get(contestant, []) if b['threads'] == threads]


def build_figures(result):
    if 'build' not in result:
        return
    wide = result['dim'] >= 512
    for threads in (1, 2):
        times = {c: builds(result, c, threads, 'seconds') for c in result['build']}
        values = medians(times)
        if not values:
            continue
        what = f'build, {threads} thread{"s" if threads > 1 else ""}, elapsed'
        target = at_least(6 if wide else 4) if threads == 2 else {}
        if times.get(PGVECTOR):
            yield Figure(what, values, 's', ratios(times[PGVECTOR], times.get(OURS)), PGVECTOR_TO_US, **target)
            what, values = '', {}
        if times.get(HNSWLIB):
            target = at_least(1.3) if threads == 2 and wide else {}
            yield Figure(what, values, 's', ratios(times[HNSWLIB], times.get(OURS)), HNSWLIB_TO_US, **target)
    cpu, peaks = ({c: builds(result, c, 2, name) for c in result['build']} for name in ('cpu', 'peak'))
    yield Figure('build, 2 threads, CPU', medians(cpu), 's', ratios(cpu.get(PGVECTOR), cpu.get(OURS)), PGVECTOR_TO_US)
    yield Figure('', {}, '', ratios(cpu.get(HNSWLIB), cpu.get(OURS)), HNSWLIB_TO_US)
    workers = builds(result, PGVECTOR, 2, 'workers')
    if workers:
        yield Figure('   parallel workers at work', {PGVECTOR: min(workers)}, 'n')
    yield Figure('build, 2 threads, peak memory', medians(peaks), 'MB',
                 ratios(peaks.get(OURS), peaks.get(PGVECTOR)), US_TO_PGVECTOR, **at_most(0.4))
    sizes = {c: result['build'][c][-1]['size'] for c in result['build'] if 'size' in result['build'][c][-1]}
    if sizes:
        yield Figure('index', sizes, 'MB', ratios([sizes.get(OURS)], [sizes.get(PGVECTOR)]), US_TO_PGVECTOR)


def memory_figures(result):
    rounds = result.get('memory', {}).get(OURS, [])
    if len(rounds) < 2:
        return
    little, full = ([b for b in rounds if b['share'] == share] for share in (0.25, 1))
    yield Figure('build with a quarter of the memory', {OURS: median(b['seconds'] for b in little)}, 's',
                 ratios([b['seconds'] for b in little], [b['seconds'] for b in full]), 'quarter / all', **at_most(3))
    yield Figure('   recall at ef 40 less than with all', {OURS: median(b['recall'] for b in little)}, 'r',
                 Spread(f['recall'] - l['recall'] for l, f in zip(little, full)), 'all - quarter', **at_most(0.01))


# --- Blocks and writes ----------------------------------------------------------

def block_figures(result):
    blocks = result.get('blocks', {})
    if not blocks:
        return
    names = (('index_touched', 'blocks of the index touched a query'), ('index_read', '   read, buffers an eighth'),
             ('touched', 'all blocks touched a query, table too'), ('read', '   read, buffers an eighth'))
    for name, what in names:
        values = {c: answer[name] for c, answer in blocks.items()}
        yield Figure(what, values, '1', ratios([values.get(OURS)], [values.get(PGVECTOR)]), US_TO_PGVECTOR,
                     **(at_most(0.33) if name.endswith('read') else {}))


def write_figures(result):
    inserts, vacuums = result.get('insert', {}), result.get('vacuum', {})
    if not inserts:
        return
    def rounds(name):
        return {c: [r[name] for r in answers] for c, answers in inserts.items()}
    for name, what in (('rate', 'inserts/s, a row each'), ('done_rate', '   until linked into the graph'),
                       ('plain_rate', '   without an index')):
        values = rounds(name)
        yield Figure(what, {c: median(v) for c, v in values.items()}, 'n',
                     ratios(values.get(OURS), values.get(PGVECTOR)), US_TO_PGVECTOR)
    values = rounds('wal')
    yield Figure('WAL of the index a row, bytes', {c: median(v) for c, v in values.items()}, 'n',
                 ratios(values.get(OURS), values.get(PGVECTOR)), US_TO_PGVECTOR)
    values = {c: v['vacuum'] for c, v in vacuums.items()}
    yield Figure('VACUUM, a tenth deleted', values, 's',
                 ratios([values.get(PGVECTOR)], [values.get(OURS)]), PGVECTOR_TO_US)
    if OURS in vacuums:
        values = {c: v['vacuum'] + v['cleanup'] for c, v in vacuums.items()}
        yield Figure('   and the graph cleaned up', values, 's',
                     ratios([values.get(PGVECTOR)], [values.get(OURS)]), PGVECTOR_TO_US)


GROUPS = (('Searches', (recall_figures, client_figures, inside_figures, connection_figures)),
          ('Builds', (build_figures, memory_figures)),
          ('Blocks', (block_figures,)),
          ('Writes', (write_figures,)))


def of_set(result):
    """Groups of figures: (title, [Figure])."""
    groups = []
    for title, functions in GROUPS:
        figures = [f for function in functions for f in function(result) if f.values or f.ratio]
        if figures:
            groups.append((title, figures))
    return groups


# --- Growth ---------------------------------------------------------------------

def growth(results, recall=0.95):
    """{contestant: [(rows, microseconds a query at the recall)]}"""
    series = {}
    recall = common_recall(results, 'inside', recall)
    for result in sorted(results, key=lambda r: r['n']):
        for contestant in result.get('inside', {}):
            us = middle(rounds_at(result, 'inside', contestant, recall))
            if us is not None:
                series.setdefault(contestant, []).append((result['n'], us))
    return series


def of_growth(results):
    figures = []
    ordered = sorted(results, key=lambda r: r['n'])
    for recall in {common_recall(results, 'inside', recall, (OURS,)): None for recall in RECALLS[1:]}:
        for low, high in zip(ordered, ordered[1:]):
            before, after = of_all(low, 'inside', recall), of_all(high, 'inside', recall)
            values = present({c: middle(t) for c, t in after.items()})
            ratio = ratios(after.get(OURS), before.get(OURS))
            is_target = low['n'] == 100000 and high['n'] == 1000000
            figures.append(Figure(f"CPU a query, {high['n']:,} rows, recall {shown(recall)}", values, 'us', ratio,
                                  f"{high['n']:,} / {low['n']:,}", **(at_most(1.6) if is_target else {})))
    for figure in connection_figures(ordered[-1]) if ordered else ():
        if 'two connections' not in figure.what:
            figure.what = figure.what.replace('first query of a connection',
                                              f"first query of a connection, {ordered[-1]['n']:,} rows")
            figures.append(figure)
    return [f for f in figures if f.ratio or f.values]
