"""A small dialog: which model is to be scored, against which reference, on which pairs."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.inspector.ledger.any_model import PairsFrom, Wish, models_to_choose, objection, reference_for
from app.inspector.material import InspectableRun
from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_WIDTH = 520


class AnyModelDialog(QDialog):
    """Emits `wished` once; what comes of it is told on the page."""

    wished = Signal(object)

    def __init__(self, runs: Sequence[InspectableRun], theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Score a model on pairs")
        self.setMinimumWidth(theme.px(_WIDTH))
        self._runs = tuple(runs)
        self._file = ""
        self.model, self.reference, self.pairs = QComboBox(), QComboBox(), QComboBox()
        self.beta, self.max_length = QDoubleSpinBox(), QSpinBox()
        self.problem = QLabel()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.score = QPushButton("Score")
        self._fill()
        self._lay_out()
        self.model.currentIndexChanged.connect(lambda _row: self._on_model())
        self.pairs.activated.connect(lambda _row: self._on_pairs())
        self.score.clicked.connect(self._on_score)
        self.buttons.rejected.connect(self.reject)
        self._on_model()

    def wish(self) -> Wish:
        kind, run_id = self.pairs.currentData()
        return Wish(
            model=_reference_in(self.model),
            reference=_reference_in(self.reference),
            pairs_from=kind,
            run_id=run_id,
            file=self._file if kind == "file" else "",
            beta=self.beta.value(),
            max_length=self.max_length.value(),
        )

    def choose_file(self, path: str) -> None:
        """Take the pairs of this file."""
        self._file = path
        row = self.pairs.count() - 1
        self.pairs.setItemText(row, f"File: {Path(path).name}")
        self.pairs.setCurrentIndex(row)

    def _fill(self) -> None:
        for box, name in ((self.model, "Model"), (self.reference, "Reference")):
            box.setEditable(True)
            box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            box.setAccessibleName(name)
            box.setToolTip("Choose one, or type a folder or a hub id (owner/name)")
            for reference, words in models_to_choose(self._runs):
                box.addItem(words, reference)
        self.pairs.setAccessibleName("Pairs")
        sources: list[tuple[str, tuple[PairsFrom, int]]] = [
            ("All preferences of the project", ("project", 0)),
            ("Only much better", ("much_better", 0)),
            *((f"Pairs of {entry.run.name}", ("run", entry.run.id)) for entry in self._runs),
            ("A file…", ("file", 0)),
        ]
        for words, data in sources:
            self.pairs.addItem(words, data)
        self.beta.setRange(0.01, 10.0)
        self.beta.setDecimals(3)
        self.beta.setSingleStep(0.05)
        self.beta.setValue(0.1)
        self.beta.setAccessibleName("β")
        self.max_length.setRange(8, 131_072)
        self.max_length.setValue(1024)
        self.max_length.setSuffix(" tokens")
        self.max_length.setAccessibleName("Max length")

    def _lay_out(self) -> None:
        said = QLabel(
            "Each pair is read under the model and under its reference. The figures stand in the Inspector "
            "like those of a run; nothing is trained."
        )
        said.setWordWrap(True)
        set_role(said, "secondary")
        set_role(self.problem, "error")
        self.problem.setWordWrap(True)
        self.problem.hide()
        set_role(self.score, "primary")
        self.score.setDefault(True)
        self.buttons.addButton(self.score, QDialogButtonBox.ButtonRole.ActionRole)
        form = QFormLayout()
        form.setSpacing(Space.M)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Model", _with_folder_button(self.model))
        form.addRow("Reference", _with_folder_button(self.reference))
        form.addRow("Pairs", self.pairs)
        form.addRow("β", self.beta)
        form.addRow("Max length", self.max_length)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XL, Space.L, Space.XL, Space.L)
        column.setSpacing(Space.L)
        column.addWidget(said)
        column.addLayout(form)
        column.addWidget(self.problem)
        column.addWidget(self.buttons)

    def _on_model(self) -> None:
        """The reference follows the model, until another one is chosen."""
        wanted = reference_for(_reference_in(self.model), self._runs)
        row = self.reference.findData(wanted)
        if row >= 0:
            self.reference.setCurrentIndex(row)
        else:
            self.reference.setEditText(wanted)

    def _on_pairs(self) -> None:
        if self.pairs.currentData()[0] != "file":
            return
        dialog = QFileDialog(self, "Pairs to score", str(Path.home()), "Pairs (*.jsonl *.json *.parquet)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.choose_file)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_score(self) -> None:
        wish = self.wish()
        problem = objection(wish)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        if not problem:
            self.wished.emit(wish)
            self.accept()


def _reference_in(box: QComboBox) -> str:
    """What is chosen, or else what is typed."""
    row = box.findText(box.currentText())
    return str(box.itemData(row)) if row >= 0 else box.currentText().strip()


def _with_folder_button(box: QComboBox) -> QWidget:
    part = QWidget()
    button = QPushButton("Folder…")
    button.setAccessibleName(f"Folder of the {box.accessibleName().lower()}")

    def ask() -> None:
        dialog = QFileDialog(part.window(), "Folder of a model or a run", str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(box.setEditText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    button.clicked.connect(ask)
    row = QHBoxLayout(part)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(Space.S)
    row.addWidget(box, 1)
    row.addWidget(button)
    return part
