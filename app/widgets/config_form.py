"""A form made from a config dataclass: a field for every `Option`, and the error beside it as typed.

Wrong text never leaves the form: `values` has only what is right, `errors` says what is not.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.widgets.field_values import FieldSpec, Parsed, choices_of, fields_of, parse, text_of
from dpo_engine.options import acts

FIELD_WIDTH = 104


class ConfigForm(QWidget):
    """`edited` after every change by the person; `described` with the help of the field they are in, empty
    when they left it."""

    edited = Signal()
    described = Signal(str)

    def __init__(
        self,
        config: type[Any],
        theme: Theme,
        names: Sequence[str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """`names`: which settings, in this order; all of them without it."""
        super().__init__(parent)
        specs = fields_of(config)
        self._rows = {name: FieldRow(specs[name], theme) for name in names or specs}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        self._headings: dict[str, QLabel] = {}
        for group in dict.fromkeys(row.spec.option.group for row in self._rows.values()):
            if group:
                self._headings[group] = _group_heading(group)
                column.addWidget(self._headings[group])
            for row in self._rows.values():
                if row.spec.option.group == group:
                    column.addWidget(row)
                    row.edited.connect(self.edited)
                    row.described.connect(self.described)

    def field(self, name: str) -> "FieldRow":
        return self._rows[name]

    def values(self) -> dict[str, Any]:
        """Setting -> value, for every field in use that holds one."""
        return {
            name: parsed.value
            for name, row in self._rows.items()
            if row.in_use and not (parsed := row.parsed()).problem
        }

    def chosen(self) -> dict[str, Any]:
        """Setting -> value, for every field, in use or not; None for one that holds no value."""
        return {name: row.parsed().value for name, row in self._rows.items()}

    def errors(self) -> dict[str, str]:
        """Setting -> sentence, for every field in use that holds no value."""
        found = {name: row.parsed().problem for name, row in self._rows.items() if row.in_use}
        return {name: problem for name, problem in found.items() if problem}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Fill fields without `edited`; names that the form does not have are left out."""
        for name, value in values.items():
            if name in self._rows:
                self._rows[name].set_value(value)

    def set_placeholder(self, name: str, text: str) -> None:
        """What an empty field stands for."""
        self._rows[name].set_placeholder(text)

    def set_context(self, values: Mapping[str, Any]) -> None:
        """Leave out the settings that have no effect beside these values (`Option.acts_with`)."""
        for row in self._rows.values():
            row.set_in_use(acts(row.spec.option, values))
        used = {row.spec.option.group for row in self._rows.values() if row.in_use}
        for group, heading in self._headings.items():
            heading.setVisible(group in used)

    def focus_first_error(self) -> None:
        for name in self.errors():
            self._rows[name].focus_field()
            return


def _group_heading(words: str) -> QLabel:
    heading = QLabel(words)
    set_role(heading, "caption")
    heading.setContentsMargins(0, Space.M, 0, 0)
    return heading


class FieldRow(QWidget):
    """Label, field, unit; below them the error, when there is one."""

    edited = Signal()
    described = Signal(str)

    def __init__(self, spec: FieldSpec, theme: Theme) -> None:
        super().__init__()
        self.spec = spec
        self.in_use = True
        self._theme = theme
        self._error = QLabel()
        self.field = self._new_field()
        self._lay_out()
        self._describe()
        theme.changed.connect(self._restyle)
        self._restyle()
        self.set_value(spec.default)

    def parsed(self) -> Parsed:
        if isinstance(self.field, QComboBox):
            return Parsed(value=self.field.currentData())
        return parse(self.field.text(), self.spec)

    def set_value(self, value: Any) -> None:
        self.field.blockSignals(True)
        if isinstance(self.field, QComboBox):
            self.field.setCurrentIndex(max(0, self.field.findData(value)))
        elif self.parsed() != Parsed(value=value) or not self.field.hasFocus():
            self.field.setText(text_of(value))
        self.field.blockSignals(False)
        self._show_problem()

    def set_placeholder(self, text: str) -> None:
        if isinstance(self.field, QLineEdit):
            self.field.setPlaceholderText(text)

    def set_in_use(self, in_use: bool) -> None:
        self.in_use = in_use
        self.setVisible(in_use)

    def focus_field(self) -> None:
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def shown_error(self) -> str:
        """The sentence that stands beside the field now."""
        return self._error.text() if not self._error.isHidden() else ""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.Enter):
            self.described.emit(self.help_text())
        elif event.type() in (QEvent.Type.FocusOut, QEvent.Type.Leave) and not self.field.hasFocus():
            self.described.emit("")
        return super().eventFilter(watched, event)

    def help_text(self) -> str:
        """What the setting does, its term and its default."""
        default = text_of(self.spec.default) or "recommended"
        if self.spec.option.unit and default[0].isdigit():
            default += f" {self.spec.option.unit}"
        return f"{self.spec.option.help} ({self.spec.name}, default {default})"

    def _new_field(self) -> QLineEdit | QComboBox:
        if self.spec.kind == "choice":
            box = QComboBox()
            for label, value in choices_of(self.spec):
                box.addItem(label, value)
            box.currentIndexChanged.connect(self._on_field_changed)
            return box
        line = QLineEdit()
        line.setMaxLength(200)
        if self.spec.kind != "text":
            line.setAlignment(Qt.AlignmentFlag.AlignRight)
        line.textChanged.connect(self._on_field_changed)
        return line

    def _lay_out(self) -> None:
        label = QLabel(self.spec.option.label)
        label.setBuddy(self.field)
        # "Warm-up steps" needs no "steps" after it.
        said = self.spec.option.label.lower().split()
        unit = QLabel("" if self.spec.option.unit.lower() in said else self.spec.option.unit)
        set_role(unit, "caption")
        set_role(self._error, "error")
        self._error.setWordWrap(True)
        words = QHBoxLayout()
        words.setSpacing(Space.XS)
        words.addWidget(label)
        words.addWidget(unit)
        words.addStretch(1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(Space.S)
        grid.setVerticalSpacing(Space.XS)
        grid.addLayout(words, 0, 0)
        grid.addWidget(self.field, 0, 1)
        grid.addWidget(self._error, 1, 0, 1, 2)
        grid.setColumnStretch(0, 1)

    def _restyle(self) -> None:
        self.field.setFixedWidth(self._theme.px(FIELD_WIDTH))

    def _describe(self) -> None:
        unit = f", {self.spec.option.unit}" if self.spec.option.unit else ""
        self.field.setAccessibleName(f"{self.spec.option.label}{unit}")
        self.field.setAccessibleDescription(self.help_text())
        self.setToolTip(self.help_text())
        self.field.installEventFilter(self)

    def _on_field_changed(self) -> None:
        self._show_problem()
        self.edited.emit()

    def _show_problem(self) -> None:
        problem = self.parsed().problem
        self._error.setText(problem)
        self._error.setVisible(bool(problem))
        if bool(self.field.property("invalid")) != bool(problem):
            self.field.setProperty("invalid", bool(problem))
            self.field.style().unpolish(self.field)
            self.field.style().polish(self.field)
        self.field.setAccessibleDescription(problem or self.help_text())
