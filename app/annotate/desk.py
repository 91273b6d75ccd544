"""What the Annotate page asks of the store: small pieces of work for the store's own thread. Qt-free."""

from dataclasses import dataclass

import msgspec

from app.store import comparisons, prompts, verdicts
from app.store.handle import Project
from app.store.records import Comparison, Prompt, Verdict, VerdictCounts
from app.store.rows import writing
from app.store.settings import get_setting, set_setting
from dpo_engine.catalogue import STARTER
from dpo_engine.config import SamplingConfig
from dpo_engine.errors import BadInput
from dpo_engine.preferences import Message

POLICY, SAMPLING = "policy", "sampling"


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is next in line, how many wait, and how many verdicts stand."""

    next: Comparison | None
    waiting: int
    counts: VerdictCounts


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Where the project was left."""

    policy: str
    sampling: SamplingConfig
    outlook: Outlook


def begin(project: Project) -> Beginning:
    policy = get_setting(project, POLICY, STARTER.name)
    return Beginning(
        policy=policy if isinstance(policy, str) and policy else STARTER.name,
        sampling=_sampling(get_setting(project, SAMPLING)),
        outlook=outlook(project, ()),
    )


def outlook(project: Project, in_hand: tuple[int, ...]) -> Outlook:
    """`in_hand`: ids of comparisons that are not to come next."""
    return Outlook(
        next=comparisons.next_comparison(project, exclude=in_hand),
        waiting=comparisons.waiting_count(project, fresh_only=True),
        counts=verdicts.counts(project),
    )


def show(project: Project, comparison_id: int, skipped: tuple[int, ...]) -> Outlook:
    """Note what is on the screen now, and look at what comes after it."""
    comparisons.mark_shown(project, comparison_id)
    return outlook(project, (comparison_id, *skipped))


def replace(project: Project, comparison_id: int) -> None:
    """Take a comparison out of the queue because its responses are written again."""
    with writing(project, "writing the responses again") as db:
        if comparisons.state_of(db, comparison_id) != "answered":
            comparisons.place(db, comparison_id, "retired")


def undo(project: Project, annotator: str) -> tuple[Verdict, Comparison] | None:
    verdict = verdicts.undo_last(project, annotator)
    return None if verdict is None else (verdict, comparisons.get(project, verdict.comparison_id))


def redo(project: Project, annotator: str) -> Verdict | None:
    return verdicts.redo_last(project, annotator)


def add_prompt(project: Project, text: str, system: str) -> Prompt:
    messages = [Message("system", system)] if system else []
    return prompts.add_prompt(project, [*messages, Message("user", text)], source=prompts.TYPED)


def change_policy(project: Project, policy: str) -> int:
    """The policy that writes from now on; what waits by another one leaves the queue. Returns how many."""
    set_setting(project, POLICY, policy)
    return comparisons.retire_waiting(project, policy)


def keep_sampling(project: Project, sampling: SamplingConfig) -> None:
    set_setting(project, SAMPLING, msgspec.to_builtins(sampling))


def _sampling(stored: object) -> SamplingConfig:
    """The usual settings where none are stored, or what is stored cannot be."""
    try:
        return msgspec.convert(stored, SamplingConfig) if stored is not None else SamplingConfig()
    except (msgspec.ValidationError, BadInput):
        return SamplingConfig()
