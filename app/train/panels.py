"""What stands on the right of the Train page above the runs, as data: one line a panel.

A panel is built when it is first shown. Its `make` gets the `Means`; the panel follows the presenter by
itself: `listen` (anything changed; read `state`), `draw_on` (the curves of every run that is shown or trains),
`hear` (each event of the run that trains), and `tools` for what takes time. `follow` spares it bursts.
"""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app.shell.settings import SettingsFile
from app.shell.theme import Theme
from app.train.curve_area import CurveArea
from app.train.presenter import TrainPresenter
from app.train.state import TrainState

REFRESH_MS = 30
"""A burst of events is shown once."""


@dataclass(frozen=True, kw_only=True)
class Means:
    presenter: TrainPresenter
    theme: Theme
    settings: SettingsFile


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
    area = CurveArea(means.theme)

    def draw() -> None:
        if area.board is not None:
            area.destroyed.connect(means.presenter.draw_on(area.board))
        area.show_state(means.presenter.state)

    area.board_built.connect(draw)
    follow(area, means.presenter, area.show_state)
    area.load()
    return area


PANELS: tuple[Panel, ...] = (Panel(key="curves", title="Curves", make=_curves),)
"""In the order of their segments; the first is shown first. Import a panel's module in its `make`."""

LINES: tuple[MakePanel, ...] = ()
"""What stands above the segments, each hidden while it has nothing to say."""
