"""Who sits at the page: asked at the start where several people judge, and whenever somebody says so."""

from PySide6.QtCore import QObject, Signal

from app.annotate.annotator_chooser import AnnotatorChooser
from app.annotate.presenter import AnnotatePresenter
from app.annotate.state import AnnotateState
from app.shell.theme import Theme


class AnnotatorSeat(QObject):
    """`is_asked` while the chooser is to be in view in place of the responses."""

    left = Signal()
    """Somebody sits, or stays; the page goes on."""

    def __init__(self, presenter: AnnotatePresenter, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._presenter = presenter
        self._changing = self._open = False
        self.chooser = AnnotatorChooser(theme)
        self.chooser.chosen.connect(self._on_chosen)
        self.chooser.added.connect(self._on_added)
        self.chooser.left.connect(self.stay)

    @property
    def is_changing(self) -> bool:
        """Somebody asked for it, and may still stay who they are."""
        return self._changing

    def ask(self) -> None:
        self._changing = True

    def stay(self) -> None:
        self._changing = False
        self.left.emit()

    def show_state(self, state: AnnotateState) -> bool:
        """Whether the question is to be seen; it opens with the names when it was not."""
        asked = self._changing or state.phase == "who"
        if asked and not self._open:
            self.chooser.open_for(state.annotators, state.annotator, must=state.phase == "who")
        self._open = asked
        return asked

    def _on_chosen(self, name: str) -> None:
        self._presenter.set_annotator(name)
        self.stay()

    def _on_added(self, name: str) -> None:
        def answered(problem: str) -> None:
            self.chooser.answer(problem)
            if not problem:
                self._on_chosen(name)

        self._presenter.add_annotator(name, answered)
