"""Charts as SVG that takes its colours from the page: the only importer of matplotlib.

Its import takes a second of CPU, so it is done where a chart is drawn: most commands draw none.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from expectations.curated import curated
from expectations.interval import intervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = Sequence[tuple[date, float | None]]
Kind = Literal["line", "bars"]

# Placeholder colours: each is replaced by a variable of the style sheet.
_INK, _SOFT, _LINE = "#010101", "#020202", "#030303"
_VARIABLES = {_INK: "--ink", _SOFT: "--soft", _LINE: "--line"}
_SERIES = ("#0a0a01", "#0a0a02", "#0a0a03", "#0a0a04", "#0a0a05")
_VARIABLES |= {colour: f"--series-{place}" for place, colour in enumerate(_SERIES, start=1)}
ROUNDED_FROM = 10
# The regimes of heat in the order of curated/gauge_regimes.toml, then flush.
_BY_HEAT = curated()["gauge_regimes"].rows.sort("heat_from").get_column("regime")
REGIMES = {name: f"#0b0b0{place}" for place, name in enumerate([*_BY_HEAT, "flush"], start=1)}
_VARIABLES |= {colour: f"--regime-{name}" for name, colour in REGIMES.items()}

_STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "text.color": _INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.4,
}


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        series: Name to points, in order of time; an unknown value breaks the line.
        unit: How values are written: `percent`, `usd`, `krw` or `plain`.
        kind: Lines, or bars of the first series.
        zero: Whether a line at zero is drawn, for values on both sides of it.
        height: Share of the chart's height.
        colours: Numbers of the page's colours for the series, counted from one.
    """

    series: Mapping[str, Points]
    unit: str
    kind: Kind = "line"
    zero: bool = False
    height: float = 1.0
    colours: Sequence[int] = (1, 2, 3)


def draw(name: str, panels: Sequence[Panel], *, marked: date, bands: Mapping[date, str] | None = None) -> str | None:
    """Draw panels above each other on one time axis.

    Args:
        name: A name for the chart, unique on its page.
        panels: From top to bottom.
        marked: The day that the page is about; a line marks it.
        bands: Day to regime; drawn as a strip behind the first panel.

    Returns:
        The SVG element; none if there is nothing to draw.
    """
    filled = [
        panel for panel in panels if any(value is not None for points in panel.series.values() for _, value in points)
    ]
    if not filled:
        return None
    from matplotlib import rc_context
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    with rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(7.6, 1.1 + 1.5 * sum(panel.height for panel in filled)), layout="constrained")
        rows: Any = figure.subplots(
            len(filled),
            1,
            sharex=True,
            squeeze=False,
            gridspec_kw={"height_ratios": [panel.height for panel in filled]},
        )
        first = min(day for panel in filled for points in panel.series.values() for day, _ in points)
        for place, panel in enumerate(filled):
            axes: Axes = rows[place][0]
            if place == 0 and bands:
                _strip(axes, bands)
            _panel(axes, panel)
            axes.axvline(_number(marked), color=_SOFT, linewidth=0.8, linestyle=(0, (2, 2)))
            axes.set_xlim(_number(first), _number(marked + timedelta(days=2)))
        locator: Any = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]  # matplotlib has none here
        rows[-1][0].xaxis.set_major_locator(locator)
        labels: Any = ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]  # the same
        rows[-1][0].xaxis.set_major_formatter(labels)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _themed(drawn.getvalue(), name)


def _panel(axes: "Axes", panel: Panel) -> None:
    from matplotlib.ticker import FuncFormatter

    for (label, points), place in zip(panel.series.items(), panel.colours, strict=False):
        colour = _SERIES[place - 1]
        days = [_number(day) for day, _ in points]
        values = [float("nan") if value is None else value for _, value in points]
        if panel.kind == "bars":
            axes.bar(days, values, width=0.9, color=colour, label=label)
        else:
            axes.plot(days, values, color=colour, label=label)
    if panel.zero:
        axes.axhline(0, color=_SOFT, linewidth=0.8)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value, panel.unit)))
    axes.legend(loc="upper left", ncols=len(panel.series), borderaxespad=0.1, handlelength=1.2)
    axes.margins(y=0.12)


def _strip(axes: "Axes", bands: Mapping[date, str]) -> None:
    """Draw one span for each run of days in one regime."""
    for days in intervals(bands, bands.get):
        colour = REGIMES[bands[days.start]]
        axes.axvspan(_number(days.start) - 0.5, _number(days.last) + 0.5, color=colour, alpha=0.35, linewidth=0)


def _number(day: date) -> float:
    return float((day - date(1970, 1, 1)).days)


def written(value: float, unit: str) -> str:
    """A number on an axis."""
    if unit == "percent":
        percent = value * 100
        return f"{percent:.0f} %" if abs(percent) >= 1 or percent == 0 else f"{percent:.2f} %"
    sign = "$" if unit == "usd" else "₩" if unit == "krw" else ""
    size = abs(value)
    for step, word in ((1e12, " trn"), (1e9, " bn"), (1e6, " m")):
        if size >= step:
            return f"{sign}{value / step:.3g}{word}"
    return f"{sign}{value:,.0f}" if size >= ROUNDED_FROM else f"{sign}{value:.3g}"


def _themed(text: str, name: str) -> str:
    """The SVG element alone: it fills its container, its ids are unique on the page, and it uses the page's colours."""
    element = text[text.index("<svg") :]
    element = re.sub(r'<svg([^>]*?) height="[^"]*"([^>]*?) width="[^"]*"', r"<svg\1\2", element, count=1)
    element = re.sub(r'<svg([^>]*?) width="[^"]*"([^>]*?) height="[^"]*"', r"<svg\1\2", element, count=1)
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", element)
    for colour, variable in _VARIABLES.items():
        element = element.replace(colour, f"var({variable})")
    return element.strip()
