"""Asks before the trash of runs is emptied: after that nothing can be undone."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app.train.presenter import TrainPresenter
from app.train.runs.listing import trash_words


def ask_to_empty(parent: QWidget, presenter: TrainPresenter) -> QMessageBox:
    """Open the question; its answer goes to the presenter."""
    desk = presenter.state.desk
    sizes = [desk.facts[run.folder].size or 0 for run in desk.trash if run.folder in desk.facts]
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("Empty the trash of runs")
    box.setText(f"Empty the trash: {trash_words(sizes)}?")
    box.setInformativeText(
        "These runs, with their curves and scores, leave the project for good; verdicts stay. Their folders "
        "go to the system's trash, which frees the disk when that is emptied, or are deleted at once."
    )
    move = box.addButton("Move to the system's trash", QMessageBox.ButtonRole.AcceptRole)
    remove = box.addButton("Delete for good", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(move)
    move.clicked.connect(lambda: presenter.runs.empty_trash(for_good=False))
    remove.clicked.connect(lambda: presenter.runs.empty_trash(for_good=True))
    box.open()
    return box
