"""Draws a measured curve as SVG, by hand: text stays text, files stay small, and no library is needed.

What is drawn is described in docs/plots.md: an object with title, caption, axes x and y, and series.
"""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 820, 460
# The frame around the curves; what they are called stands to the right of it.
LEFT, RIGHT, TOP, BOTTOM = 96, 600, 48, 368
# Zero has no place on a logarithmic axis: it stands this far before the smallest value.
ZERO_GAP = 44

# The colours are those of Okabe and Ito, and a wine red of Tol: people with colour blindness can tell them apart. The
# marks differ as well.
STYLES = {
    'rftp': ('#0072b2', 'circle'),
    'ftp-blocking': ('#0072b2', 'circle'),
    'ftp-mio': ('#56b4e9', 'square'),
    'ftp-tokio': ('#000000', 'diamond'),
    'lftp': ('#d55e00', 'triangle'),
    'rclone': ('#009e73', 'square'),
    'curl': ('#cc79a7', 'diamond'),
    'suppaftp': ('#e69f00', 'down'),
    'ftplib': ('#882255', 'cross'),
    'limit': ('#666666', None),
}
MARKS = {
    'circle': 'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z',
    'square': 'M-3.5-3.5h7v7h-7z',
    'diamond': 'M0-5L5 0L0 5L-5 0z',
    'triangle': 'M0-5L4.5 3.5H-4.5z',
    'down': 'M0 5L4.5-3.5H-4.5z',
    'cross': 'M-4-4L4 4M-4 4L4-4',
}
# How values are written, by the unit of the axis: the factor between two prefixes, and the prefixes.
UNITS = {
    'number': (math.inf, ['']),
    'ms': (math.inf, [' ms']),
    'binary bytes': (1024, [' B', ' KiB', ' MiB', ' GiB']),
    'bytes': (1000, [' B', ' kB', ' MB', ' GB']),
    'bytes/s': (1000, [' B/s', ' kB/s', ' MB/s', ' GB/s']),
}


def written(value, unit):
    factor, prefixes = UNITS[unit]
    place = 0
    while value >= factor and place + 1 < len(prefixes):
        value, place = value / factor, place + 1
    return (f'{value:,.0f}' if value >= 1 else f'{value:g}') + prefixes[place]


class Axis:
    """A logarithmic axis from `begin` to `end`, in pixels."""

    def __init__(self, low, high, begin, end, zero=None):
        self.low, self.high, self.begin, self.end, self.zero = low, high, begin, end, zero

    def at(self, value):
        if value == 0:
            return self.zero
        part = math.log(value / self.low) / math.log(self.high / self.low) if self.high > self.low else 0.5
        return self.begin + part * (self.end - self.begin)


def rounds_of(low, high):
    """The values 1, 2 and 5 times a power of ten from just below `low` to just above `high`."""
    steps = [digit * 10.0 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
             for digit in (1, 2, 5)]
    first = max(place for place, step in enumerate(steps) if step <= low * 1.0001)
    last = min(place for place, step in enumerate(steps) if step >= high * 0.9999)
    return steps[first:max(last, first + 1) + 1]


def axes(data):
    """The two axes, with the values that are written beside them."""
    points = [point for one in data['series'] for point in one['points']]
    xs = sorted({point[0] for point in points})
    above_zero = [x for x in xs if x > 0] or [1]
    with_zero = xs[0] == 0
    begin = LEFT + 20 + (ZERO_GAP if with_zero else 0)
    x_axis = Axis(above_zero[0], above_zero[-1], begin, RIGHT - 20, LEFT + 20)
    ys = [point[1] for point in points]
    steps = rounds_of(min(ys), max(ys))
    y_axis = Axis(steps[0], steps[-1], BOTTOM, TOP)
    if len(steps) > 9:
        steps = [step for step in steps if math.log10(step) % 1 < 1e-9]
    return x_axis, xs, y_axis, steps


def text(x, y, words, anchor='start', more=''):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def line(x1, y1, x2, y2, colour):
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" fill="none"/>'


def sample(series, places):
    """A series through these places of the picture."""
    colour, mark = STYLES[series['program']]
    ours, limit = series['kind'] == 'ours', series['kind'] == 'limit'
    dash = ' stroke-dasharray="2 4"' if limit else ' stroke-dasharray="7 4"' if series.get('dashed') else ''
    path = ''.join(f'{"L" if place else "M"}{x:.1f} {y:.1f}' for place, (x, y) in enumerate(places))
    parts = [f'<path d="{path}" stroke="{colour}" stroke-width="{2.5 if ours else 1.5}" fill="none"{dash}/>']
    if mark:
        fill = colour if ours else 'white'
        parts += [f'<path transform="translate({x:.1f} {y:.1f})" d="{MARKS[mark]}" stroke="{colour}" '
                  f'stroke-width="1.5" fill="{fill}"/>' for x, y in places]
    return ''.join(parts)


def draw(data):
    x_axis, xs, y_axis, steps = axes(data)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="13" fill="#222" role="img">',
        f'<title>{escape(data["title"])}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(LEFT, 28, data['title'], more=' font-size="16" font-weight="bold"'),
    ]
    for step in steps:
        y = y_axis.at(step)
        parts += [line(LEFT, y, RIGHT, y, '#ddd'), text(LEFT - 8, y + 4, written(step, data['y']['unit']), 'end')]
    for x in xs:
        place = x_axis.at(x)
        parts += [line(place, BOTTOM, place, BOTTOM + 5, '#222'),
                  text(place, BOTTOM + 20, written(x, data['x']['unit']), 'middle', ' font-size="11"')]
    parts += [
        f'<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" stroke="#222" fill="none"/>',
        text((LEFT + RIGHT) / 2, BOTTOM + 44, data['x']['label'], 'middle'),
        text(20, (TOP + BOTTOM) / 2, data['y']['label'], 'middle',
             f' transform="rotate(-90 20 {(TOP + BOTTOM) / 2:.1f})"'),
        text(LEFT, HEIGHT - 14, data['caption'], more=' font-size="11" fill="#666"'),
    ]
    # Ours are drawn last, above the others.
    for series in sorted(data['series'], key=lambda one: ('limit', 'peer', 'ours').index(one['kind'])):
        places = [(x_axis.at(x), y_axis.at(y)) for x, y, *_ in series['points']]
        # No line leads to zero, which is not on the scale.
        apart = [places[:1], places[1:]] if series['points'][0][0] == 0 else [places]
        parts += [sample(series, some) for some in apart if some]
    for place, series in enumerate(data['series']):
        y = TOP + 12 + 22 * place
        parts += [sample(series, [(RIGHT + 14, y), (RIGHT + 44, y)]), text(RIGHT + 54, y + 4, series['name'])]
    return '\n'.join([*parts, '</svg>', ''])
