"""The measurements of tests/bench, which sets up what this needs; see there for the arguments.

Every contestant is a program of its own, timed from its start to its end with the processor time that the
system counted for it. In a workload all take turns, round by round, each round in another order, so
that what else the machine does hits all alike. Ratios are medians of the rounds' own ratios; above 1 we are
better. The spread is that of the middle half of the rounds.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import counters
import delay
import plot_check
import report
import servers
from measure import Failed
from workloads import Workloads


def arguments():
    parser = argparse.ArgumentParser(prog='tests/bench')
    form = parser.add_mutually_exclusive_group()
    form.add_argument('--json', action='store_true', help='a JSON object a row, as they come')
    form.add_argument('--write', type=Path, metavar='FILE',
                      help='puts the table between the marks in a Markdown file')
    form.add_argument('--smoke', action='store_true',
                      help='everything of ours once, and tiny: whether it works, the round trips and system calls')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--size', type=int, default=1024, help='of large files, in MiB')
    parser.add_argument('--files', type=int, default=5000, help='small files, nearby')
    parser.add_argument('--distant-files', type=int, default=48,
                        help='small files a session, with a delay')
    parser.add_argument('--cli-files', type=int, default=100_000,
                        help='small files in 100 folders, nearby, for the command lines')
    parser.add_argument('--logins', type=int, default=200)
    parser.add_argument('--delay', type=float, default=10, help='of one direction, in milliseconds')
    parser.add_argument('--longest', type=float, default=150,
                        help='seconds after which a command line is left out, such as wget with the distant tree')
    parser.add_argument('--rate', type=float,
                        help='of the link that the command lines use, in Mbit/s; without it, packets are only delayed')
    servers.add_arguments(parser)
    parser.add_argument('workload', nargs='*')
    asked = parser.parse_args()
    asked.scale = 100
    if asked.smoke:
        asked.rounds, asked.size, asked.files = 0, 4, 50
        asked.distant_files, asked.logins, asked.scale = 2, 2, 1
    return asked


def main():
    asked = arguments()
    rows, failed = [], False
    with servers.started(asked, asked.size) as all_servers:
        workloads = Workloads(asked, all_servers.place, all_servers).by_name()
        unknown = [name for name in asked.workload if name not in workloads]
        if unknown:
            sys.exit(f'{" ".join(unknown)}: not among the workloads: {" ".join(workloads)}')
        for name in asked.workload or workloads:
            print(f'{name} …', file=sys.stderr, flush=True)
            try:
                for row in workloads[name](name):
                    rows.append(row)
                    if asked.json:
                        print(json.dumps(row), flush=True)
            except delay.NoLink as error:
                print(f'{name}: {error}', file=sys.stderr)
                failed |= bool(os.environ.get('NOTHING_LEFT_OUT'))
            except (Failed, OSError) as error:
                print(f'{name}: left out: {error}', file=sys.stderr)
                failed = True
        versions = report.versions(all_servers)
    if asked.write:
        text = report.conditions(asked, versions) + '\n' + report.table(rows)
        report.write(asked.write, text)
    if asked.smoke:
        for row in rows:
            if row['unit'] in ('round trips', 'system calls', 'allocations') and not all(so for _, so in report.met(row)):
                print(f'{row["workload"]}: {row["ours"]:g} {row["unit"]}, at most {row["most"]} are due',
                      file=sys.stderr)
                failed = True
        for what, errors in (('plots', plot_check.errors()), ('counters', counters.errors())):
            for error in errors:
                print(f'{what}: {error}', file=sys.stderr)
                failed = True
    elif not asked.json and not asked.write:
        print(report.table(rows), end='')
    sys.exit(failed)


main()
