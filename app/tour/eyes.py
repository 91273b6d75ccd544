"""What a person can see on each page, read off its widgets."""

import re

from PySide6.QtWidgets import QAbstractButton, QLabel, QProgressBar, QTableView

from app.inspector.page import InspectorPage
from app.inspector.suspects.panel import SuspectsPanel
from app.inspector.tokens.view import TokenView
from app.library.table import LibraryTable
from app.tour.driver import Driver
from app.train.page import TrainPage
from app.train.preflight.report_view import ReportView
from app.train.progress_card import ProgressCard
from app.widgets.response_pane import ResponsePane

_VERDICTS = re.compile(r"\b(\d+) verdicts?\b")


def responses(driver: Driver) -> tuple[str, str]:
    """Left and right text as they are on the screen; empty where there is none."""
    left, right = (driver.seek(ResponsePane, f"response-{side}") for side in ("left", "right"))
    return (left.text.text if left else ""), (right.text.text if right else "")


def both_begun(driver: Driver) -> bool:
    return all(text.strip() for text in responses(driver))


def busy(driver: Driver) -> bool:
    """Is there a progress bar on the page?"""
    page = driver.window.current_page
    return page is not None and any(bar.isVisible() for bar in page.findChildren(QProgressBar))


def fetched(driver: Driver) -> float:
    """Share of the model that is here, 0 to 1; 0 while that is not known."""
    page = driver.window.current_page
    bars = [bar for bar in page.findChildren(QProgressBar) if bar.isVisible()] if page else []
    return bars[0].value() / bars[0].maximum() if bars and bars[0].maximum() > 0 else 0.0


def can_judge(driver: Driver) -> bool:
    """Are both responses there as a whole? (A verdict would be taken earlier.)"""
    button = driver.seek(QAbstractButton, "edit-response")
    return button is not None and button.isEnabled()


def verdicts_given(driver: Driver) -> int:
    """The number that the Annotate page shows."""
    page = driver.window.current_page
    texts = [label.text() for label in page.findChildren(QLabel) if label.isVisible()] if page else []
    found = [int(match[1]) for text in texts if (match := _VERDICTS.search(text))]
    return found[0] if found else 0


def is_at(driver: Driver, place: str) -> bool:
    return driver.window.current_place == place


def says(driver: Driver, words: str) -> bool:
    """Does a text on the page hold these words?"""
    page = driver.window.current_page
    labels = [label for label in page.findChildren(QLabel) if label.isVisible()] if page else []
    return any(words in label.text() for label in labels)


def library_table(driver: Driver) -> LibraryTable | None:
    return next((one for one in driver.window.findChildren(LibraryTable) if one.isVisible()), None)


def library_rows(driver: Driver) -> int:
    """Rows in the Library's table."""
    table = library_table(driver)
    return table.view.model().rowCount() if table is not None else 0


def train_page(driver: Driver) -> TrainPage:
    page = driver.window.current_page
    if not isinstance(page, TrainPage):
        raise LookupError("the Train page is not in view")
    return page


def checked(driver: Driver) -> bool:
    """Is the look at the pairs before a training there?"""
    report = driver.window.findChild(ReportView)
    return report is not None and report.isVisible() and bool(report.line_buttons())


def step(driver: Driver) -> int:
    """The training step on the progress card; 0 when nothing trains."""
    card = driver.window.findChild(ProgressCard)
    if card is None or card.isHidden():
        return 0
    match = re.search(r"[Ss]tep ([\d,]+) of", card.words())
    return int(match[1].replace(",", "")) if match else 0


def training(driver: Driver) -> bool:
    card = driver.window.findChild(ProgressCard)
    return card is not None and not card.isHidden()


def inspector_page(driver: Driver) -> InspectorPage:
    page = driver.window.current_page
    if not isinstance(page, InspectorPage):
        raise LookupError("the Inspector is not in view")
    return page


def inspector_table(driver: Driver) -> QTableView | None:
    """The table of pairs, once it has rows."""
    page = driver.window.current_page
    if not isinstance(page, InspectorPage) or not page.pairs.rows.isVisible():
        return None
    table = page.pairs.rows.view
    return table if page.pairs.model.rowCount() else None


def rows(driver: Driver) -> int:
    """Pairs in the Inspector's table."""
    table = inspector_table(driver)
    return table.model().rowCount() if table is not None else 0


def row(driver: Driver) -> int:
    """The selected one of them, -1 for none."""
    table = inspector_table(driver)
    return table.currentIndex().row() if table is not None else -1


def tokens_shown(driver: Driver) -> bool:
    """Do the tokens of the selected pair stand on the page?"""
    view = driver.window.findChild(TokenView)
    return view is not None and view.isVisible() and view.chosen.isVisible()


def suspects(driver: Driver) -> int:
    """Rows in the table of suspect verdicts."""
    panel = driver.window.findChild(SuspectsPanel)
    return panel.table.view.model().rowCount() if panel is not None and panel.table.isVisible() else 0


def engine_words(driver: Driver) -> str:
    """What the status bar says of the engine."""
    return driver.window.status.engine_words
