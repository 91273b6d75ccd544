"""What can be done to many rows at once: work for the store's thread, each an act to be undone. Qt-free."""

from collections.abc import Callable, Sequence

from app.store.collecting import notes, prompts
from app.store.figures import agreement
from app.store.handle import Project
from app.store.library import table as library
from app.store.library.table import Keys
from dpo_engine.preferences import Split

Act = Callable[[Project, Keys, str], int]
"""Does something to the rows of these keys, signed with a name; how many rows or values that changed."""


def tag(tags: Sequence[str]) -> Act:
    def act(project: Project, keys: Keys, annotator: str) -> int:
        comparisons, prompt_ids = _sorted_out(keys)
        return notes.add_tags(project, comparisons, tags, annotator=annotator, prompt_ids=prompt_ids)

    return act


def untag(tags: Sequence[str]) -> Act:
    """From the comparisons and from their prompts: the row shows both, so both lose it."""

    def act(project: Project, keys: Keys, annotator: str) -> int:
        comparisons, prompt_ids = _sorted_out(keys)
        theirs = library.prompts_of(project, comparisons)
        return notes.remove_tags(
            project, comparisons, tags, annotator=annotator, prompt_ids=[*prompt_ids, *theirs]
        )

    return act


def flag(flagged: bool) -> Act:
    def act(project: Project, keys: Keys, annotator: str) -> int:
        return notes.set_flag(project, _sorted_out(keys)[0], flagged, annotator=annotator)

    return act


def move(split: Split) -> Act:
    """A split is a prompt's: its other comparisons move along."""

    def act(project: Project, keys: Keys, annotator: str) -> int:
        comparisons, prompt_ids = _sorted_out(keys)
        theirs = library.prompts_of(project, comparisons)
        return prompts.set_split(project, [*prompt_ids, *theirs], split, annotator=annotator)

    return act


def delete(deleted: bool) -> Act:
    def act(project: Project, keys: Keys, annotator: str) -> int:
        comparisons, prompt_ids = _sorted_out(keys)
        return notes.set_deleted(project, comparisons, deleted, annotator=annotator, prompt_ids=prompt_ids)

    return act


def ask_again() -> Act:
    """Blind, sides drawn anew; the answer counts from then on. What has no verdict yet is left out."""

    def act(project: Project, keys: Keys, annotator: str) -> int:
        judged = library.judged_among(project, _sorted_out(keys)[0])
        return agreement.ask_again(project, judged, annotator)

    return act


def comment(text: str) -> Act:
    def act(project: Project, keys: Keys, annotator: str) -> int:
        return notes.set_comment(project, _sorted_out(keys)[0], text, annotator=annotator)

    return act


def _sorted_out(keys: Keys) -> tuple[list[int], list[int]]:
    """The ids of comparisons, and of prompts without one."""
    comparisons: list[int] = keys[keys > 0].tolist()
    prompt_ids: list[int] = (-keys[keys < 0]).tolist()
    return comparisons, prompt_ids
