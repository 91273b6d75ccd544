"""What a live plot draws and how it is looked at: data only, Qt-free."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from app.widgets.plots.series import Series

Style = Literal["line", "dashes"]
Marker = Literal["", "o", "s", "d", "t"]


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One curve: which series, its word in the legend, and how it is drawn."""

    key: str
    words: str
    colour: str
    """A palette token."""
    style: Style = "line"
    marker: Marker = ""
    """Points are marked, with a thin line between them: for curves of few points."""
    row: int = 0
    """The row of the legend in which it stands."""
    legend: str = ""
    """A shorter word for the legend, where its place there says the rest."""
    by_rule: bool = False
    """Its values follow a rule and have no noise to be smoothed away."""

    @property
    def exact(self) -> bool:
        """Never smoothed: points that are few, and what follows a rule."""
        return bool(self.marker) or self.by_rule


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One plot: its curves, a level marked by a dashed line, and how numbers are written."""

    key: str
    """Names the chart in the settings and in files."""
    title: str
    help: str
    traces: tuple[Trace, ...]
    level: tuple[float, str] | None = None
    limits: tuple[float, float] | None = None
    """A fixed height, for what has natural limits."""
    number: str = "{:.3f}"
    scale: float = 1.0
    """Values are written and drawn times this: bytes as gigabytes."""
    positive: bool = False
    """Its values are above 0 by their nature, so it can be drawn on a logarithmic axis."""

    def figure(self, value: float) -> str:
        """A value of the series, as it is written."""
        text = self.number.format(value * self.scale)
        mantissa, e, power = text.partition("e")
        return f"{mantissa}{e}{int(power)}".replace("-", "−") if e else text.replace("-", "−")


@dataclass(frozen=True, kw_only=True)
class Look:
    """How all plots of a group are drawn."""

    window: int = 1
    """About how many points a line is averaged over; 1: none."""
    log: bool = False
    """A logarithmic height, for charts whose values are positive."""


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """Another run, drawn faintly beside the one that is shown."""

    name: str
    series: Mapping[str, Series]
    dash: int
    """Which pattern its lines have."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """All that a group of plots draws, by metric name."""

    series: Mapping[str, Series]
    beside: Sequence[Overlay] = ()
    group: Sequence[Mapping[str, Series]] = ()
    """Runs drawn together as a band from the lowest to the highest, with their mean."""
