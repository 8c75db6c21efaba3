"""Plots as SVG: one line for each arm, both axes logarithmic."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 590, 50, 390
"""The edges of the plotting area; the names of the lines stand right of it."""
LABEL_GAP = 16
# Okabe and Ito's for the colour-blind, without their yellow: jfly.uni-koeln.de/color
COLOURS = (
    "#000000", "#d55e00", "#cc79a7", "#e69f00", "#56b4e9", "#0072b2", "#009e73",
    "#888888",
)  # fmt: skip

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis from one power of ten to another, drawn between two pixels."""

    first: int
    last: int
    start: float
    end: float

    @classmethod
    def around(cls, values: Sequence[float], start: float, end: float) -> "Axis":
        """The shortest axis that holds all values, and at least one power of ten."""
        first = floor(log10(min(values)))
        return cls(first, max(first + 1, ceil(log10(max(values)))), start, end)

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.first, self.last + 1)]

    def at(self, value: float) -> float:
        share = (log10(value) - self.first) / (self.last - self.first)
        return self.start + share * (self.end - self.start)


def draw(title: str, lines: Mapping[str, Points]) -> str:
    """An SVG of lines of (users, milliseconds), each named at its right end."""
    shown = {name: points for name, points in lines.items() if points}
    everything = [point for points in shown.values() for point in points]
    across = Axis.around([users for users, _ in everything], LEFT, RIGHT)
    up = Axis.around([max(value, 0.1) for _, value in everything], BOTTOM, TOP)
    parts = [
        _text(LEFT, TOP - 22, title, 'font-size="15" font-weight="bold"'),
        _text(RIGHT, BOTTOM + 38, "users", 'text-anchor="end"'),
        *_grid(across, up),
        *_lines(shown, across, up),
    ]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="12" fill="#222222" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>\n'
        f"{body}\n</svg>\n"
    )


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    style = 'stroke="#dddddd"'
    for users in across.ticks:
        x = across.at(users)
        yield f'<path d="M{x:.1f} {TOP}V{BOTTOM}" {style}/>'
        yield _text(x, BOTTOM + 20, f"{users:,.0f}", 'text-anchor="middle"')
    for value in up.ticks:
        y = up.at(value)
        yield f'<path d="M{LEFT} {y:.1f}H{RIGHT}" {style}/>'
        yield _text(LEFT - 8, y + 4, _duration(value), 'text-anchor="end"')


def _lines(lines: Mapping[str, Points], across: Axis, up: Axis) -> Iterator[str]:
    ends = {name: up.at(points[-1][1]) for name, points in lines.items()}
    labels = spread(ends, LABEL_GAP)
    for colour, (name, points) in zip(_cycle(len(lines)), lines.items(), strict=True):
        places = [(across.at(users), up.at(value)) for users, value in points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, y in places:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'
        style = f'fill="{colour}"'
        yield _text(RIGHT + 12, labels[name] + 4, name, style)


def spread(places: Mapping[str, float], gap: float) -> dict[str, float]:
    """Move what is closer than the gap apart, downwards, in the same order."""
    moved: dict[str, float] = {}
    last = float("-inf")
    for name, place in sorted(places.items(), key=lambda item: item[1]):
        last = moved[name] = max(place, last + gap)
    return moved


def _cycle(length: int) -> list[str]:
    return [COLOURS[number % len(COLOURS)] for number in range(length)]


def _duration(milliseconds: float) -> str:
    if milliseconds < 1_000:
        return f"{milliseconds:g} ms"
    return f"{milliseconds / 1_000:,.0f} s"


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
