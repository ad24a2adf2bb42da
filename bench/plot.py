# SPDX-License-Identifier: MIT
"""Horizontal bars over a logarithmic axis as SVG, readable on light and dark pages."""
import math
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 760, 300, 70, 18, 10, 40
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 } .tick { fill: #6e7781; font-size: 11px; text-anchor: middle } .name { text-anchor: end }
.grid { stroke: #d0d7de } .ours { fill: #1a7f37 } .other { fill: #8c959f } .floor { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .tick { fill: #8d96a0 } .grid { stroke: #30363d }
  .ours { fill: #3fb950 } .other { fill: #6e7681 } .floor { fill: #4493f8 }
}"""


def bars(title, rows):
    """@rows: (name, seconds, class), class being ours, other or floor."""
    low = 10.0 ** math.floor(math.log10(min(r[1] for r in rows)))
    high = 10.0 ** math.ceil(math.log10(max(r[1] for r in rows)))
    height = TOP + len(rows) * (BAR + GAP) + 10

    def x(seconds):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(seconds / low) / math.log10(high / low)
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
           f'height="{height}" role="img" aria-label="{escape(title)}">')
    yield f"<style>{STYLE}\n</style>"
    yield f'<text class="title" x="8" y="16">{escape(title)}</text>'
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        at = f"{x(10.0 ** power):.1f}"
        yield f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP - 6}" y2="{height - 6}"/>'
        yield f'<text class="tick" x="{at}" y="{TOP - 10}">{10.0 ** power:g} s</text>'
    for i, (name, seconds, kind) in enumerate(rows):
        y = TOP + i * (BAR + GAP)
        yield f'<text class="name" x="{LEFT - 8}" y="{y + 14}">{escape(name)}</text>'
        yield f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{x(seconds) - LEFT:.1f}" height="{BAR}" rx="2"/>'
        yield f'<text x="{x(seconds) + 6:.1f}" y="{y + 14}">{seconds:.2f} s</text>'
    yield "</svg>"
