"""What the person chose for this project: who judges, in which order, how many a day. Qt-free."""

from collections.abc import Callable
from dataclasses import replace

from app.annotate import desk
from app.annotate.desk import Asking, Beginning, Surroundings
from app.annotate.line import Line
from app.annotate.voice import Voice
from app.history import History
from app.store.access import StoreAccess
from app.store.collecting import annotators
from app.store.collecting.ordering import Order
from app.store.errors import StoreError


class Choices:
    """Each is kept in the project; what is written and shown from then on follows it."""

    def __init__(
        self,
        *,
        store: StoreAccess,
        reader: StoreAccess,
        history: History,
        line: Line,
        voice: Voice,
        sat_down: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        """`sat_down` is called when somebody else judges from now on."""
        self.goal = 0
        self.annotators: tuple[str, ...] = ()
        self.needs_annotator = False
        self.around = Surroundings()
        self._store, self._reader, self._history = store, reader, history
        self._line, self._voice, self._sat_down, self._changed = line, voice, sat_down, changed

    @property
    def annotator(self) -> str:
        return self._line.asking.annotator

    def begin(self, beginning: Beginning) -> None:
        self.goal, self.annotators = beginning.goal, beginning.annotators
        self.needs_annotator = len(beginning.annotators) > 1
        self.look()

    def look(self) -> None:
        """Which tags and models there are to choose from."""
        self._reader.submit(desk.surroundings, self._take, lambda _error: None)

    def set_annotator(self, name: str) -> None:
        """This person judges from now on; each verdict is signed with the name, and undo is theirs."""
        self.needs_annotator = False
        if name != self.annotator:
            self._history.set_annotator(name)
            self._ask(replace(self._line.asking, annotator=name))
            self._sat_down()
        elif self._line.shown is None:
            self._line.show_next()
        self._changed()

    def add_annotator(self, name: str, answered: Callable[[str], None] = lambda _problem: None) -> None:
        """Somebody new, who judges from now on. `answered`: "" or why the name was refused."""

        def added(kept: str) -> None:
            if kept not in self.annotators:
                self.annotators = (*self.annotators, kept)
            answered("")
            self.set_annotator(kept)

        self._store.submit(
            lambda project: annotators.add_annotator(project, name),
            added,
            lambda error: answered(str(error)),
        )

    def set_order(self, order: Order, random_share: float = 0.0) -> None:
        """In which order comparisons come; a `random_share` of them (0 to 1) at random, and marked so."""
        share = min(1.0, max(0.0, random_share))
        self._keep(desk.ORDER, order)
        self._keep(desk.RANDOM_SHARE, share)
        self._ask(replace(self._line.asking, order=order, random_share=share))

    def set_overlap(self, on: bool) -> None:
        """Whether everybody answers every comparison, or one person each."""
        self._keep(desk.OVERLAP, on)
        self._ask(replace(self._line.asking, overlap=on))

    def set_repeats(self, every: int) -> None:
        """About one in so many comparisons comes back later with its sides swapped; 0 for none."""
        self._keep(desk.REPEAT_EVERY, desk.every(every))
        self._ask(replace(self._line.asking, repeat_every=desk.every(every)))

    def set_goal(self, verdicts: int) -> None:
        """So many verdicts a day; 0 for no goal."""
        self.goal = desk.goal(verdicts)
        self._keep(desk.GOAL, self.goal)
        self._changed()

    def _ask(self, asking: Asking) -> None:
        if asking != self._line.asking:
            self._line.ask(asking)
            self._changed()

    def _keep(self, name: str, value: object) -> None:
        self._store.submit(desk.keeping(name, value), lambda _nothing: None, self._on_not_kept)

    def _on_not_kept(self, error: StoreError) -> None:
        self._voice.complain(error)

    def _take(self, around: Surroundings) -> None:
        self.around = around
        self._changed()
