"""The table on the terminal."""
from . import figures as computed

CONTESTANTS = ('hnswpg', 'pgvector', 'hnswlib')


def number(value, unit):
    if value is None:
        return '-'
    if unit == 'MB':
        return f'{value / 2**20:,.1f} MB'
    if unit == 's':
        return f'{value:.2f} s'
    if unit == 'us':
        return f'{value:,.1f} us'
    if unit == 'r':
        return f'{value:.4f}'
    if unit == '1':
        return f'{value:,.1f}'
    return f'{value:,.0f}'


def ratio_text(figure):
    if figure.ratio is None:
        return '', ''
    digits = 4 if figure.of == 'all - quarter' else 2
    r = figure.ratio
    spread = f'{r.least:.{digits}f}..{r.most:.{digits}f}' if len(r.values) > 1 else ''
    return f'{r.median:.{digits}f}', spread


def line(figure):
    cells = [number(figure.values.get(c), figure.unit) if c in figure.values else '' for c in CONTESTANTS]
    ratio, spread = ratio_text(figure)
    target = ''
    if figure.target is not None and figure.ratio is not None:
        target = f"{'>=' if figure.at_least else '<='} {figure.target:g}" + ('' if figure.met() else '  MISSED')
    return (f'  {figure.what:<52}' + ''.join(f'{cell:>13}' for cell in cells) +
            f'  {ratio:>8} {spread:<14} {figure.of if ratio else "":<20} {target}').rstrip()


HEAD = (f"  {'':<52}" + ''.join(f'{c:>13}' for c in CONTESTANTS) +
        f"  {'ratio':>8} {'over rounds':<14} {'of':<20} target")


def lines_of(run):
    machine, versions = run['machine'], run['versions']
    cpu = machine['cpu']
    out = ['', f"{cpu['model']}, {cpu['cores']} cores ({', '.join(cpu['instructions'])}), {machine['memory_gb']} GB, "
               f"{machine['system']}; load before: {machine.get('load', '-')}",
           ', '.join(f'{name} {version}' for name, version in versions.items()),
           'm 16, ef_construction 64']
    for result in run['sets']:
        out += ['', f"{result['name']}: {result['n']:,} x {result['dim']}, {result['metric']}, "
                    f"{result['queries']} queries", HEAD]
        for title, figures in computed.of_set(result):
            out += [f' {title}'] + [line(figure) for figure in figures]
    grown = computed.of_growth(run.get('growth', []))
    if grown:
        out += ['', 'Growth', HEAD] + [line(figure) for figure in grown]
    missed = [f for r in run['sets'] for _, g in computed.of_set(r) for f in g if f.met() is False]
    met = [f for r in run['sets'] for _, g in computed.of_set(r) for f in g if f.met()]
    met += [f for f in grown if f.met()]
    missed += [f for f in grown if f.met() is False]
    return out + ['', f'{len(met)} targets met, {len(missed)} missed']


def print_table(run):
    print('\n'.join(lines_of(run)), flush=True)
