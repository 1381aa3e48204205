"""The table."""


def verdict(row):
    if 'most' in row:
        return f'at most {row["most"]}: ' + ('yes' if row['ours'] <= row['most'] else '**no**')
    if row['goal'] is None:
        return ''
    met = row['ratio'] >= row['goal']
    text = f'≥ {row["goal"]}: ' + ('yes' if met else '**no**')
    if row['unit'] == 'MB/s':
        most = 1.05 if row['peer'] in ('limit', 'sendfile') else 1.0
        text += f', CPU ≤ {most}: ' + ('yes' if row['cpu_ratio'] <= most else '**no**')
    return text


def number(value):
    if value is None:
        return ''
    return f'{value:,.0f}' if value >= 100 else f'{value:.1f}'


def table(rows):
    head = ['workload', 'ours', 'peer', 'its figure', 'ratio (middle half)', 'limit',
            'CPU s: ours, its (ratio)', 'goal']
    print('| ' + ' | '.join(head) + ' |')
    print('|' + '---|' * len(head))
    for row in rows:
        if row['unit'] == 'round trips':
            ours = f'{row["ours"]:g} ({row["ours_with_tcp"]:g})'
            theirs = f'{row["theirs"]:g} ({row["theirs_with_tcp"]:g})'
            cells = [row['workload'], ours, row['peer'], theirs, f'{row["ratio"]:.2f}', '', '',
                     verdict(row)]
        else:
            low, high = row['spread']
            cells = [
                row['workload'],
                f'{number(row["ours"])} {row["unit"]}',
                row['peer'],
                number(row['theirs']),
                f'**{row["ratio"]:.2f}** ({low:.2f}–{high:.2f})',
                number(row['limit']),
                f'{row["ours_cpu"]:.2f}, {row["theirs_cpu"]:.2f} ({row["cpu_ratio"]:.2f})',
                verdict(row),
            ]
        print('| ' + ' | '.join(cells) + ' |')
