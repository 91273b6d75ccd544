"""What came in, what is looked at and how far people agree, in words. Qt-free."""

from app.library.share_rows import Share
from app.library.wording import count
from app.store.exchange.entries import Entry
from app.store.exchange.preview import Preview, PreviewRow
from app.store.exchange.report import Report
from app.store.exchange.studio_format import Kind
from app.store.figures.agreement import Between
from app.store.figures.coefficients import Agreement
from app.store.records import Choice

ANSWER_WORDS: dict[Choice, str] = {
    "left": "Left is better",
    "right": "Right is better",
    "tie": "Tie",
    "both_bad": "Both bad",
    "skip": "Skipped",
}
KIND_WORDS: dict[Kind, str] = {
    "preferences": "Preferences",
    "ties": "Ties",
    "both_bad": "Both bad",
    "skips": "Skipped",
    "disputed": "In dispute",
    "unjudged": "Not judged yet",
    "prompts": "Prompts without responses",
}


def listed(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def looked_at(preview: Preview) -> str:
    """How many rows there are, or that these are only the first."""
    number = len(preview.rows)
    files = f" in {count(len(preview.source.files), 'file')}" if len(preview.source.files) > 1 else ""
    return f"{count(number, 'row')}{files}" if preview.complete else f"The first {number:,} rows{files}"


def verdict_of(row: PreviewRow) -> str:
    """What a row will be, in two words."""
    entry = row.entry
    if entry is None:
        return "Left out"
    if entry.left is None:
        return "Prompt"
    if not entry.verdicts:
        return "To be judged"
    answers = {given.choice for given in entry.verdicts}
    if len(entry.verdicts) > 1:
        return f"{len(entry.verdicts)} verdicts"
    choice = next(iter(answers))
    if not entry.placed and choice in ("left", "right"):
        return "First is better" if choice == "left" else "Second is better"
    return ANSWER_WORDS[choice]


def side_names(entry: Entry) -> tuple[str, str]:
    """Where a file does not say who stood where, left and right are drawn when it comes in."""
    return ("Left", "Right") if entry.placed else ("First response", "Second response")


def line_words(row: PreviewRow) -> str:
    return f"{row.file}, line {row.line:,}" if row.file else f"Line {row.line:,}"


def added_words(report: Report) -> str:
    """What came in, as a sentence."""
    parts = [
        count(number, what)
        for number, what in (
            (report.prompts, "prompt"),
            (report.comparisons, "comparison"),
            (report.verdicts, "verdict"),
        )
        if number
    ]
    if not parts:
        return "Nothing new came in."
    return f"{listed(parts)} came in."


def rest_words(report: Report) -> list[str]:
    """What else became of its rows, a sentence each."""
    said = []
    if report.restored:
        said.append(
            f"{count(report.restored, 'deleted one')} of them is there again."
            if report.restored == 1
            else f"{report.restored:,} that had been deleted are there again."
        )
    if report.duplicates:
        were = "was" if report.duplicates == 1 else "were"
        said.append(
            f"{count(report.duplicates, 'row')} {were} there already, so nothing was added for it."
            if report.duplicates == 1
            else f"{report.duplicates:,} rows were there already, so nothing was added for them."
        )
    if report.refused_rows:
        were = "was" if report.refused_rows == 1 else "were"
        said.append(f"{count(report.refused_rows, 'row')} could not be taken and {were} left out.")
    return said


def agreement_words(between: Between) -> str:
    """How far everybody agrees, as sentences for somebody who knows no coefficient."""
    alpha = between.alpha
    if not alpha.items:
        return (
            "No comparison has answers of two annotators yet. Merge somebody's project, or let two people "
            "judge the same comparisons (Annotate, overlap)."
        )
    over = (
        f"{count(alpha.items, 'comparison')} {'has' if alpha.items == 1 else 'have'} answers of more than one"
    )
    if alpha.value is None:
        return f"{over} annotator, all of one kind, so nothing can be said yet."
    if alpha.low is not None and alpha.low <= 0:
        return f"{over} annotator. Whether they agree more often than by chance cannot be told yet."
    sure = f" ({_percent(alpha.low)} to {_percent(alpha.high)}, as far as so many can tell)"
    return f"{over} annotator. They differ {_percent(alpha.value)} less often than by chance{sure}."


def same_words(between: Between) -> str:
    """How often each two gave the same answer, a line each."""
    return "\n".join(
        f"{pair.first} and {pair.second}: the same answer to {pair.same:,} of {pair.kappa.items:,} "
        f"({_percent(pair.same / pair.kappa.items)})"
        for pair in between.pairs
    )


def agreement_shares(between: Between) -> list[Share]:
    """All of them, then each two, with the interval."""
    shares = [_share("All annotators, α", between.alpha)] if between.alpha.items else []
    return shares + [_share(f"{pair.first} and {pair.second}, κ", pair.kappa) for pair in between.pairs]


def _share(name: str, found: Agreement) -> Share:
    if found.value is None or found.low is None or found.high is None:
        return Share(name=name, share=None, words="not known")
    words = f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})".replace("-", "−")
    share, low, high = (min(max(value, 0.0), 1.0) for value in (found.value, found.low, found.high))
    return Share(name=name, share=share, words=words, low=low, high=high)


def _percent(share: float | None) -> str:
    return f"{100 * max(0.0, share or 0.0):.0f} %"
