"""What the table of pairs shows, column by column, as data. Qt-free.

The order is by what a reader asks first: which pair, how it stands, what moved it, then the raw
log-probs. Two columns of one `group` share a heading.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.inspector.figures import CASES, Floats, Ints
from app.inspector.pair_table import PairTable
from app.inspector.wording import CASE_WORDS, decimal, percent
from app.words import STRENGTH_WORDS


@dataclass(frozen=True, kw_only=True)
class Column:
    key: str
    title: str
    tip: str
    """The formula, or what the word means."""
    width: int
    """Pixels at 100 % text size."""
    text: Callable[[PairTable, int], str]
    """What stands in a row (given by the pair's place in the table)."""
    values: Callable[[PairTable], Floats | Ints] | None
    """What it is sorted by; None for the run's own order."""
    group: str = ""
    number: bool = True
    """Right-aligned, in figures of one width."""
    frozen: bool = False
    """Stays in view when the others scroll sideways."""

    @property
    def name(self) -> str:
        """Whole, as a menu or a screen reader says it: "Log-ratio, chosen"."""
        return f"{self.group}, {self.title.lower()}" if self.group else self.title


def _decimals(
    *,
    key: str,
    title: str,
    tip: str,
    width: int,
    values: Callable[[PairTable], Floats],
    places: int = 3,
    group: str = "",
) -> Column:
    return Column(
        key=key,
        title=title,
        tip=tip,
        width=width,
        values=values,
        group=group,
        text=lambda table, row: decimal(float(values(table)[row]), places),
    )


COLUMNS: tuple[Column, ...] = (
    Column(
        key="number",
        title="#",
        tip="Place of the pair in the run",
        width=72,
        values=None,
        text=lambda _table, row: str(row + 1),
        frozen=True,
    ),
    Column(
        key="prompt",
        title="Prompt",
        tip="The last user turn of the prompt",
        width=220,
        values=lambda table: table.prompt_rank,
        text=lambda table, row: table.prompt_lines[row],
        number=False,
        frozen=True,
    ),
    _decimals(
        key="margin",
        title="Margin",
        tip="Reward margin = β · (log-ratio of the chosen − log-ratio of the rejected)",
        width=88,
        values=lambda table: table.figures.margin,
    ),
    Column(
        key="case",
        title="Case",
        tip="Learned: margin at least ln 1.5, which is 60 : 40. Against: at most −ln 1.5. Undecided: between",
        width=116,
        values=lambda table: table.figures.case,
        text=lambda table, row: CASE_WORDS[CASES[int(table.figures.case[row])]],
        number=False,
    ),
    _decimals(
        key="chosen_log_ratio",
        title="Chosen",
        tip="log π_θ(chosen | prompt) − log π_ref(chosen | prompt), in nats",
        width=84,
        values=lambda table: table.figures.chosen_log_ratio,
        group="Log-ratio",
    ),
    _decimals(
        key="rejected_log_ratio",
        title="Rejected",
        tip="log π_θ(rejected | prompt) − log π_ref(rejected | prompt), in nats",
        width=84,
        values=lambda table: table.figures.rejected_log_ratio,
        group="Log-ratio",
    ),
    Column(
        key="probability",
        title="Probability",
        tip="That the chosen response is preferred = σ(margin)",
        width=96,
        values=lambda table: table.figures.probability,
        text=lambda table, row: percent(float(table.figures.probability[row])),
    ),
    _decimals(
        key="loss",
        title="Loss",
        tip="−log σ(margin); ln 2 = 0.693 where policy and reference agree",
        width=84,
        values=lambda table: table.figures.loss,
    ),
    _decimals(
        key="chosen_reward",
        title="Chosen",
        tip="β · (log π_θ − log π_ref) of the chosen response",
        width=84,
        values=lambda table: table.figures.chosen_reward,
        group="Reward",
    ),
    _decimals(
        key="rejected_reward",
        title="Rejected",
        tip="β · (log π_θ − log π_ref) of the rejected response",
        width=84,
        values=lambda table: table.figures.rejected_reward,
        group="Reward",
    ),
    _decimals(
        key="policy_chosen",
        title="Chosen",
        tip="log π_θ(chosen | prompt): sum over its response tokens under the policy, in nats",
        width=92,
        values=lambda table: table.log_probs.policy_chosen,
        places=2,
        group="Policy log-prob",
    ),
    _decimals(
        key="policy_rejected",
        title="Rejected",
        tip="log π_θ(rejected | prompt): sum over its response tokens under the policy, in nats",
        width=92,
        values=lambda table: table.log_probs.policy_rejected,
        places=2,
        group="Policy log-prob",
    ),
    _decimals(
        key="reference_chosen",
        title="Chosen",
        tip="log π_ref(chosen | prompt): sum over its response tokens under the reference, in nats",
        width=92,
        values=lambda table: table.log_probs.reference_chosen,
        places=2,
        group="Reference log-prob",
    ),
    _decimals(
        key="reference_rejected",
        title="Rejected",
        tip="log π_ref(rejected | prompt): sum over its response tokens under the reference, in nats",
        width=92,
        values=lambda table: table.log_probs.reference_rejected,
        places=2,
        group="Reference log-prob",
    ),
    Column(
        key="chosen_tokens",
        title="Chosen",
        tip="Scored tokens of the chosen response, its end-of-turn token included",
        width=80,
        values=lambda table: table.chosen_tokens,
        text=lambda table, row: f"{int(table.chosen_tokens[row]):,}",
        group="Tokens",
    ),
    Column(
        key="rejected_tokens",
        title="Rejected",
        tip="Scored tokens of the rejected response, its end-of-turn token included",
        width=80,
        values=lambda table: table.rejected_tokens,
        text=lambda table, row: f"{int(table.rejected_tokens[row]):,}",
        group="Tokens",
    ),
    Column(
        key="strength",
        title="Strength",
        tip="How strongly the verdict preferred the chosen response, as it stood when the run was made",
        width=108,
        values=lambda table: table.strength,
        text=lambda table, row: STRENGTH_WORDS.get(int(table.strength[row]), "–"),
        number=False,
    ),
    Column(
        key="split",
        title="Split",
        tip="Train: the run learned from it. Held-out: it never saw it.",
        width=88,
        values=lambda table: table.splits(),
        text=lambda table, row: "Held-out" if table.held_out[row] else "Train",
        number=False,
    ),
)


def column_by_key(key: str) -> int:
    """The place of a column; `KeyError` for a key that is none."""
    for place, column in enumerate(COLUMNS):
        if column.key == key:
            return place
    raise KeyError(key)


def sort_values(table: PairTable, column: int) -> Floats | Ints | None:
    """What `pair_table.arrange` sorts this column by."""
    values = COLUMNS[column].values
    return None if values is None else values(table)
