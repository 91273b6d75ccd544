"""What the page of suspect verdicts says. Qt-free."""

from datetime import datetime

from app.inspector.suspects.presenter import SuspectsState
from app.inspector.wording import count
from app.store.training.studies import Outcome, Study
from app.words import time_left

OUTCOME_WORDS: dict[Outcome, str] = {
    "": "",
    "waiting": "Will be asked",
    "later": "Put off",
    "confirmed": "Confirmed",
    "turned": "Turned",
    "tie": "Tie",
    "both_bad": "Both bad",
    "changed": "Judged again",
    "deleted": "Deleted",
}
OUTCOME_MEANINGS: dict[Outcome, str] = {
    "waiting": "It comes up in Annotate, sides drawn anew, nothing told",
    "later": "It was skipped when it was asked again, and comes up later",
    "confirmed": "Asked again, blind, the same response was chosen",
    "turned": "Asked again, blind, the other response was chosen; that counts from then on",
    "tie": "Asked again, blind, it was a tie; that counts, so it is no pair any more",
    "both_bad": "Asked again, blind, both were bad; that counts, so it is no pair any more",
    "changed": "Another verdict counts than when this was looked at",
    "deleted": "The comparison was deleted",
}
WHAT_IT_IS = (
    "Policies learn most of the verdicts and say what they think of the rest. What they disagree with is not "
    "wrong for that: it is worth a second look."
)


def length_of(seconds: float) -> str:
    """ "about 12 min", "under a minute"."""
    words = time_left(seconds).removesuffix(" left")
    return words if words.startswith("under") else f"about {words}"


def study_title(study: Study) -> str:
    """When it was made and of how many pairs."""
    when = datetime.fromisoformat(study.created_at).astimezone()
    return f"{when.day} {when:%b, %H:%M}  ·  {count(study.pairs)}"


def start_words(state: SuspectsState) -> str:
    """What a new study would do, beside its button."""
    if state.expected is None:
        return f"{count(state.pairs)}, {state.folds} trainings"
    return f"{count(state.pairs)}, {state.folds} trainings, {length_of(state.expected)}"


def progress_words(state: SuspectsState) -> str:
    """How far the study is."""
    advance = state.advance
    if state.phase == "preparing":
        return "Collecting the pairs…"
    if advance is None or advance.waiting:
        return "Waiting for the engine…"
    if not advance.fold:
        return "Beginning…"
    left = "" if advance.seconds_left is None else f" · {time_left(advance.seconds_left)}"
    return f"Training {advance.fold} of {advance.folds}{left}"


def summary(state: SuspectsState) -> str:
    """How many were looked at, how many disagree, and what came of those asked again."""
    study = state.shown
    if study is None or not state.rows:
        return ""
    looked_at = f"{len(state.rows):,} of {count(study.pairs)} looked at"
    verb = "goes" if state.disagreeing == 1 else "go"
    disagree = f"{state.disagreeing:,} {verb} against what the others taught"
    return " · ".join(filter(None, [looked_at, disagree, _second_looks(state)]))


def _second_looks(state: SuspectsState) -> str:
    words = {**OUTCOME_WORDS, "waiting": "waiting"}
    parts = [
        f"{state.outcomes[one]:,} {words[one].lower()}"
        for one in OUTCOME_WORDS
        if one not in ("", "deleted", "changed") and state.outcomes.get(one)
    ]
    return f"second looks: {', '.join(parts)}" if parts else ""
