"""What stands on the right of the Train page above the runs, as data: one line a panel.

A panel is built when it is first shown. Its `make` gets the `Means`; the panel follows the presenter by
itself: `listen` (anything changed; read `state`), `draw_on` (the curves of every run that is shown or
trains), `hear` (each event of the run that trains), and `tools` for what takes time. `follow` spares it
bursts.
"""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app.shell.settings import SettingsFile
from app.shell.theme import Theme
from app.train.curve_area import CurveArea
from app.train.overlay import Overlay
from app.train.presenter import TrainPresenter
from app.train.state import TrainState

REFRESH_MS = 30
"""A burst of events is shown once."""


def _nowhere(_of: object) -> None:
    """A panel that stands alone has nowhere to go."""


@dataclass(frozen=True, kw_only=True)
class Means:
    presenter: TrainPresenter
    theme: Theme
    settings: SettingsFile
    show_verdicts: Callable[[int], None] = _nowhere
    """Show, where all verdicts are, those that made this run."""
    show_written: Callable[[str], None] = _nowhere
    """Show the candidates that this model wrote."""


MakePanel = Callable[[Means], QWidget]


@dataclass(frozen=True, kw_only=True)
class Panel:
    key: str
    title: str
    make: MakePanel


def follow(widget: QWidget, presenter: TrainPresenter, show: Callable[[TrainState], None]) -> QTimer:
    """Call `show` now and after changes, once for a burst of them, as long as `widget` lives."""
    timer = QTimer(widget, singleShot=True, interval=REFRESH_MS)
    timer.timeout.connect(lambda: show(presenter.state))
    widget.destroyed.connect(presenter.listen(lambda: None if timer.isActive() else timer.start()))
    show(presenter.state)
    return timer


def _curves(means: Means) -> QWidget:
    area = CurveArea(means.theme, means.settings)

    def draw() -> None:
        if area.board is not None:
            area.destroyed.connect(means.presenter.draw_on(area.board))
            follow(area.board, means.presenter, Overlay(area.board).show_state)
        area.show_state(means.presenter.state)

    area.board_built.connect(draw)
    follow(area, means.presenter, area.show_state)
    area.load()
    return area


def _samples(means: Means) -> QWidget:
    from app.train.samples.panel import samples_panel

    return samples_panel(means)


def _check(means: Means) -> QWidget:
    from app.train.preflight.panel import preflight_panel

    return preflight_panel(means)


def _details(means: Means) -> QWidget:
    from app.train.runs.details_panel import DetailsPanel

    panel = DetailsPanel(
        means.presenter, means.theme, show_verdicts=means.show_verdicts, show_written=means.show_written
    )
    follow(panel, means.presenter, panel.show_state)
    return panel


def _health(means: Means) -> QWidget:
    from app.train.health.line import health_line

    return health_line(means)


PANELS: tuple[Panel, ...] = (
    Panel(key="curves", title="Curves", make=_curves),
    Panel(key="samples", title="Samples", make=_samples),
    Panel(key="check", title="Check", make=_check),
    Panel(key="details", title="Details", make=_details),
)
"""In the order of their segments; the first is shown first. Import a panel's module in its `make`."""

LINES: tuple[MakePanel, ...] = (_health,)
"""What stands above the segments, each hidden while it has nothing to say."""
