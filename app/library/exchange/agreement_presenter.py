"""How far annotators agree, where they differ, and having that settled, blind. Qt-free.

Who said what is not shown with a difference: whoever settles it is to judge the responses, not the people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.library.exchange.presenting import Means, Presenter
from app.library.wording import count
from app.store.errors import StoreError
from app.store.figures import agreement
from app.store.figures.agreement import Between
from app.store.handle import Project
from app.store.library import table as library
from app.store.undo.journal import Done

MOST_SHOWN = 1_000


@dataclass(frozen=True, kw_only=True)
class Difference:
    comparison_id: int
    words: str
    """The beginning of what was asked."""
    people: tuple[str, ...]
    asked: bool
    """It waits to be settled already."""


@dataclass(frozen=True, kw_only=True)
class AgreementState:
    loading: bool = True
    between: Between | None = None
    any_difference: bool = False
    """Not only where they prefer different sides: also tie or both bad against a side."""
    differences: tuple[Difference, ...] = ()
    """The first `MOST_SHOWN`."""
    open: tuple[int, ...] = ()
    """The ids of all of them that nobody was asked to settle yet."""
    total: int = 0
    working: bool = False
    said: str = ""
    settling: bool = False
    """There is something to settle on Annotate."""
    problem: str = ""


class AgreementPresenter(Presenter[AgreementState]):
    def __init__(self, means: Means) -> None:
        super().__init__(means, AgreementState())
        self._give_up: Callable[[], None] = lambda: None
        self._visible = False
        self._stop_listening = means.history.listen(self._on_undone)

    def open(self) -> None:
        """The page comes into view."""
        self._visible = True
        self._change(said="", problem="")
        self.refresh()

    def leave(self) -> None:
        self._visible = False

    def close(self) -> None:
        self._give_up()
        self._stop_listening()
        self._listeners.clear()

    def refresh(self) -> None:
        any_difference = self.state.any_difference
        self._give_up()
        self._change(loading=True)
        self._give_up = self._means.reader.submit(
            lambda project: _look(project, any_difference), self._on_looked, self._on_failed
        )

    def show_any_difference(self, wanted: bool) -> None:
        self._change(any_difference=wanted, said="")
        self.refresh()

    def settle(self, comparison_ids: Sequence[int] | None = None) -> None:
        """Ask who sits here these, or all open ones, again; the answers count from then on."""
        wanted = list(self.state.open if comparison_ids is None else comparison_ids)
        if not wanted or self.state.working:
            return
        annotator = self._means.annotator()
        self._change(working=True, problem="")
        self._means.store.submit(
            lambda project: agreement.ask_again(project, wanted, annotator, purpose="settle"),
            lambda asked: self._on_asked(asked, annotator),
            self._on_failed,
        )

    def _on_looked(self, found: tuple[Between, tuple[Difference, ...], tuple[int, ...], int]) -> None:
        between, differences, open_, total = found
        waiting = any(one.asked for one in differences)
        self._change(
            loading=False,
            between=between,
            differences=differences,
            open=open_,
            total=total,
            settling=waiting,
        )

    def _on_asked(self, asked: int, annotator: str) -> None:
        come = "comes" if asked == 1 else "come"
        self._change(
            working=False,
            said=f"{count(asked, 'comparison')} {come} next on Annotate for {annotator}, with sides drawn "
            "anew and nobody's verdict shown. What is answered there counts."
            if asked
            else "They wait on Annotate already.",
        )
        self._means.history.refresh()
        self._means.changed()
        self.refresh()

    def _on_failed(self, error: StoreError) -> None:
        self._change(loading=False, working=False, problem=str(error))

    def _on_undone(self, done: Done) -> None:
        if self._visible:
            self._change(said=f"{'Undone' if done.undone else 'Redone'}: {done.label}")
            self.refresh()


def _look(
    project: Project, any_difference: bool
) -> tuple[Between, tuple[Difference, ...], tuple[int, ...], int]:
    between = agreement.between(project)
    found = agreement.disputes(project, any_difference=any_difference)
    first = found[:MOST_SHOWN]
    rows = library.rows(project, [one.comparison_id for one in first])
    differences = tuple(
        Difference(
            comparison_id=one.comparison_id,
            words=rows[one.comparison_id].words if one.comparison_id in rows else "",
            people=tuple(name for name, _ in one.answers),
            asked=one.asked,
        )
        for one in first
    )
    return between, differences, tuple(one.comparison_id for one in found if not one.asked), len(found)
