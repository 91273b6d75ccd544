"""Import: choose, look, take in, report; one page whose middle follows what is going on."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QStackedWidget, QWidget

from app.library.exchange.import_options import ImportOptions
from app.library.exchange.import_presenter import ImportPresenter
from app.library.exchange.import_state import ImportState
from app.library.exchange.panel import Panel
from app.library.exchange.parts import WorkCard, centred
from app.library.exchange.preview_pane import PreviewPane
from app.library.exchange.report_card import ReportCard
from app.library.exchange.source_chooser import SourceChooser
from app.shell.palette import Space
from app.shell.theme import Theme, set_role


class ImportPage(Panel):
    rows_requested = Signal()
    """Show the Library: something came in."""

    def __init__(self, presenter: ImportPresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Import", theme, parent)
        self._presenter = presenter
        self._phase = ""
        self.chooser, self.work = SourceChooser(theme), WorkCard(theme)
        self.options, self.preview = ImportOptions(presenter, theme), PreviewPane(theme)
        self.show_rows, self.undo = QPushButton("Show the Library"), QPushButton("Undo")
        self.other = QPushButton("Import more…")
        self.report = ReportCard(theme, (self.show_rows, self.undo, self.other))
        set_role(self.show_rows, "primary")
        self._middle = QStackedWidget()
        previewing = QWidget()
        row = QHBoxLayout(previewing)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.L)
        row.addWidget(self.options)
        row.addWidget(self.preview, 1)
        self._pages = {
            "choosing": centred(self.chooser),
            "looking": centred(self.work),
            "previewing": previewing,
            "done": centred(self.report),
        }
        for page in self._pages.values():
            self._middle.addWidget(page)
        self.set_body(self._middle)
        self._connect()
        self._on_state_changed()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._presenter.open()
        self._take_focus()

    def _connect(self) -> None:
        presenter = self._presenter
        self.destroyed.connect(presenter.listen(self._on_state_changed))
        self.chooser.files_chosen.connect(presenter.look)
        self.chooser.dataset_chosen.connect(presenter.look_on_hub)
        self.work.cancelled.connect(self._on_cancelled)
        self.options.other_wanted.connect(presenter.start_over)
        self.show_rows.clicked.connect(self.rows_requested)
        self.undo.clicked.connect(presenter.undo)
        self.other.clicked.connect(presenter.start_over)
        self.report.save.clicked.connect(self._on_save)

    def _on_state_changed(self) -> None:
        state = self._presenter.state
        self.message.show_words(problem=state.problem, said=state.said)
        if state.phase == "looking":
            doing = "Fetching" if state.online else "Looking at"
            self.work.show_work(f"{doing} {state.name}", None, hint=_fetching_words(state))
        elif state.phase == "importing":
            self.work.show_work(
                f"Importing {state.name}",
                state.progress,
                hint="All of it comes in, or nothing. A backup is made first; verdicts that you give "
                "meanwhile are kept when it is done.",
                cancelling=state.cancelling,
            )
        if state.preview is not None and state.phase == "previewing":
            self.options.show_state(state)
            self.preview.show_rows(state.preview.rows)
        if state.report is not None and state.phase == "done":
            self.report.show_report(state.report, undone=state.undone)
            self.undo.setVisible(not state.undone and _has_news(state.report))
        self._middle.setCurrentWidget(self._pages["looking" if state.phase == "importing" else state.phase])
        if state.phase != self._phase:
            self._phase = state.phase
            self._take_focus()

    def _take_focus(self) -> None:
        """Where the next key is probably meant for."""
        places = {
            "choosing": self.chooser.files,
            "looking": self.work.cancel,
            "importing": self.work.cancel,
            "previewing": self.preview.list,
            "done": self.show_rows,
        }
        self.focus_on(places[self._presenter.state.phase])

    def _on_cancelled(self) -> None:
        if self._presenter.is_working:
            self._presenter.cancel()
        else:
            self._presenter.stop_looking()

    def _on_save(self) -> None:
        name = f"{Path(self._presenter.state.name).stem}, left out.csv"
        path, _ = QFileDialog.getSaveFileName(
            self, "Save the report", str(Path.home() / name), "CSV (*.csv);;JSONL (*.jsonl)"
        )
        if path:
            self._presenter.save_report(Path(path))


def _fetching_words(state: ImportState) -> str:
    if not state.online:
        return ""
    received = f"{state.received / 1e6:,.1f} MB of it are here." if state.received else ""
    return f"From the hub to this computer; a large one takes its time. {received}".strip()


def _has_news(report: object) -> bool:
    return any(getattr(report, name) for name in ("prompts", "comparisons", "verdicts", "restored"))
