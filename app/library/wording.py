"""Verdicts, filters, times and names in words. Qt-free."""

from datetime import datetime
from pathlib import Path

from app.store.library.filters import Filter, Standing
from app.store.records import Purpose
from app.words import STRENGTH_WORDS
from dpo_engine.catalogue import CATALOGUE

STANDING_WORDS: dict[Standing, str] = {
    "left": "Left",
    "right": "Right",
    "tie": "Tie",
    "both_bad": "Both bad",
    "skip": "Skipped",
    "waiting": "Waiting",
    "uncompared": "Not compared",
    "retired": "Out of the queue",
}
STANDING_ICONS: dict[Standing, str] = {
    "left": "arrow-left",
    "right": "arrow-right",
    "tie": "equal",
    "both_bad": "thumbs-down",
    "skip": "skip-forward",
    "waiting": "clock",
    "uncompared": "message-square",
    "retired": "history",
}
PURPOSE_WORDS: dict[Purpose, str] = {
    "collect": "Collected",
    "repeat": "Repeat",
    "settle": "To settle",
    "second_look": "Second look",
}
SPLIT_WORDS = {"train": "Train", "held_out": "Held-out"}
SOURCE_WORDS = {"typed": "Typed", "starter": "Starter", "import": "Imported"}


def count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def model_words(model: str) -> str:
    """A model reference as a person knows it: a title, or the name of its folder without its date."""
    if model in CATALOGUE:
        return CATALOGUE[model].title
    if model == "person":
        return "A person"
    name = Path(model).name or model
    date, _, rest = name[:10], name[10:11], name[11:]
    return rest if rest and date.count("-") == 2 and date.replace("-", "").isdigit() else name


def source_words(source: str) -> str:
    return SOURCE_WORDS.get(source, source)


def rows_words(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def moment(at: str, *, now: datetime | None = None) -> str:
    """A stored time on this machine's clock: `14:05` today, `12 Nov, 14:05` this year, else with the year."""
    try:
        when = datetime.fromisoformat(at).astimezone()
    except ValueError:
        return at
    today = (now or datetime.now()).astimezone()
    if when.date() == today.date():
        return f"{when:%H:%M}"
    if when.year == today.year:
        return f"{when.day} {when:%b, %H:%M}"
    return f"{when.day} {when:%b %Y}"


def margin_words(margin: float | None, *, judged: bool) -> str:
    """Two decimals, a typographic minus; before the verdict only how far apart the two are."""
    if margin is None:
        return ""
    text = f"{abs(margin):.2f}"
    if not judged:
        return f"± {text}"
    return f"−{text}" if margin < 0 and float(text) else text


def chip_words(wanted: Filter, runs: dict[int, str]) -> dict[str, tuple[str, str]]:
    """What is set: by facet, its name and its values in words. `runs`: names by id."""
    found = {
        "standings": ("Verdict", _any_of(STANDING_WORDS[one] for one in wanted.standings)),
        "strengths": ("Strength", _any_of(STRENGTH_WORDS.get(one, str(one)) for one in wanted.strengths)),
        "annotators": ("Annotator", _any_of(wanted.annotators)),
        "tags": ("Tag", _any_of(wanted.tags)),
        "models": ("Model", _any_of(model_words(one) for one in wanted.models)),
        "runs": ("Run", _any_of(runs.get(one, f"run {one}") for one in wanted.runs)),
        "splits": ("Split", _any_of(SPLIT_WORDS[one] for one in wanted.splits)),
        "sources": ("Source", _any_of(source_words(one) for one in wanted.sources)),
        "purposes": ("Asked", _any_of(PURPOSE_WORDS[one] for one in wanted.purposes)),
        "length": ("Characters", _range(wanted.shortest, wanted.longest)),
        "margin": ("Margin", _range(wanted.least_margin, wanted.most_margin)),
        "flagged": ("Flagged", "yes" if wanted.flagged else ""),
        "disputed": ("Disputed", "yes" if wanted.disputed else ""),
        "edited": ("Edited", "yes" if wanted.edited else ""),
        "commented": ("With a comment", "yes" if wanted.commented else ""),
        "deleted": ("Deleted", "yes" if wanted.deleted else ""),
    }
    return {key: words for key, words in found.items() if words[1]}


def _any_of(values: object) -> str:
    words = [str(value) for value in values]  # type: ignore[attr-defined]
    shown = [word if len(word) <= 28 else word[:27] + "…" for word in words[:2]]
    more = len(words) - len(shown)
    return " or ".join(shown) + (f" or {more} more" if more else "")


def _range(least: float | None, most: float | None) -> str:
    low, high = (None if end is None else f"{end:,g}".replace("-", "−") for end in (least, most))
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"from {low}" if low is not None else f"up to {high}" if high is not None else ""
