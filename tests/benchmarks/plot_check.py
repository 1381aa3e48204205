"""Checks the drawing: of made-up data, and that the pictures in docs/plots are those of the figures beside them."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from plot_svg import HEIGHT, STYLES, WIDTH, draw

PLOTS = Path(__file__).resolve().parents[2] / 'docs' / 'plots'
SVG = '{http://www.w3.org/2000/svg}'
LARGEST = 40_000

# Units of the axes, and values of x with zero and without.
MADE_UP = [
    ('number', 'number', (1, 2, 4, 8, 16, 32, 64)),
    ('ms', 'number', (0, 5, 10, 20, 50, 100, 200)),
    ('binary bytes', 'bytes/s', tuple(1024 * 4 ** power for power in range(11))),
    ('number', 'bytes', (1, 10, 100, 1000, 10_000)),
    # A single point, as when all others fail.
    ('number', 'bytes', (1,)),
]


def _made_up(x_unit, y_unit, xs):
    """Each program's curve grows tenfold from point to point."""
    series = [{'name': f'{program} & <one>', 'program': program, 'dashed': place % 2 == 1,
               'kind': 'limit' if program == 'limit' else ('ours', 'peer')[place % 2],
               'points': [[x, (place + 1) * 10.0 ** power] for power, x in enumerate(xs)]}
              for place, program in enumerate(STYLES)]
    return {'title': 'A & B', 'caption': '<made up>', 'x': {'label': 'this', 'unit': x_unit},
            'y': {'label': 'that', 'unit': y_unit}, 'series': series}


def _marks(root, colour):
    """Where the marks of a colour are, without those of the legend."""
    places = [re.findall(r'[\d.]+', path.get('transform')) for path in root.iter(SVG + 'path')
              if path.get('transform') and path.get('stroke') == colour]
    return [(float(x), float(y)) for x, y in places][:-2]


def _of_drawing(data):
    drawn = draw(data)
    if len(drawn.encode()) > LARGEST:
        yield f'{len(drawn.encode()):,} bytes, at most {LARGEST:,} are due'
    root = ElementTree.fromstring(drawn)
    if root.find(SVG + 'rect').get('fill') != 'white':
        yield 'no white ground for readers who have dark pages'
    texts = [text.text for text in root.iter(SVG + 'text')]
    due = [data['title'], data['caption'], data['x']['label'], data['y']['label'],
           *(series['name'] for series in data['series'])]
    yield from (f'{text!r} is not written' for text in due if text not in texts)
    for path in root.iter(SVG + 'path'):
        if path.get('transform'):
            continue
        pairs = re.findall(r'[ML](-?[\d.]+) (-?[\d.]+)', path.get('d'))
        if not all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in pairs):
            yield f'outside the picture: {path.get("d")}'


def _of_scales():
    """Equal factors are equal distances, upwards and to the right."""
    data = _made_up(*MADE_UP[0])
    marks = _marks(ElementTree.fromstring(draw(data)), STYLES['rclone'][0])
    steps = [(x - before_x, before_y - y) for (before_x, before_y), (x, y) in zip(marks, marks[1:])]
    if len(marks) != len(MADE_UP[0][2]):
        yield f'{len(marks)} marks for {len(MADE_UP[0][2])} points'
    for place in (0, 1):
        sizes = [step[place] for step in steps]
        if not sizes or min(sizes) <= 0 or max(sizes) - min(sizes) > 0.3:
            yield f'a factor is not a distance: {sizes}'


def errors():
    yield from _of_scales()
    for case in MADE_UP:
        yield from (f'{case}: {error}' for error in _of_drawing(_made_up(*case)))
    for file in sorted(PLOTS.glob('*.json')):
        data = json.loads(file.read_text())
        yield from (f'{file.name}: {error}' for error in _of_drawing(data))
        picture = file.with_suffix('.svg')
        if not picture.exists() or picture.read_text() != draw(data):
            yield f'{picture.name} is not what tests/bench --plot --draw-only draws'
