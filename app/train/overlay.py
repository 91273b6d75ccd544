"""Which runs are drawn together: the selected one, those compared with it, and its other seeds as a band."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from app.train.state import TrainState
from app.train.wording import short_name

_LONGEST_NAME = 24


class Board(Protocol):
    """Who draws (`app.train.curve_board.board.CurveBoard`)."""

    def show_runs(
        self, shown: int | None, beside: Sequence[int] = (), names: Mapping[int, str] | None = None
    ) -> None: ...

    def show_band(self, runs: Sequence[int]) -> None: ...


class Overlay:
    """Tells the board only when something is another one: each telling draws everything anew."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._told: tuple[int | None, tuple[int, ...]] = (None, ())
        self._band: tuple[int, ...] = ()

    def show_state(self, state: TrainState) -> None:
        shown, desk = state.selected, state.desk
        beside = tuple(run_id for run_id in desk.compared if run_id != shown)
        if (shown, beside) != self._told:
            self._told = (shown, beside)
            wanted = {shown, *beside}
            names = {
                line.run.id: _brief(short_name(line.run.name)) for line in state.runs if line.run.id in wanted
            }
            self._board.show_runs(shown, beside, names)
        band = desk.seeds_of(shown) if desk.band else ()
        if band != self._band:
            self._band = band
            self._board.show_band(band)


def _brief(name: str) -> str:
    """As long as a legend has room for."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
