"""The growth curves of tests/bench --plot, which sets up what this needs: measured, written as JSON, drawn as SVG.

docs/plots.md explains the curves, and has a place for each.
"""

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import delay
import report
import servers
from measure import Failed
from plot_memory import Memory
from plot_svg import draw
from plot_transfers import Transfers

DOCS = Path(__file__).resolve().parents[2] / 'docs'
CURVES = ('sessions', 'round-trip', 'size', 'memory')
# Whose versions matter.
PROGRAMS = ('lftp', 'rclone', 'curl', 'suppaftp', 'Python (ftplib)', 'vsftpd', 'rustls', 'rustc')


def arguments():
    parser = argparse.ArgumentParser(
        prog='tests/bench --plot',
        description='Measures growth curves and draws them into docs/plots. '
                    'All of them take less than 40 minutes on two idle cores.')
    parser.add_argument('--plot', action='store_true', help=argparse.SUPPRESS)
    parser.add_argument('--rounds', type=int, default=3, help='of all programs in turn, at each point (default 3)')
    parser.add_argument('--draw-only', action='store_true', help='draws what was measured before')
    parser.add_argument('--quick', action='store_true',
                        help='only whether it works: two or three points, few files, one round, a temporary folder')
    parser.add_argument('--into', type=Path, metavar='FOLDER', help='for the results, instead of docs/plots')
    servers.add_arguments(parser)
    parser.add_argument('curve', nargs='*', metavar='CURVE', help=f'of {", ".join(CURVES)}; without one, all')
    asked = parser.parse_args()
    unknown = [name for name in asked.curve if name not in CURVES]
    if unknown:
        sys.exit(f'{" ".join(unknown)}: not among the curves: {" ".join(CURVES)}')
    if asked.quick:
        asked.rounds = 1
    if asked.rounds < 1:
        sys.exit('--rounds: at least one')
    asked.curve = asked.curve or CURVES
    return asked


def conditions(asked, versions):
    """What a curve was measured with."""
    return {
        'date': datetime.date.today().isoformat(),
        'processor': report.processor()[0],
        'cores': os.cpu_count(),
        'system': report.system(),
        'load': round(os.getloadavg()[0], 1),
        'versions': {'rftp': report.version(asked.rftp, '--version'), **{name: versions[name] for name in PROGRAMS}},
        'rounds': asked.rounds,
    }


def caption(data):
    return (f'{data["cores"]} cores, {data["processor"]}, {data["system"]}; {data["date"]}; '
            f'median of {data["rounds"]}; tests/bench --plot {data["curve"]}')


def text(data):
    """One point a line, so that a change can be read."""
    series = data.pop('series')
    head = json.dumps(data, indent=1, ensure_ascii=False)[:-2]
    blocks = []
    for one in series:
        points = one.pop('points')
        lines = ',\n   '.join(json.dumps([point[0], *(float(f'{value:.4g}') for value in point[1:])]) for point in points)
        blocks.append('  ' + json.dumps(one, ensure_ascii=False)[:-1] + f', "points": [\n   {lines}]}}')
    return head + ',\n "series": [\n' + ',\n'.join(blocks) + '\n ]\n}\n'


def measure(asked, into):
    """Returns whether all of it worked."""
    worked = True
    into.mkdir(parents=True, exist_ok=True)
    # The large files of the other curves are never read.
    with servers.started(asked, 1024 if 'size' in asked.curve and not asked.quick else 1) as here:
        transfers, memory = Transfers(asked, here), Memory(asked, here)
        makers = dict(zip(CURVES, (transfers.sessions, transfers.round_trip, transfers.size, memory.memory)))
        versions = report.versions(here)
        for name in asked.curve:
            print(f'{name} …', file=sys.stderr, flush=True)
            begun = time.monotonic()
            try:
                data = makers[name]()
            except (delay.NoLink, Failed, OSError) as error:
                print(f'{name}: left out: {error}', file=sys.stderr)
                worked = False
                continue
            data = {'curve': name, **data, **conditions(asked, versions)}
            data['caption'] = caption(data)
            (into / f'{name}.json').write_text(text(data))
            print(f'{name}: {time.monotonic() - begun:.0f} s', file=sys.stderr, flush=True)
    return worked


def draw_all(names, into):
    for name in names:
        file = into / f'{name}.json'
        if file.exists():
            file.with_suffix('.svg').write_text(draw(json.loads(file.read_text())))


def show(names):
    """Puts the pictures into docs/plots.md, with their conditions."""
    for name in names:
        file = DOCS / 'plots' / f'{name}.json'
        if not file.exists():
            continue
        data = json.loads(file.read_text())
        versions = ', '.join(f'{program} {its}' for program, its in data['versions'].items())
        report.write(
            DOCS / 'plots.md',
            f'![{data["title"]}: {data["y"]["label"]} by {data["x"]["label"]}](plots/{name}.svg)\n\n'
            f'{data["date"]}, {data["cores"]} cores ({data["processor"]}), {data["system"]}, at a load of '
            f'{data["load"]} at the end. {data["amount"]}; medians of {data["rounds"]} rounds. '
            f'{versions}. [The figures](plots/{name}.json).\n',
            f'<!-- made by tests/bench --plot {name}: begin -->\n', f'<!-- made by tests/bench --plot {name}: end -->\n')


def main():
    asked = arguments()
    with tempfile.TemporaryDirectory(prefix='ftp-plots-') as temporary:
        into = asked.into or (Path(temporary) if asked.quick else DOCS / 'plots')
        worked = asked.draw_only or measure(asked, into)
        draw_all(asked.curve, into)
    if into == DOCS / 'plots':
        show(asked.curve)
    sys.exit(not worked)


main()
