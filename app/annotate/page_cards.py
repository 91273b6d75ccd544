"""What opens over or beside the Annotate page on a key: notes, composer, panels."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.annotate.composer import Composer
from app.annotate.note_cards import CommentCard, TagsCard
from app.annotate.page_header import PageHeader
from app.annotate.presenter import AnnotatePresenter
from app.annotate.quality_panel import QualityPanel
from app.annotate.sampling_panel import SamplingPanel
from app.annotate.verdict_bar import VerdictBar
from app.annotate.writers_panel import WritersPanel
from app.shell.theme import Theme


class PageCards(QObject):
    """Opens them with what they are about, and hands the presenter what was given."""

    closed = Signal()
    """The keyboard is the page's again."""
    composing = Signal(bool)
    """The composer takes room on the page, or no more."""

    def __init__(
        self,
        presenter: AnnotatePresenter,
        theme: Theme,
        header: PageHeader,
        verdicts: VerdictBar,
        page: QWidget,
    ) -> None:
        super().__init__(page)
        self._presenter, self._header, self._verdicts = presenter, header, verdicts
        self.composer = Composer(theme)
        self.comment, self.tags = CommentCard(theme, page), TagsCard(theme, page)
        self.sampling, self.writers = SamplingPanel(theme, page), WritersPanel(theme, page)
        self.quality = QualityPanel(theme)
        self.composer.hide()
        self._connect()

    def put_away(self) -> None:
        """Another comparison is on the screen: notes on the last one are closed."""
        self.comment.close_card()
        self.tags.close_card()

    def open_comment(self) -> None:
        shown = self._presenter.state.comparison
        if shown is not None:
            self.comment.begin(shown.comment, self._verdicts.comment)

    def open_tags(self) -> None:
        state = self._presenter.state
        if state.comparison is not None:
            self.tags.begin(state.comparison.tags, state.known_tags, self._verdicts.tags)

    def open_prompt(self) -> None:
        self.composer.begin("prompt")
        self.composing.emit(True)

    def open_continuation(self) -> None:
        last = self._presenter.state.last
        if last is None or not last.winner:
            self._header.say("A conversation goes on from a chosen response: say first which one is better.")
            return
        self.composer.begin("turn", about=last.verdict.id)
        self.composing.emit(True)

    def open_last(self) -> None:
        last = self._presenter.state.last
        if last is None or not last.winner:
            self._header.say("There is no chosen response to edit.")
            return
        self.composer.begin("edit_last", text=last.winner, about=last.verdict.id)
        self.composing.emit(True)

    def open_sampling(self) -> None:
        self.sampling.open_under(self._header.tools["sampling"], self._presenter.state.sampling)

    def open_writers(self) -> None:
        self.writers.open_under(self._header.tools["writers"], self._presenter.state)

    def toggle_quality(self) -> None:
        opens = self.quality.isHidden()
        self.quality.show_state(self._presenter.state)
        self.quality.setVisible(opens)
        if not opens:
            self.closed.emit()

    def _on_composer_closed(self) -> None:
        self.composer.hide()
        self.composing.emit(False)
        self.closed.emit()

    def _connect(self) -> None:
        presenter, composer = self._presenter, self.composer
        self.comment.comment_given.connect(presenter.set_comment)
        self.tags.tags_given.connect(presenter.set_tags)
        for card in (self.comment, self.tags):
            card.closed.connect(self.closed)
        composer.prompt_added.connect(
            lambda text, system: presenter.add_prompt(text, system, composer.answer)
        )
        composer.turn_added.connect(lambda text: presenter.continue_from_winner(text, composer.answer))
        composer.last_edited.connect(presenter.edit_last)
        composer.closed.connect(self._on_composer_closed)
        self.sampling.sampling_changed.connect(presenter.set_sampling)
        self.writers.opponent_changed.connect(presenter.set_opponent)
        self.quality.closed.connect(self.toggle_quality)
        self.quality.goal_changed.connect(presenter.set_goal)
        self.quality.order_changed.connect(presenter.set_order)
        self.quality.repeats_changed.connect(presenter.set_repeats)
        self.quality.overlap_changed.connect(presenter.set_overlap)
