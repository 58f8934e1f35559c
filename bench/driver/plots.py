"""Plots as SVG, by matplotlib. The same figures give the same files: no dates, fixed ids, text as
text."""
import os

from . import figures as computed
from .stats import median

COLOURS = {'hnswpg': '#c0392b', 'pgvector': '#2c6fbb', 'hnswlib': '#6b6b6b'}
LEAST_RECALL = 0.8  # where the plots begin
MARKS = {'hnswpg': 'o', 'pgvector': 's', 'hnswlib': '^'}


def library():
    """matplotlib, or None where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use('svg')
    matplotlib.rcParams.update({'svg.fonttype': 'none', 'svg.hashsalt': 'hnswpg', 'font.size': 9,
                                'font.family': 'sans-serif', 'axes.grid': True, 'grid.alpha': 0.3,
                                'axes.spines.top': False, 'axes.spines.right': False})
    from matplotlib import pyplot
    return pyplot


def save(figure, path, pyplot, rect=(0, 0, 1, 1)):
    figure.tight_layout(rect=rect)
    figure.savefig(path, metadata={'Date': None})
    pyplot.close(figure)
    # Trailing blanks differ between versions and are of no use.
    with open(path) as file:
        text = '\n'.join(line.rstrip() for line in file.read().splitlines()) + '\n'
    with open(path, 'w') as file:
        file.write(text)


def logarithmic(axis, values, marks):
    """A logarithmic axis around the values, with plain numbers at these marks of each decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
    axis.set_major_locator(LogLocator(subs=marks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:,.0f}'))
    limits = (min(values) / 1.3, max(values) * 1.3)
    axis.axes.set(**{axis.axis_name + 'lim': limits})


def curve(axes, result, part, contestant, pick):
    recalls = result['recall'][contestant]
    rates, low, high, found = [], [], [], []
    for ef, rounds in result[part][contestant].items():
        values = [1e6 / pick(value) for value in rounds]
        found.append(recalls[ef])
        rates.append(median(values))
        low.append(rates[-1] - min(values))
        high.append(max(values) - rates[-1])
    axes.errorbar(found, rates, yerr=[low, high], label=contestant, color=COLOURS[contestant],
                  marker=MARKS[contestant], markersize=4, linewidth=1.4, capsize=2)
    return [rate for rate, recall in zip(rates, found) if recall >= LEAST_RECALL]


def plot_searches(result, path, pyplot):
    panels = [(part, title, pick) for part, title, pick in
              (('client', 'one connection, libpq', lambda answer: answer['us']),
               ('inside', 'CPU in the server', lambda us: us)) if result.get(part)]
    if not panels:
        return
    figure, axes = pyplot.subplots(1, len(panels), figsize=(4.5 * len(panels), 3.6), squeeze=False, sharey=True)
    rates = []
    for axis, (part, title, pick) in zip(axes[0], panels):
        axis.set(title=title, xlabel='recall@10', yscale='log', xlim=(LEAST_RECALL, 1.0))
        for contestant in result[part]:
            rates += curve(axis, result, part, contestant, pick)
        axis.legend()
    for axis in axes[0]:
        logarithmic(axis.yaxis, rates, (1, 2, 5))
    axes[0][0].set_ylabel('queries a second')
    figure.suptitle(f"{result['name']}: {result['n']:,} x {result['dim']}, {result['metric']}")
    save(figure, path, pyplot)


def plot_bars(axes, results, value, unit):
    """Heights are parts of the set's largest; the numbers stand above."""
    contestants = [c for c in COLOURS if any(c in r.get('build', {}) for r in results)]
    width = 0.84 / len(contestants)
    for i, contestant in enumerate(contestants):
        for j, result in enumerate(results):
            largest = max(value(result, c) or 0 for c in contestants)
            height = value(result, contestant)
            if not height:
                continue
            place = j + (i - (len(contestants) - 1) / 2) * width
            axes.bar(place, height / largest, width * 0.95, color=COLOURS[contestant],
                     label=contestant if j == 0 else None)
            text = f'{height:.0f}' if height >= 10 else f'{height:.2g}'
            axes.text(place, height / largest, text, ha='center', va='bottom', fontsize=7)
    axes.set_xticks(range(len(results)),
                    [f"{r['name']}\n{r['n']:,} x {r['dim']}" for r in results], fontsize=7)
    axes.set(title=unit, ylabel='of the largest', ylim=(0, 1.12))
    axes.grid(axis='x', visible=False)


def plot_builds(results, path, pyplot):
    def middle(name, factor):
        def value(result, contestant):
            values = computed.builds(result, contestant, 2, name)
            return median(values) * factor if values else None
        return value
    figure, axes = pyplot.subplots(1, 2, figsize=(max(9, 3 * len(results)), 3.6))
    plot_bars(axes[0], results, middle('seconds', 1), 'CREATE INDEX, 2 threads: seconds')
    plot_bars(axes[1], results, middle('peak', 2**-20), 'peak memory of it: MB')
    figure.legend(*axes[0].get_legend_handles_labels(), loc='upper center', ncols=3, frameon=False)
    save(figure, path, pyplot, rect=(0, 0, 1, 0.94))


def plot_growth(results, path, pyplot):
    series = computed.growth(results)
    if not any(len(line) > 1 for line in series.values()):
        return
    figure, axes = pyplot.subplots(figsize=(4.8, 3.6))
    for contestant, line in series.items():
        axes.plot(*zip(*line), label=contestant, color=COLOURS[contestant], marker=MARKS[contestant])
    axes.set(xscale='log', yscale='log', xlabel='rows', ylabel='us of CPU a query at equal recall',
             title=f"growth, {results[0]['dim']} dimensions")
    flat = [point for line in series.values() for point in line]
    logarithmic(axes.xaxis, [n for n, _ in flat], (1, 2, 5))
    logarithmic(axes.yaxis, [us for _, us in flat], (1, 2, 5))
    axes.legend()
    save(figure, path, pyplot)


def draw(run, directory):
    """Returns False where there is no library to draw with."""
    pyplot = library()
    if pyplot is None:
        return False
    for result in run['sets']:
        plot_searches(result, os.path.join(directory, f"search-{result['name']}.svg"), pyplot)
    built = [r for r in run['sets'] if r.get('build')]
    if built:
        plot_builds(built, os.path.join(directory, 'build.svg'), pyplot)
    plot_growth(run.get('growth', []), os.path.join(directory, 'growth.svg'), pyplot)
    return True
