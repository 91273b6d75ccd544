"""Search, filters as chips, and the saved ones: what the table shows, said in one or two lines."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from app.library.facets import FACETS, TOGGLES, Facet, open_facet
from app.library.flow import Flow
from app.library.popups import LinePopup
from app.library.saved import LONGEST_NAME
from app.library.state import LibraryState
from app.library.wording import chip_words
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.library.filters import Filter
from app.widgets.search_field import SearchField

_PAUSE_BEFORE_SEARCH_MS = 150


class FilterBar(QWidget):
    """Shows a filter; emits `filter_wanted` with another one. Words only after a short pause in typing."""

    filter_wanted = Signal(object)
    save_wanted = Signal(str)
    delete_wanted = Signal(str)
    left_downwards = Signal()
    """The person is done with the search field and goes on to the rows."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._state = LibraryState()
        self.search = SearchField(
            theme, tip="Words, “phrases in quotes”, beginnings* ( / )", narrowest=160, widest=theme.px(380)
        )
        self.search.left.connect(self._leave_search)
        self.add = _button("Filter", "Add a filter")
        self.saved = _button("Saved", "Saved filters")
        self.add.setMenu(QMenu(self.add))
        self.saved.setMenu(QMenu(self.saved))
        self.chips = QWidget()
        self._flow = Flow(self.chips)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_BEFORE_SEARCH_MS)
        self._pause.timeout.connect(self._apply_text)
        self._lay_out()
        self.search.textEdited.connect(lambda _text: self._pause.start())
        self.search.textChanged.connect(self._on_text_changed)
        self.add.menu().aboutToShow.connect(self._fill_facets)
        self.saved.menu().aboutToShow.connect(self._fill_saved)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_state(self, state: LibraryState) -> None:
        before, self._state = self._state, state
        if not self._pause.isActive() and state.filter.text != self.search.text():
            self.search.setText(state.filter.text)
        if before.filter != state.filter or before.facets.runs != state.facets.runs:
            self._show_chips()

    def show_chips(self, shown: bool) -> None:
        """They belong to the rows."""
        self.chips.setVisible(shown and self._flow.count() > 0)

    def show_facets(self) -> None:
        """Open the list of what can be filtered by."""
        self.add.showMenu()

    # --- what holds ---------------------------------------------------------------------------------

    def _want(self, **changes: object) -> None:
        self.filter_wanted.emit(replace(self._state.filter, **changes))  # type: ignore[arg-type]

    def _show_chips(self) -> None:
        had_focus = self.chips.isAncestorOf(self.focusWidget() or self)
        while self._flow.count():
            chip = self._flow.takeAt(0).widget()
            if chip is not None:
                chip.deleteLater()
        if had_focus:
            self.add.setFocus()
        runs = dict(self._state.facets.runs)
        words = chip_words(self._state.filter, runs)
        for key, (name, values) in words.items():
            self._flow.addWidget(self._chip(key, name, values))
        if len(words) > 1:
            clear = QToolButton()
            clear.setText("Clear all")
            clear.setAccessibleName("Clear all filters")
            set_role(clear, "quiet-small")
            clear.clicked.connect(lambda: self.filter_wanted.emit(Filter(text=self._state.filter.text)))
            self._flow.addWidget(clear)
        self.chips.setVisible(bool(words))
        self.chips.updateGeometry()

    def _chip(self, key: str, name: str, values: str) -> "Chip":
        alone = key in TOGGLES
        chip = Chip(name if alone else f"{name}: {values}", self._theme)
        names = TOGGLES[key].names if alone else FACETS[key].names
        chip.removed.connect(lambda: self.filter_wanted.emit(self._state.filter.without(*names)))
        if alone:
            chip.opened.connect(chip.removed)
        else:
            chip.opened.connect(lambda: self._open(FACETS[key], chip))
        return chip

    def _open(self, facet: Facet, under: QWidget) -> None:
        # Not below a chip: that is made anew with every tick.
        anchor = self.add if under is not self.add else under
        open_facet(facet, self._state, self._theme, self, anchor, self._want)

    # --- menus --------------------------------------------------------------------------------------

    def _fill_facets(self) -> None:
        menu = self.add.menu()
        menu.clear()
        for facet in FACETS.values():
            action = menu.addAction(f"{facet.title}…")
            action.triggered.connect(self._opening(facet))
        menu.addSeparator()
        for key, toggle in TOGGLES.items():
            action = menu.addAction(toggle.title)
            action.setCheckable(True)
            action.setChecked(bool(getattr(self._state.filter, key)))
            action.toggled.connect(self._toggling(key))

    def _opening(self, facet: Facet) -> Callable[[], None]:
        # After the menu has closed, which would close the popup along with itself.
        return lambda: QTimer.singleShot(0, self, lambda: self._open(facet, self.add))

    def _toggling(self, key: str) -> Callable[[bool], None]:
        return lambda on: self._want(**{key: on})

    def _fill_saved(self) -> None:
        menu = self.saved.menu()
        menu.clear()
        for one in self._state.saved:
            action = menu.addAction(one.name.replace("&", "&&"))
            action.triggered.connect(lambda _=False, wanted=one.filter: self.filter_wanted.emit(wanted))
        if self._state.saved:
            menu.addSeparator()
        keep = menu.addAction("Save this filter…")
        keep.setEnabled(not self._state.filter.is_empty)
        keep.triggered.connect(lambda: QTimer.singleShot(0, self, self.ask_for_name))
        if self._state.saved:
            forget = menu.addMenu("Delete")
            for one in self._state.saved:
                action = forget.addAction(one.name.replace("&", "&&"))
                action.triggered.connect(lambda _=False, name=one.name: self.delete_wanted.emit(name))

    def ask_for_name(self) -> None:
        """A line to type the name in under which this filter is kept."""
        if self._state.filter.is_empty:
            return
        popup = LinePopup("Save this filter", "Its name", "Save", self._theme, self, longest=LONGEST_NAME)
        popup.entered.connect(self.save_wanted)
        popup.open_under(self.saved)

    # --- the search field ---------------------------------------------------------------------------

    def _leave_search(self) -> None:
        if self._pause.isActive():
            self._apply_text()
        self.left_downwards.emit()

    def _on_text_changed(self, text: str) -> None:
        if not text:
            self._apply_text()

    def _apply_text(self) -> None:
        self._pause.stop()
        if self.search.text() != self._state.filter.text:
            self._want(text=self.search.text())

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        row.addWidget(self.search, 1)
        row.addWidget(self.add)
        row.addWidget(self.saved)
        row.addStretch(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addLayout(row)
        self.row = row
        self.chips.hide()

    def _on_theme_changed(self) -> None:
        self.search.show_icon()
        self.add.setIcon(self._theme.icon("list-filter"))
        self.saved.setIcon(self._theme.icon("bookmark"))
        self._show_chips()


class Chip(QWidget):
    """One filter that holds: its words open it, the cross (or Delete) takes it away."""

    opened = Signal()
    removed = Signal()

    def __init__(self, words: str, theme: Theme) -> None:
        super().__init__()
        self.words, self.cross = QToolButton(), QToolButton()
        self.words.setText(words.replace("&", "&&"))
        self.words.setAccessibleName(f"Filter {words}")
        self.words.setToolTip(words)
        self.cross.setIcon(theme.icon("x"))
        self.cross.setIconSize(self.cross.iconSize() * 0.75)
        self.cross.setAccessibleName(f"Remove the filter {words}")
        self.cross.setToolTip("Remove this filter (Delete)")
        set_role(self.words, "chip")
        set_role(self.cross, "chip-cross")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.words)
        row.addWidget(self.cross)
        self.words.clicked.connect(self.opened)
        self.cross.clicked.connect(self.removed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        else:
            super().keyPressEvent(event)


def _button(text: str, name: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(name)
    button.setToolTip(name)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button
