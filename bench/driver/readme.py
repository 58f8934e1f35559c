"""The section of README.md that shows the newest figures, between two markers."""
import os

from . import figures as computed

BEGIN, END = '<!-- figures: begin (bench/run --readme writes this) -->', '<!-- figures: end -->'


def find(result, start, of):
    """The first figure whose line, or the line it continues, begins so and has a ratio of this."""
    title = ''
    for _, group in computed.of_set(result):
        for figure in group:
            title = figure.what or title
            if title.startswith(start) and figure.of == of and figure.ratio:
                return figure
    return None


def cell(figure):
    return f'{figure.ratio.median:.2f}' if figure else ''


# Heading, beginning of the figure's line, what the ratio is of.
COLUMNS = (
    ('queries/s, recall 0.95', 'queries/s, libpq, one connection, recall {}', computed.US_TO_PGVECTOR, 0.95),
    ('0.99', 'queries/s, libpq, one connection, recall {}', computed.US_TO_PGVECTOR, 0.99),
    ('CPU a query, recall 0.95', 'CPU a query, in the server, recall {}', computed.HNSWLIB_TO_US, 0.95),
    ('0.99', 'CPU a query, in the server, recall {}', computed.HNSWLIB_TO_US, 0.99),
    ('CREATE INDEX', 'build, 2 threads, elapsed', computed.PGVECTOR_TO_US, None),
    ('CREATE INDEX', 'build, 2 threads, elapsed', computed.HNSWLIB_TO_US, None),
    ('memory of it', 'build, 2 threads, peak', computed.US_TO_PGVECTOR, None),
    ('blocks read', '   read, buffers an eighth', computed.US_TO_PGVECTOR, None),
)


def row(result):
    cells = [f"{result['name']}, {result['n']:,} x {result['dim']}, {result['metric']}"]
    for _, start, of, recall in COLUMNS:
        if recall:
            part = 'client' if start.startswith('queries') else 'inside'
            start = start.format(computed.shown(computed.common_recall([result], part, recall)))
        cells.append(cell(find(result, start, of)))
    return '| ' + ' | '.join(cells) + ' |'


def section(run, folder):
    """`folder`: of the results, from the top of the tree."""
    cpu, versions = run['machine']['cpu'], run['versions']
    lines = [f"{cpu['cores']} cores of {cpu['model']} ({', '.join(cpu['instructions'])}), "
             f"{run['machine']['memory_gb']} GB, {run['machine']['system']}: "
             + ', '.join(f'{name} {version}' for name, version in versions.items())
             + '. m 16, ef_construction 64; '
             f'[all figures]({folder}/table.txt), [what is compared and how](bench/README.md).', '',
             '| set | ' + ' | '.join(f'{title}<br>{of}' for title, _, of, _ in COLUMNS) + ' |',
             '|---' * (len(COLUMNS) + 1) + '|']
    lines += [row(result) for result in run['sets']] + ['']
    names = [f"search-{result['name']}.svg" for result in run['sets']] + ['build.svg', 'growth.svg']
    here = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))), folder)
    lines += [f'![{name[:-4]}]({folder}/{name})' for name in names if os.path.exists(os.path.join(here, name))]
    return '\n'.join(lines)


def write(run, folder, path):
    with open(path) as file:
        text = file.read()
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        return False
    with open(path, 'w') as file:
        file.write(f'{before}{BEGIN}\n{section(run, folder)}\n{END}{after}')
    return True
