"""The left column's form: what to train on, from which model, how. Shows a `TrainState`, emits choices."""

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.ingredients import SELECTIONS
from app.train.setup.settings_bar import SettingsBar
from app.train.state import TrainState
from app.train.wording import count, rate
from app.widgets.config_form import ConfigForm
from dpo_engine.config import TrainConfig, options_of

METHODS = (
    ("lora", "LoRA", "Trains a small adapter on top of the model. Quick, and needs little memory."),
    ("full", "Full", "Trains every weight. Slower; needs memory for four copies of the model."),
    ("qlora", "QLoRA", "LoRA on a model kept in 4 bits: for large models on an NVIDIA GPU."),
)


_SCROLL_BAR = 10
_SAID_MS = 6000


class SetupPanel(QWidget):
    """`settings_edited` with every value of the form, or `settings_refused` with the first error."""

    pairs_chosen = Signal(str)
    """A `PairSelection`."""
    start_chosen = Signal(str)
    folder_wanted = Signal()
    settings_edited = Signal(dict)
    settings_refused = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._counts, self._makers, self._advice = QLabel(), QLabel(), QLabel()
        self.pairs = QComboBox()
        self.start_from = QComboBox()
        self.folder = QToolButton()
        self.methods = {name: QPushButton(words) for name, words, _ in METHODS}
        self._method_help = QLabel()
        options = options_of(TrainConfig)
        main = [name for name, option in options.items() if option.main]
        self.main = ConfigForm(TrainConfig, theme, main)
        self.rest = ConfigForm(
            TrainConfig, theme, [name for name in options if name not in (*main, "method")]
        )
        self.bar = SettingsBar(theme)
        self._help = QLabel()
        self.more = QPushButton("All settings")
        self._shown_points: object = None
        self._plan = ""
        self._saying = QTimer(self, singleShot=True, interval=_SAID_MS)
        self._saying.timeout.connect(lambda: self._on_field_described(""))
        self._describing = False
        self._lay_out()
        self._connect()
        self._restyle()

    @property
    def method(self) -> str:
        return next(name for name, button in self.methods.items() if button.isChecked())

    def show_state(self, state: TrainState) -> None:
        self._show_ingredients(state)
        if state.starting_points != self._shown_points:
            self._shown_points = state.starting_points
            self.start_from.clear()
            for point in state.starting_points:
                self.start_from.addItem(f"{point.title}", point.reference)
                row = self.start_from.count() - 1
                self.start_from.setItemData(
                    row, f"{point.detail}: {point.reference}", Qt.ItemDataRole.ToolTipRole
                )
        self.start_from.setCurrentIndex(self.start_from.findData(state.start_from))
        self.bar.show_state(state)
        self._plan = state.plan
        if not self._describing and not self._saying.isActive():
            self._help.setText(self._plan)
        self.main.set_placeholder(
            "learning_rate", rate(state.recommended_rate) if state.recommended_rate else ""
        )

    def show_settings(self, config: TrainConfig) -> None:
        """Fill the form, as when the project was opened."""
        values = {name: getattr(config, name) for name in options_of(config)}
        self.methods[config.method].setChecked(True)
        for form in (self.main, self.rest):
            form.set_values(values)
        self._show_method()

    def errors(self) -> dict[str, str]:
        return {**self.main.errors(), **self.rest.errors()}

    def focus_first_error(self) -> None:
        if self.rest.errors() and not self.main.errors():
            self.more.setChecked(True)
            self.rest.focus_first_error()
        self.main.focus_first_error()

    def say(self, sentence: str) -> None:
        """For some seconds, below the settings: what was just done with them."""
        self._help.setText(sentence)
        self._saying.start()

    def make_room(self, scroll_bar: bool) -> None:
        """Whether a scroll bar stands in the right margin."""
        layout = self.layout()
        if layout is not None:
            right = Space.L - _SCROLL_BAR if scroll_bar else Space.L
            layout.setContentsMargins(Space.XL, Space.XL, right, Space.L)

    def _show_ingredients(self, state: TrainState) -> None:
        found = state.ingredients
        self.pairs.setCurrentIndex(self.pairs.findData(found.selection))
        if state.loading:
            self._counts.setText("Counting the verdicts…")
        elif not found.preferences:
            self._counts.setText("No preferences yet")
        else:
            self._counts.setText(count(found.preferences, "preference"))
        split = f"{found.train:,} to train on, {found.held_out:,} held out for measuring."
        makers = ", ".join(f"{title} ({n:,})" for title, n in state.written_by)
        self._makers.setText(f"{split}\nChosen responses by {makers}." if found.preferences else "")
        self._makers.setVisible(bool(found.preferences))
        self._advice.setText(state.advice)
        self._advice.setVisible(bool(state.advice))

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(Space.S)
        for label, role in ((self._counts, ""), (self._makers, "secondary"), (self._advice, "caption")):
            set_role(label, role)
            label.setWordWrap(True)
        for label in (self._method_help, self._help):
            set_role(label, "caption")
            label.setWordWrap(True)
        self.pairs.setAccessibleName("Which preferences to train on")
        for selection, words in SELECTIONS:
            self.pairs.addItem(words, selection)
        column.addWidget(_heading("Train on"))
        column.addWidget(self.pairs)
        column.addWidget(self._counts)
        column.addWidget(self._makers)
        column.addWidget(self._advice)
        column.addSpacing(Space.L)
        column.addWidget(_heading("Start from"))
        column.addLayout(self._start_row())
        column.addSpacing(Space.L)
        column.addWidget(_heading("Method"))
        column.addWidget(self._segments())
        column.addWidget(self._method_help)
        column.addSpacing(Space.L)
        column.addWidget(self.bar)
        column.addWidget(self.main)
        column.addWidget(self._help)
        set_role(self.more, "quiet")
        self.more.setObjectName("disclosure")
        self.more.setCheckable(True)
        self.more.setToolTip("The other settings, with their defaults")
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.rest)
        column.addStretch(1)
        self.rest.hide()
        # Room for the longest help, so that nothing moves while the person goes from field to field.
        self._help.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.make_room(False)

    def _start_row(self) -> QHBoxLayout:
        self.start_from.setAccessibleName("Model to start from")
        self.start_from.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.start_from.setMinimumContentsLength(12)
        self.folder.setToolTip("Choose a model folder…")
        self.folder.setAccessibleName("Choose a model folder")
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(self.start_from, 1)
        row.addWidget(self.folder)
        return row

    def _segments(self) -> QFrame:
        segments = QFrame()
        segments.setObjectName("segments")
        row = QHBoxLayout(segments)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        group = QButtonGroup(self)
        for name, _, help_text in METHODS:
            button = self.methods[name]
            set_role(button, "segment")
            button.setCheckable(True)
            button.setToolTip(help_text)
            button.setAccessibleDescription(help_text)
            group.addButton(button)
            row.addWidget(button, 1)
        self.methods["lora"].setChecked(True)
        return segments

    def _connect(self) -> None:
        self.pairs.activated.connect(lambda _row: self.pairs_chosen.emit(self.pairs.currentData()))
        self.start_from.activated.connect(lambda _row: self.start_chosen.emit(self.start_from.currentData()))
        self.folder.clicked.connect(self.folder_wanted)
        for button in self.methods.values():
            button.toggled.connect(self._on_method_toggled)
        for form in (self.main, self.rest):
            form.edited.connect(self._on_settings_edited)
            form.described.connect(self._on_field_described)
        self.more.toggled.connect(self._on_more_toggled)
        self._theme.changed.connect(self._restyle)
        self._show_method()

    def _restyle(self) -> None:
        self._counts.setFont(self._theme.figures(weight=500))
        self._help.ensurePolished()
        self._help.setMinimumHeight(3 * self._help.fontMetrics().lineSpacing())
        self.folder.setIcon(self._theme.icon("folder-open"))
        self.more.setIcon(self._theme.icon("chevron-down" if self.more.isChecked() else "chevron-right"))

    def _show_method(self) -> None:
        self._method_help.setText(next(text for name, _, text in METHODS if name == self.method))
        self._leave_out_idle()

    def _leave_out_idle(self) -> None:
        """Only what has an effect beside the other settings stands in the forms."""
        values = {"method": self.method, **self.main.chosen(), **self.rest.chosen()}
        for form in (self.main, self.rest):
            form.set_context(values)

    def _on_field_described(self, text: str) -> None:
        self._describing = bool(text)
        self._help.setText(text or self._plan)

    def _on_method_toggled(self, checked: bool) -> None:
        if checked:
            self._show_method()
            self._on_settings_edited()

    def _on_more_toggled(self, shown: bool) -> None:
        self.rest.setVisible(shown)
        self._restyle()

    def _on_settings_edited(self) -> None:
        self._leave_out_idle()
        errors = self.errors()
        if errors:
            self.settings_refused.emit(next(iter(errors.values())))
        else:
            values: dict[str, Any] = {"method": self.method, **self.main.values(), **self.rest.values()}
            self.settings_edited.emit(values)


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    set_role(label, "heading")
    return label
