"""The samples panel by keyboard: what is read, marked and gone through."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.shell.theme import Theme
from app.store.records import Run
from app.train.samples.panel import SamplesPanel
from app.train.samples.presenter import SamplesPresenter
from app.train.samples.state import SamplesState
from app.widgets.difference_marks import DifferenceMarks
from dpo_engine.events import Sampled
from tests.app.train.samples.conftest import Later, answers


class Shown:
    """A panel on a presenter."""

    def __init__(self, qtbot: QtBot, presenter: SamplesPresenter, theme: Theme) -> None:
        self.panel, self._presenter = SamplesPanel(theme), presenter
        qtbot.addWidget(self.panel)
        self.panel.resize(700, 420)
        with qtbot.waitExposed(self.panel):
            self.panel.show()
        presenter.listen(self.show)
        self.panel.place_wanted.connect(presenter.go_to)
        self.panel.prompt_wanted.connect(presenter.go_to_prompt)
        self.show()

    def show(self) -> None:
        self.panel.show_state(self._presenter.state, switched_on=False)

    @property
    def words(self) -> str:
        return "\n".join(label.text() for label in self.panel.findChildren(QLabel) if label.isVisible())

    def press(self, key: Qt.Key) -> None:
        QTest.keyClick(self.panel.scrubber, key)


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def presenter(later: Later, run: Run) -> SamplesPresenter:
    made = SamplesPresenter(later)
    made.show_run(run)
    later.catch_up()
    return made


@pytest.fixture
def shown(qtbot: QtBot, presenter: SamplesPresenter, theme: Theme) -> Shown:
    return Shown(qtbot, presenter, theme)


def test_arrows_scrub_and_change_the_prompt(shown: Shown) -> None:
    panel = shown.panel
    assert panel.reference.text.text == "The moon pulls the sea."
    assert panel.policy.text.text == "Gravity."
    assert "After step 4" in shown.words and "KL 0.300" in shown.words
    shown.press(Qt.Key.Key_Left)
    assert panel.policy.text.text == "The moon pulls the water."
    shown.press(Qt.Key.Key_Home)
    assert panel.policy.text.text == panel.reference.text.text
    assert "Before step 1" in shown.words
    shown.press(Qt.Key.Key_Down)
    assert panel.prompt.text == "Write a haiku." and "Prompt 2 of 2" in shown.words
    assert not panel.later.isEnabled()
    shown.press(Qt.Key.Key_Up)
    assert panel.prompt.text == "How do tides work?"


def test_the_words_that_differ_are_marked(qtbot: QtBot, shown: Shown) -> None:
    shown.press(Qt.Key.Key_Left)
    document = shown.panel.policy.text.document
    qtbot.waitUntil(lambda: bool(document().findChildren(DifferenceMarks)))
    blocks = document().begin().layout().formats()
    marked = [document().toPlainText()[one.start : one.start + one.length] for one in blocks]
    assert marked == ["water"]
    qtbot.waitUntil(lambda: "of the words in both" in shown.words)


def test_live_answers_come_in_at_the_end(shown: Shown, presenter: SamplesPresenter, run: Run) -> None:
    row = answers(6, "Moon and sun.", "Done.")
    presenter.hear(run, Sampled(request="t", step=6, samples=row.samples))
    assert shown.panel.policy.text.text == "Moon and sun."
    assert shown.panel.scrubber.value() == shown.panel.scrubber.maximum() == 3


def test_hostile_and_odd_texts_are_shown_as_texts(
    shown: Shown, presenter: SamplesPresenter, run: Run
) -> None:
    odd = "<script>alert(1)</script> שלום עולם\n```python\nprint(1)\n```\n" + "word " * 5000
    row = answers(6, odd)
    presenter.hear(run, Sampled(request="t", step=6, samples=row.samples))
    shown.panel.policy.text.finish()
    told = shown.panel.policy.text.toPlainText()
    assert "<script>alert(1)</script>" in told and "שלום" in told and "print(1)" in told
    shown.press(Qt.Key.Key_Down)
    assert "Not answered" in shown.words


def test_without_sampling_a_button_switches_it_on(qtbot: QtBot, theme: Theme) -> None:
    panel = SamplesPanel(theme)
    qtbot.addWidget(panel)
    panel.show()
    panel.show_state(SamplesState(case="off"), switched_on=False)
    assert panel.button.isVisible() and "8 prompts" in panel.button.text()
    with qtbot.waitSignal(panel.sampling_wanted):
        panel.button.click()
    panel.show_state(SamplesState(case="off"), switched_on=True)
    assert not panel.button.isVisible()


def test_every_control_has_a_name(shown: Shown) -> None:
    panel = shown.panel
    for control in (panel.scrubber, panel.earlier, panel.later, panel.reference.text, panel.policy.text):
        assert control.accessibleName()
