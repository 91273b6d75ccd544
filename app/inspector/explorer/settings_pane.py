"""The left of the explorer: loss, β and options, and the four log-probs to move."""

import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.inspector.explorer.explored import EXO_SMOOTHING
from app.inspector.explorer.figure_lines import chance
from app.inspector.explorer.formulas import FORMULAS, OptionName, formula_of
from app.inspector.explorer.knob import Knob, log_prob_in, within
from app.inspector.explorer.numbers import figure
from app.inspector.explorer.presenter import ExplorerPresenter
from app.inspector.presenter import BETAS
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from dpo_engine.loss_mix import PAPERS

_OPTIONS: dict[OptionName, tuple[str, str, tuple[float, float], bool]] = {
    "label_smoothing": ("ε", "Label smoothing: share of verdicts assumed to be wrong", (0.0, 0.499), False),
    "discopop_tau": ("τ", "Temperature of the blend", (0.01, 1.0), True),
    "simpo_gamma": ("γ", "The margin that is aimed for", (0.0, 5.0), False),
    "shift": ("δ", "Running mean of the rewards", (-5.0, 5.0), False),
}
_LOG_PROBS = (
    ("chosen", "Chosen", (("policy_chosen", "Policy"), ("reference_chosen", "Reference"))),
    ("rejected", "Rejected", (("policy_rejected", "Policy"), ("reference_rejected", "Reference"))),
)
_LONG_RESPONSE, _MOST_TOKENS = 2_000, 1_000_000


class SettingsPane(QWidget):
    """Shows the presenter's pair and hands on what a person moves."""

    def __init__(self, presenter: ExplorerPresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presenter, self._theme = presenter, theme
        self.losses = QComboBox()
        self.formula, self.where, self.paper = QLabel(), QLabel(), QLabel()
        self.beta = Knob("β", "β", theme, ends=BETAS, by_ratio=True)
        self.options: dict[OptionName, Knob] = {
            name: Knob(short, said, theme, ends=ends, by_ratio=by_ratio)
            for name, (short, said, ends, by_ratio) in _OPTIONS.items()
        }
        self.log_probs: dict[str, Knob] = {}
        self.tokens = {side: _tokens_knob(title, theme) for side, title, _ in _LOG_PROBS}
        self._lay_out()
        self._connect()

    def show_explored(self) -> None:
        explored, spans = self._presenter.explored, self._presenter.spans
        formula = formula_of(explored)
        self.losses.blockSignals(True)
        self.losses.setCurrentIndex(self.losses.findData(explored.loss))
        self.losses.blockSignals(False)
        self.formula.setText(f"L = {_subscripted(formula.loss)}")
        self.formula.setAccessibleName(f"L = {formula.loss}")
        self.where.setText(_subscripted(formula.where))
        self.paper.setText(f"arXiv {PAPERS[explored.loss]}")
        self.beta.show_value(explored.beta)
        for option, knob in self.options.items():
            low, high = _OPTIONS[option][2]
            knob.setVisible(option in formula.options)
            if option == "label_smoothing" and explored.loss == "exo_pair":
                low = EXO_SMOOTHING
            knob.show_value(getattr(explored.effective, option), ends=(low, high))
        for name, knob in self.log_probs.items():
            value = getattr(explored.point, name)
            span = spans.chosen if name.endswith("chosen") else spans.rejected
            knob.show_value(value, chance(value), (span.low, span.high))
        self.tokens["chosen"].show_value(explored.point.chosen_tokens)
        self.tokens["rejected"].show_value(explored.point.rejected_tokens)
        for knob in self.tokens.values():
            knob.setVisible(formula.tokens)

    # --- building -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        for name, formula in FORMULAS.items():
            self.losses.addItem(f"{formula.title}  ·  {name}", name)
        self.losses.setAccessibleName("Loss")
        self.losses.setMaxVisibleItems(len(FORMULAS))
        self.losses.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addWidget(self.losses)
        column.addWidget(self._formula_card())
        column.addSpacing(Space.XS)
        column.addWidget(self.beta)
        for knob in self.options.values():
            column.addWidget(knob)
        for side, title, fields in _LOG_PROBS:
            column.addSpacing(Space.S)
            column.addLayout(self._heading(side, title))
            for name, words in fields:
                knob = self.log_probs[name] = Knob(
                    words,
                    f"{title}: log-prob under the {words.lower()}",
                    self._theme,
                    ends=(-1.0, 0.0),
                    read=log_prob_in,
                    write=figure,
                )
                knob.field.setToolTip("A log-prob, 0 or less; or a probability, above 0 and 1 at most")
                column.addWidget(knob)
            column.addWidget(self.tokens[side])
        column.addStretch(1)

    def _formula_card(self) -> QWidget:
        card = QFrame()
        set_role(card, "sunken")
        set_role(self.formula, "strong")
        set_role(self.where, "secondary")
        set_role(self.paper, "caption")
        column = QVBoxLayout(card)
        column.setContentsMargins(Space.M, Space.S, Space.M, Space.S)
        column.setSpacing(Space.XS)
        for part in (self.formula, self.where, self.paper):
            part.setWordWrap(True)
            part.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(part)
        for part in (self.formula, self.where):
            part.setTextFormat(Qt.TextFormat.RichText)
        # Room for two lines, so that going from loss to loss moves little.
        self.formula.setMinimumHeight(2 * self.formula.fontMetrics().height() + Space.XS)
        return card

    def _heading(self, side: str, title: str) -> QHBoxLayout:
        words, unit = QLabel(title), QLabel("log π(y|x), nats")
        set_role(words, side)
        set_role(unit, "caption")
        row = QHBoxLayout()
        row.addWidget(words)
        row.addStretch(1)
        row.addWidget(unit)
        return row

    def _connect(self) -> None:
        presenter = self._presenter
        self.losses.currentIndexChanged.connect(lambda _row: presenter.set_loss(self.losses.currentData()))
        self.beta.moved.connect(presenter.set_beta)
        for option, knob in self.options.items():
            knob.moved.connect(lambda value, option=option: presenter.set_option(option, value))
        for name, knob in self.log_probs.items():
            knob.moved.connect(lambda value, name=name: presenter.set_log_prob(name, value))
        self.tokens["chosen"].moved.connect(lambda count: presenter.set_tokens(chosen=round(count)))
        self.tokens["rejected"].moved.connect(lambda count: presenter.set_tokens(rejected=round(count)))


def _tokens_knob(title: str, theme: Theme) -> Knob:
    return Knob(
        "Tokens",
        f"{title}: tokens",
        theme,
        ends=(1, _LONG_RESPONSE),
        by_ratio=True,
        read=within(1, _MOST_TOKENS),
        write=lambda count: f"{count:.0f}",
    )


def _subscripted(formula: str) -> str:
    """As rich text: what follows an underscore lowered, what follows a caret raised."""
    lowered = re.sub(r"_(θ|w|l|ref)", r"<sub>\1</sub>", formula)
    return re.sub(r"\^(−m|\(1 / \|y\|\))", r"<sup>\1</sup>", lowered)
