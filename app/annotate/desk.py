"""What the Annotate page asks of the store: small pieces of work for the store's own thread. Qt-free."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from app.annotate.drafts import Author
from app.store.collecting import comparisons, notes, prompts
from app.store.collecting.ordering import Order
from app.store.figures import quality
from app.store.handle import Project
from app.store.records import Comparison, Prompt
from app.store.rows import read
from app.store.settings import get_setting, set_setting
from app.store.training import runs
from dpo_engine import run_folder
from dpo_engine.catalogue import STARTER
from dpo_engine.config import SamplingConfig
from dpo_engine.errors import BadInput
from dpo_engine.preferences import Message

POLICY, SAMPLING, OPPONENT = "policy", "sampling", "annotate.opponent"
ORDER, RANDOM_SHARE, OVERLAP = "annotate.order", "annotate.random_share", "annotate.overlap"
GOAL, REPEAT_EVERY = "annotate.goal", "annotate.repeat_every"
USUAL_ORDER: Order = "oldest"
_MOST_GOAL = 100_000

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who is asked, and in which order."""

    annotator: str
    order: Order = USUAL_ORDER
    random_share: float = 0.0
    overlap: bool = False
    repeat_every: int = quality.EVERY
    """About one in so many comes back later with its sides swapped; 0 for none."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is next in line, and how many wait."""

    next: Comparison | None
    waiting: int


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Where the project was left."""

    policy: str
    sampling: SamplingConfig
    opponent: Author | None
    asking: Asking
    goal: int
    annotators: tuple[str, ...]
    outlook: Outlook


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the page offers to choose from."""

    tags: tuple[str, ...] = ()
    """Most used first."""
    writers: tuple[str, ...] = ()
    """Model references: runs' results and checkpoints that are on the disk, newest run first."""


def begin(project: Project, annotator: str, rng: random.Random) -> Beginning:
    asking = Asking(
        annotator=annotator,
        order=_stored(project, ORDER, Order, USUAL_ORDER),
        random_share=_clamped(_stored(project, RANDOM_SHARE, float, 0.0), 1.0),
        overlap=get_setting(project, OVERLAP, False) is True,
        repeat_every=every(_stored(project, REPEAT_EVERY, int, quality.EVERY)),
    )
    policy = get_setting(project, POLICY, STARTER.name)
    known = tuple(_judging_here(project))
    return Beginning(
        policy=policy if isinstance(policy, str) and policy else STARTER.name,
        sampling=_stored(project, SAMPLING, SamplingConfig, SamplingConfig()),
        opponent=_stored(project, OPPONENT, Author | None, None),
        asking=asking,
        goal=goal(_stored(project, GOAL, int, 0)),
        annotators=known if annotator in known else (*known, annotator),
        outlook=outlook(project, asking, (), rng),
    )


def outlook(
    project: Project,
    asking: Asking,
    in_hand: tuple[int, ...],
    rng: random.Random,
    *,
    shown: int | None = None,
) -> Outlook:
    """Note what is on the screen now, if something is, and look at what comes after it.

    That may be an earlier pair that is due again.

    `in_hand`: ids of comparisons that are not to come next.
    """
    if shown is not None:
        comparisons.mark_shown(project, shown)
    quality.plan_repeat(project, asking.annotator, asking.repeat_every, rng)
    return Outlook(
        next=comparisons.next_comparison(
            project,
            annotator=asking.annotator,
            order=asking.order,
            random_share=asking.random_share,
            overlap=asking.overlap,
            rng=rng,
            exclude=in_hand,
        ),
        waiting=comparisons.waiting_count(project, fresh_only=True),
    )


def to_judge_again(project: Project, comparison_id: int, annotator: str) -> Comparison | None:
    """What this annotator says nothing about any more; None where an earlier verdict of theirs stands."""
    rows = read(
        project,
        "reading the comparison",
        "SELECT 1 FROM standing WHERE comparison_id = ? AND annotator = ?",
        [comparison_id, annotator],
    )
    return None if rows else reread(project, comparison_id)


