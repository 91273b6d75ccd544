"""The one window: navigation on the left, the place in the middle, the status bar below.

It knows no feature: pages are handed to it with the place they belong to.
"""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.shell.banner import Banner
from app.shell.command_palette import CommandPalette
from app.shell.navigation import PLACES, Navigation
from app.shell.status_bar import StatusBar
from app.shell.theme import Theme

PageMaker = Callable[[QWidget], QWidget]
"""Of the widget that the page will be in: what is moved later is polished by the style sheet once more."""


class MainWindow(QMainWindow):
    """A page is made when its place is shown for the first time, so that the window is up at once."""

    close_requested = Signal()
    """The person closes the window; it stays until `let_close` was called."""
    place_shown = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("main-window")
        self.setWindowTitle("DPO Studio")
        self._makers: dict[str, PageMaker] = {}
        self._pages: dict[str, QWidget] = {}
        self._instead: QWidget | None = None
        self._may_close = False
        self._current = PLACES[0].key
        self.navigation = Navigation(theme)
        self.status = StatusBar(theme)
        self.banner = Banner(theme)
        self._stack = QStackedWidget()
        self._palette = CommandPalette(theme, self)
        self._lay_out()
        self.navigation.place_chosen.connect(self.show_place)
        self.navigation.palette_requested.connect(self.open_palette)
        self.navigation.setEnabled(False)
        self.setMinimumSize(960, 600)
        self.resize(1280, 800)

    def set_pages(self, makers: dict[str, PageMaker]) -> None:
        """The pages by their place's key; the current place is shown. Pages of before are let go of."""
        for page in self._pages.values():
            self._let_go_of(page)
        self._pages.clear()
        if self._instead is not None:
            self._let_go_of(self._instead)
            self._instead = None
        self._makers = makers
        self.navigation.setEnabled(True)
        self.show_place(self._current)

    def show_instead(self, widget: QWidget) -> None:
        """Show something in place of all pages (a project that cannot be opened)."""
        if self._instead is not None:
            self._let_go_of(self._instead)
        self._instead = widget
        self._stack.addWidget(widget)
        self._stack.setCurrentWidget(widget)

    def _let_go_of(self, widget: QWidget) -> None:
        self._stack.removeWidget(widget)
        widget.deleteLater()

    def show_place(self, key: str) -> None:
        if key not in self._makers:
            return
        self._current = key
        page = self.page(key)
        self._stack.setCurrentWidget(page)
        self.navigation.show_place(key)
        page.setFocus()
        self.place_shown.emit(key)

    def page(self, key: str) -> QWidget:
        """The page of a place, made now if it was not yet."""
        if key not in self._pages:
            self._pages[key] = self._makers[key](self._stack)
            self._stack.addWidget(self._pages[key])
        return self._pages[key]

    @property
    def current_place(self) -> str:
        return self._current

    @property
    def current_page(self) -> QWidget | None:
        return self._pages.get(self._current)

    def open_palette(self) -> None:
        page = self.current_page
        self._palette.open_with([*(page.actions() if page is not None else []), *self.actions()])

    def let_close(self) -> None:
        self._may_close = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._may_close:
            event.accept()
            return
        event.ignore()
        self.close_requested.emit()

    def _lay_out(self) -> None:
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.banner)
        right.addWidget(self._stack, 1)
        top = QHBoxLayout()
        top.setContentsMargins(0, 0, 0, 0)
        top.setSpacing(0)
        top.addWidget(self.navigation)
        top.addLayout(right, 1)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top, 1)
        column.addWidget(self.status)
        centre = QWidget()
        centre.setLayout(column)
        self.setCentralWidget(centre)
