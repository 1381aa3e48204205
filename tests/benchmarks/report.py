"""The table, and what it was made with."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

# Flags of processors that ciphers use
FOR_TLS = ('aes', 'pclmulqdq', 'vaes', 'vpclmulqdq', 'avx2', 'avx512f', 'sha_ni', 'pmull', 'sha2')

BEGIN, END = '<!-- made by tests/bench: begin -->\n', '<!-- made by tests/bench: end -->\n'


def met(row):
    """The goals of the row, each with whether it is reached."""
    verdicts = []
    if 'most' in row:
        verdicts.append((f'≤ {row["most"]:,}', row['ours'] <= row['most']))
    if 'least' in row:
        verdicts.append((f'≥ {row["least"]:,}', row['ours'] >= row['least']))
    if row['goal'] is not None:
        verdicts.append((f'≥ {row["goal"]}', row['ratio'] >= row['goal']))
        if row.get('cpu_goal') is not None:
            verdicts.append((f'CPU ≤ {row["cpu_goal"]}', row['cpu_ratio'] <= row['cpu_goal']))
        if row.get('memory_most') is not None:
            verdicts.append((f'memory {row["ours_memory"]:.0f} ≤ {row["memory_most"]} MiB',
                             row['ours_memory'] <= row['memory_most']))
    return verdicts


def verdict(row):
    return ', '.join(f'{what}: {"yes" if so else "**no**"}' for what, so in met(row))


def number(value):
    if value is None:
        return ''
    return f'{value:,.0f}' if value >= 100 or value == int(value) else f'{value:.1f}'


def cells(row):
    if row['unit'] == 'round trips':
        theirs = f'{row["theirs"]:.3g} ({row["theirs_with_tcp"]:.3g})' if row['peer'] else ''
        ratio = f'**{row["ratio"]:.2f}**' if row['peer'] else ''
        return [row['workload'], f'{row["ours"]:.3g} ({row["ours_with_tcp"]:.3g}) round trips',
                row['peer'] or '', theirs, ratio, '', '', verdict(row)]
    low, high = row['spread']
    ratio = f'**{row["ratio"]:.2f}** ({low:.2f}–{high:.2f})' if row['peer'] else ''
    processor = ''
    if 'cpu_ratio' in row:
        processor = f'{row["ours_cpu"]:.2f}, {row["theirs_cpu"]:.2f} ({row["cpu_ratio"]:.2f})'
    for counter in ('instructions', 'cycles'):
        if f'{counter}_ratio' in row:
            processor += f', {counter} ({row[f"{counter}_ratio"]:.2f})'
    return [row['workload'], f'{number(row["ours"])} {row["unit"]}', row['peer'] or '',
            number(row['theirs']), ratio, number(row.get('limit')), processor, verdict(row)]


def table(rows):
    head = ['workload', 'ours', 'peer', 'its figure', 'ratio (middle half)', 'limit',
            'CPU s: ours, its (ratio)', 'goal']
    lines = ['| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)]
    lines += ['| ' + ' | '.join(cells(row)) + ' |' for row in rows]
    return '\n'.join(lines) + '\n'


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return ''


def version(*command):
    found = re.search(r'\d+(\.\d+)+', first_line(*command))
    return found[0] if found else 'absent'


def locked(crate):
    """The newest version of a crate in the lock file of the programs."""
    lock = (Path(__file__).resolve().parent / 'Cargo.lock').read_text()
    found = re.findall(rf'name = "{crate}"\nversion = "([^"]+)"', lock)
    return found[-1] if found else 'absent'


def versions(servers):
    """Those of the programs and libraries, by their names."""
    return {
        'curl': version('curl', '--version'),
        'lftp': version('lftp', '--version'),
        'wget': version('wget', '--version'),
        'rclone': version('rclone', 'version'),
        'aria2': version('aria2c', '--version'),
        'Python (ftplib)': platform.python_version(),
        'suppaftp': locked('suppaftp'),
        'rustls': locked('rustls'),
        **servers.real_distant.versions(),
        'rustc': version('rustc', '--version'),
    }


def system():
    return 'Linux ' + '.'.join(platform.release().split('-')[0].split('.')[:2])


def processor():
    """Its model, and what matters for TLS of its abilities."""
    model, able = platform.machine(), []
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        name, _, value = line.partition(':')
        if name.strip() == 'model name':
            model = value.strip()
        elif name.strip() in ('flags', 'Features'):
            able = [flag for flag in FOR_TLS if flag in value.split()]
    return model, able


def conditions(asked, tools):
    """What the figures were made with, in general terms; `tools`: the versions."""
    model, able = processor()
    return (f'{os.cpu_count()} virtual cores ({model}; {", ".join(able)}), one for the client and one for the servers, '
            f'except in the workloads with a delay; {system()}. ' + ', '.join(f'{name} {its}' for name, its in tools.items()) + '.\n\n'
            f'{asked.rounds} rounds; large files of {asked.size} MiB, {asked.logins} logins, '
            f'a round trip of {2 * asked.delay:g} ms where there is one.\n')


def write(file, text, begin=BEGIN, end=END):
    """Replaces in a file what an earlier run has put there."""
    old = file.read_text()
    before, found, rest = old.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        sys.exit(f'{file}: no place for the result: {begin.strip()} and {end.strip()} are not there')
    file.write_text(before + begin + '\n' + text + '\n' + end + after)
