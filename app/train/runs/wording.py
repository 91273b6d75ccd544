"""The words about one run: where it comes from, what came of it, how it differs from another. Qt-free."""

from collections.abc import Sequence

from app.store.training.lineage import Lineage, PairDifference
from app.train.runs.disk import size_words
from app.train.state import RunLine
from app.train.wording import PHASE_WORDS, STATUS_WORDS, count, when

_MOST_NAMES = 3


def state_words(line: RunLine) -> str:
    if line.place:
        return "Next in queue" if line.place == 1 else f"No. {line.place} in queue"
    words = PHASE_WORDS[line.phase] if line.phase else STATUS_WORDS[line.run.status]
    return f"{words} · in use" if line.in_use else words


def headline(line: RunLine) -> str:
    """State, steps, when it was made and what it takes up, in one line."""
    run = line.run
    parts = [state_words(line)]
    if run.total_steps:
        parts.append(f"step {run.step:,} of {run.total_steps:,}")
    parts.append(f"made {when(run.created_at)}")
    if line.disk:
        parts.append(size_words(line.disk))
    return " · ".join(parts)


def made_words(line: RunLine, found: Lineage) -> str:
    """Which verdicts made the policy."""
    run = line.run
    pairs = f"{count(run.train_pairs, 'pair')} trained on"
    if run.held_out_pairs:
        pairs += f", {run.held_out_pairs:,} held out"
    sentences = [f"{pairs}."]
    if found.annotators:
        sentences.append(f"Judged by {_listed(found.annotators)}{_span(found)}.")
    if found.unknown:
        sentences.append(f"{count(found.unknown, 'pair')} without a verdict in this project.")
    return " ".join(sentences)


def written_words(found: Lineage) -> str:
    """What the policy wrote since."""
    if not found.written:
        return "Its policy has written no candidates yet."
    judged = f"{found.judged:,} of them judged" if found.judged else "none of them judged yet"
    return f"Its policy wrote {count(found.written, 'candidate')}, {judged}."


def later_words(names: Sequence[str]) -> str:
    """Which runs began with its policy; empty when none did."""
    if not names:
        return ""
    shown = ", ".join(names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return f"Its policy was the start of {shown}{more}."


def pairs_words(found: PairDifference) -> str:
    """How the pairs of two runs differ, the first being "here"."""
    if not (found.only_first or found.only_second or found.turned or found.changed or found.moved):
        return f"The same {count(found.same, 'pair')}." if found.same else "Neither has pairs."
    parts = [f"{found.same:,} in both"]
    for number, words in (
        (found.only_first, "only here"),
        (found.only_second, "only there"),
        (found.turned, "with chosen and rejected turned round"),
        (found.changed, "with another text"),
        (found.moved, "held out in one of them only"),
    ):
        if number:
            parts.append(f"{number:,} {words}")
    return f"Pairs: {', '.join(parts)}."


def _listed(annotators: Sequence[tuple[str, int]]) -> str:
    shown = [f"{name} ({number:,})" for name, number in annotators[:_MOST_NAMES]]
    others = annotators[_MOST_NAMES:]
    if others:
        shown.append(f"{count(len(others), 'other')} ({sum(number for _, number in others):,})")
    return ", ".join(shown)


def _span(found: Lineage) -> str:
    if found.first is None or found.last is None:
        return ""
    first, last = when(found.first), when(found.last)
    return f" at {first}" if first == last else f", {first} to {last}"
