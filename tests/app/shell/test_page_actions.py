"""Actions from tables: every place's, their keys and whose they are, tips that name a key."""

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.annotate import actions as annotate
from app.inspector import actions as inspector
from app.library import actions as library
from app.shell.action_table import ActionTable, action
from app.shell.actions import SPECS
from app.shell.keymap import WINDOW, Keymap
from app.shell.page_actions import add_page_actions, keyed_tip
from app.shell.theme import Theme
from app.train import actions as train
from app.train.panels import PANELS

PAGES = (annotate.ACTIONS, library.ACTIONS, train.ACTIONS, inspector.ACTIONS, inspector.OF_SUSPECTS)
EVERYWHERE = ActionTable(WINDOW, SPECS)
TABLE = ActionTable(
    "Garden",
    (
        action("dig", "Dig…", "search", "D", "F4"),
        action("prune", "Prune", "x", "P", part="tree"),
        action("rake", "Rake", "check", part="lawn", repeats=True),
    ),
)


class Garden(QWidget):
    def __init__(self, theme: Theme, keymap: Keymap) -> None:
        super().__init__()
        self.done: list[str] = []
        self.tree, self.lawn = QPushButton("Tree"), QPushButton("Lawn")
        column = QVBoxLayout(self)
        column.addWidget(self.tree)
        column.addWidget(self.lawn)
        handlers = {spec.key: lambda key=spec.key: self.done.append(key) for spec in TABLE.specs}
        parts = {"tree": self.tree, "lawn": self.lawn}
        self.made = add_page_actions(self, TABLE, theme, keymap, handlers, parts)


@pytest.fixture
def keymap() -> Keymap:
    return Keymap()


@pytest.fixture
def garden(qtbot: QtBot, theme: Theme, keymap: Keymap) -> Garden:
    made = Garden(theme, keymap)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    return made


# --- every place's table ---


def test_no_usual_key_is_in_another_ones_way() -> None:
    keymap = Keymap()
    for table in (EVERYWHERE, *PAGES):
        keymap.add(table.keyed())
    clashes = [
        (mine.key, pressed, other.key)
        for mine in keymap.actions
        for pressed in mine.usual
        if (other := keymap.taken_by(mine.key, pressed)) is not None
    ]
    assert clashes == []
    assert len(keymap.actions) == sum(len(table.specs) for table in (EVERYWHERE, *PAGES)), "names are unique"


@pytest.mark.parametrize("table", PAGES, ids=lambda table: table.specs[0].key)
def test_every_action_of_a_page_has_words_and_an_icon(table: ActionTable, theme: Theme) -> None:
    for spec in table.specs:
        assert spec.text and not theme.icon(spec.icon).isNull(), spec.key
    assert max(Counter(spec.text for spec in table.specs).values()) == 1, "no two read the same"


def test_every_panel_of_training_can_be_brought_into_view() -> None:
    texts = {spec.key: spec.text for spec in train.ACTIONS.specs}
    assert [texts[f"show-{panel.key}"] for panel in PANELS] == [f"Show {one.title.lower()}" for one in PANELS]


# --- the actions made of one ---


def test_actions_are_named_for_the_palette_and_the_page_of_keys(garden: Garden, keymap: Keymap) -> None:
    names = {made.objectName(): made.text() for made in garden.made.values()}
    assert names == {"garden.dig": "Dig…", "garden.prune": "Prune", "garden.rake": "Rake"}
    dig, *_ = keymap.actions
    assert (dig.key, dig.text, dig.place) == ("garden.dig", "Dig", "Garden")
    assert [made.autoRepeat() for made in garden.made.values()] == [False, False, True]


def test_a_key_of_a_part_acts_in_that_part_alone(qtbot: QtBot, garden: Garden) -> None:
    for part in (garden.lawn, garden.tree):
        part.setFocus()
        qtbot.waitUntil(part.hasFocus)
        QTest.keyClick(part, Qt.Key.Key_P)
        QTest.keyClick(part, Qt.Key.Key_D)
    assert garden.done == ["dig", "prune", "dig"]


def test_another_key_does_it_from_then_on(qtbot: QtBot, garden: Garden, keymap: Keymap) -> None:
    keymap.change("garden.dig", ["G"])
    garden.lawn.setFocus()
    qtbot.waitUntil(garden.lawn.hasFocus)
    QTest.keyClick(garden.lawn, Qt.Key.Key_D)
    assert garden.done == []
    QTest.keyClick(garden.lawn, Qt.Key.Key_G)
    assert garden.done == ["dig"]


def test_two_parts_may_have_the_same_key_and_the_page_may_not(garden: Garden, keymap: Keymap) -> None:
    keymap.change("garden.rake", ["P"])
    assert keymap.keys_of("garden.prune") == ("P",)
    assert (other := keymap.taken_by("garden.dig", "P")) is not None and other.key == "garden.prune"
    keymap.change("garden.dig", ["P"])
    assert (keymap.keys_of("garden.prune"), keymap.keys_of("garden.rake")) == ((), ())


def test_icons_follow_the_theme_while_the_page_lives(qtbot: QtBot, theme: Theme, keymap: Keymap) -> None:
    garden = Garden(theme, keymap)

    def picture() -> object:
        return garden.made["dig"].icon().pixmap(16, 16).toImage()

    before = picture()
    theme.set_mode("dark")
    assert picture() != before
    with qtbot.waitSignal(garden.destroyed):
        garden.deleteLater()
    theme.set_mode("light")


def test_an_action_nobody_answers_is_refused(qtbot: QtBot, theme: Theme, keymap: Keymap) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    with pytest.raises(KeyError, match="dig"):
        add_page_actions(page, TABLE, theme, keymap, {})


# --- tips ---


def test_a_tip_ends_with_the_key_of_now(garden: Garden, keymap: Keymap) -> None:
    garden.lawn.setToolTip("Turn the earth")
    keyed_tip(garden.lawn, garden.made["dig"])
    assert garden.lawn.toolTip() == "Turn the earth (D)"
    keymap.change("garden.dig", ["Return"])
    assert garden.lawn.toolTip() == "Turn the earth (Enter)"
    garden.lawn.setToolTip("Turn it over")
    assert garden.lawn.toolTip() == "Turn it over (Enter)"
    keymap.change("garden.dig", [])
    assert garden.lawn.toolTip() == "Turn it over"


def test_a_tip_without_words_is_the_key(garden: Garden) -> None:
    keyed_tip(garden.tree, garden.made["dig"])
    assert garden.tree.toolTip() == "D"
    keyed_tip(garden.lawn, QAction(garden))
    assert garden.lawn.toolTip() == ""
