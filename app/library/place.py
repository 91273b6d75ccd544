"""The Library's place in the window: its page, and in front of it import, export and merge."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QFocusEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.library.exchange.exchange import Exchange
from app.library.exchange.panel import Panel
from app.library.page import LibraryPage
from app.library.panels import PanelKey
from app.shell.theme import Theme

PROJECT_ENDING = ".dpo"


class LibraryPlace(QStackedWidget):
    """Pages in front are made when they are first wanted; leaving one does not end what it does."""

    annotate_requested = Signal()

    def __init__(
        self, page: LibraryPage, exchange: Exchange, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.page = page
        self._exchange, self._theme = exchange, theme
        self._panels: dict[str, Panel] = {}
        self.setAcceptDrops(True)
        self.addWidget(page)
        page.import_requested.connect(lambda: self.show_panel("import"))
        page.export_requested.connect(lambda _shown: self.show_panel("export"))
        page.merge_requested.connect(lambda: self.show_panel("merge"))
        page.agreement_requested.connect(lambda: self.show_panel("agreement"))

    def actions(self) -> list[QAction]:
        """What the shell offers in its command palette: rows that are out of sight cannot be acted on."""
        return self.page.actions() if self.currentWidget() is self.page else []

    def show_panel(self, key: PanelKey) -> None:
        """Show one of the pages in front."""
        if key == "export":
            self._exchange.exporting.open()
        if key not in self._panels:
            panel = self._panels[key] = self._made(key)
            panel.left.connect(self.show_rows)
            self.addWidget(panel)
        self._show_widget(self._panels[key])

    def shows(self, key: str) -> bool:
        """This page is what the person sees."""
        return self.isVisible() and self.currentWidget() is self._panels.get(key)

    def show_rows(self) -> None:
        """Back to the Library's page."""
        self._show_widget(self.page)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _files_of(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if paths := _files_of(event):
            event.acceptProposedAction()
            self.take_files(paths)

    def take_files(self, paths: list[Path]) -> None:
        """Look at what was dropped."""
        if paths[0].suffix.lower() == PROJECT_ENDING:
            self.show_panel("merge")
            self._exchange.merging.look(paths[0])
        else:
            self.show_panel("import")
            self._exchange.importing.look(paths)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        current = self.currentWidget()
        if current is not None:
            current.setFocus()

    def _made(self, key: PanelKey) -> Panel:
        """What a page needs is loaded with it: most visits to the Library want none of them."""
        exchange, theme = self._exchange, self._theme
        match key:
            case "import":
                from app.library.exchange.import_page import ImportPage

                importing = ImportPage(exchange.importing, theme)
                importing.rows_requested.connect(self.show_rows)
                return importing
            case "export":
                from app.library.exchange.export_page import ExportPage

                return ExportPage(exchange.exporting, theme)
            case "merge":
                from app.library.exchange.merge_page import MergePage

                merging = MergePage(exchange.merging, theme)
                merging.rows_requested.connect(self.show_rows)
                merging.agreement_requested.connect(lambda: self.show_panel("agreement"))
                return merging
            case "agreement":
                from app.library.exchange.agreement_page import AgreementPage

                agreement = AgreementPage(exchange.agreement, theme)
                agreement.annotate_requested.connect(self.annotate_requested)
                return agreement

    def _show_widget(self, widget: QWidget) -> None:
        self.setCurrentWidget(widget)
        widget.setFocus()


def _files_of(event: QDropEvent) -> list[Path]:
    """What is on this machine among what is dragged."""
    urls = event.mimeData().urls() if event.mimeData().hasUrls() else []
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