def reread(project: Project, comparison_id: int) -> Comparison | None:
    """As it is now; None where it was deleted, or taken out of the queue without a verdict."""
    found = look_up(project, comparison_id)
    return None if found is None or found.state == "retired" else found


def look_up(project: Project, comparison_id: int) -> Comparison | None:
    """As it is now, in the queue or not; None where it was deleted."""
    rows = read(
        project,
        "reading the comparison",
        "SELECT 1 FROM comparisons WHERE id = ? AND deleted_at IS NULL",
        [comparison_id],
    )
    return comparisons.get(project, comparison_id) if rows else None


def surroundings(project: Project) -> Surroundings:
    folders = [Path(run.folder) for run in runs.runs(project)]
    return Surroundings(
        tags=tuple(tag for tag, _ in notes.known_tags(project)),
        writers=tuple(writer for folder in folders for writer in _on_disk(folder)),
    )


def reference_of(project: Project, policy: str) -> str | None:
    """The model that a run's result or checkpoint was trained from; None for what no run here has made."""
    path = Path(policy)
    for run in runs.runs(project):
        folder = Path(run.folder)
        if path == folder or folder in path.parents:
            return run.policy
    return None


def add_prompt(project: Project, text: str, system: str, annotator: str) -> Prompt:
    messages = [Message("system", system)] if system else []
    return prompts.add_prompt(
        project, [*messages, Message("user", text)], source=prompts.TYPED, annotator=annotator
    )


def continue_conversation(project: Project, prompt: Prompt, said: str, text: str, annotator: str) -> Prompt:
    """A prompt that goes on after `said`. It is held out if the one before is, which it has in it."""
    messages = [*prompt.messages, Message("assistant", said), Message("user", text)]
    return prompts.add_prompt(
        project, messages, source=prompts.TYPED, split=prompt.split, annotator=annotator
    )


def change_authors(project: Project, policy: str, opponent: Author | None) -> int:
    """Who writes from now on; what waits by others leaves the queue. Returns how many."""
    set_setting(project, POLICY, policy)
    set_setting(project, OPPONENT, None if opponent is None else msgspec.to_builtins(opponent))
    return comparisons.retire_waiting(project, [policy, *([opponent.policy] if opponent else [])])


def keep_sampling(project: Project, sampling: SamplingConfig) -> None:
    set_setting(project, SAMPLING, msgspec.to_builtins(sampling))


def keeping(name: str, value: object) -> Callable[[Project], None]:
    """The work of keeping a setting."""
    return lambda project: set_setting(project, name, value)


def every(number: int) -> int:
    """One in so many: 0 for never, else 2 and more."""
    return 0 if number <= 0 else max(2, number)


def goal(verdicts: int) -> int:
    """Verdicts a day, within reason."""
    return min(_MOST_GOAL, max(0, verdicts))


def _judging_here(project: Project) -> list[str]:
    """Names of those who judge in this project; not of those whose verdicts came with an import."""
    rows = read(
        project,
        "reading the annotators",
        """
        SELECT name FROM annotators
        WHERE EXISTS (
            SELECT 1 FROM verdicts
            WHERE annotator = name AND imported = 0 AND undone_at IS NULL AND choice <> 'skip'
        ) OR NOT EXISTS (SELECT 1 FROM verdicts WHERE annotator = name)
        ORDER BY created_at, name
        """,
    )
    return [row["name"] for row in rows]


def _stored(project: Project, name: str, kind: Any, usual: T) -> T:
    """The usual value where none is stored, or what is stored cannot be."""
    stored = get_setting(project, name)
    try:
        return cast(T, msgspec.convert(stored, kind)) if stored is not None else usual
    except (msgspec.ValidationError, BadInput):
        return usual


def _clamped(value: float, most: float) -> float:
    return min(most, max(0.0, value)) if math.isfinite(value) else 0.0


def _on_disk(folder: Path) -> tuple[str, ...]:
    try:
        result = (str(folder),) if run_folder.policy_folder(folder).is_dir() else ()
        return result + tuple(str(path) for _step, path in reversed(run_folder.checkpoints(folder)))
    except OSError:
        # A drive that is not there now is no reason to refuse the other runs.
        return ()
