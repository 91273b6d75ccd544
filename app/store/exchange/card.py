"""The card of an exported data set: what is in it, how it was collected, and what is left to say."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from app.store.exchange.export_files import FileFormat
from app.store.exchange.export_rows import Layout
from app.store.exchange.studio_format import Kind
from dpo_engine.preferences import Split

_WHAT: Mapping[Kind, str] = {
    "preferences": "one response was judged better: `prompt`, `chosen`, `rejected`",
    "ties": "both responses were judged equally good",
    "both_bad": "neither response was good",
    "skips": "seen and put off, without an answer",
    "disputed": "annotators prefer different sides, and nobody settled it",
    "unjudged": "written, but not judged yet",
    "prompts": "prompts without responses",
}
_MOST_MODELS = 20


def card_of(
    name: str,
    counts: Mapping[tuple[Kind, Split], int],
    *,
    layout: Layout,
    file_format: FileFormat,
    models: Sequence[str],
    imported: int,
    provenance: bool,
) -> str:
    """Markdown with the front matter that the hub and `datasets.load_dataset` read."""
    parts = [
        f"---\n{_front_matter(counts, layout, file_format)}\n---\n",
        f"# {_inert(name)}\n",
        "Preferences between responses of language models, collected with DPO Studio.\n",
        _counts_table(counts),
        _how_collected(layout, file_format, models, imported=imported, provenance=provenance),
        "## Licence\n",
        "Not chosen yet. Say here, and as `license:` in the front matter, under which licence the prompts "
        "and responses may be used; the models that wrote the responses may have conditions of their own.\n",
    ]
    return "\n".join(parts)


def _front_matter(counts: Mapping[tuple[Kind, Split], int], layout: Layout, file_format: FileFormat) -> str:
    from huggingface_hub import DatasetCardData

    configs: list[dict[str, Any]] = []
    if file_format != "arrow":  # which is opened by folder instead
        for kind in _WHAT:
            splits = [split for split in get_args(Split) if (kind, split) in counts]
            if splits:
                files = [{"split": split, "path": f"{kind}/{split}.{file_format}"} for split in splits]
                configs.append({"config_name": kind, "data_files": files})
    if configs:
        configs[0]["default"] = True
    more: dict[str, Any] = {"configs": configs} if configs else {}
    card = DatasetCardData(
        task_categories=["text-generation"], tags=["preference", "dpo", "trl", layout], **more
    )
    return str(card.to_yaml())


def _counts_table(counts: Mapping[tuple[Kind, Split], int]) -> str:
    lines = ["| | train | held out | |", "|---|---:|---:|---|"]
    for kind, what in _WHAT.items():
        train, held_out = counts.get((kind, "train"), 0), counts.get((kind, "held_out"), 0)
        if train or held_out:
            lines.append(f"| {kind} | {train:,} | {held_out:,} | {what} |")
    return "\n".join(lines) + "\n"


def _how_collected(
    layout: Layout, file_format: FileFormat, models: Sequence[str], *, imported: int, provenance: bool
) -> str:
    opened = (
        'Open a part with `datasets.load_from_disk("…/preferences")`.'
        if file_format == "arrow"
        else 'Open a part with `datasets.load_dataset("…", "preferences")`.'
    )
    lines = [
        "## How it was collected\n",
        "A person read a prompt and two responses side by side. Which response stood left was drawn at "
        "random, and what wrote it was not shown before the verdict. Comparisons that were asked again to "
        "measure agreement are not in here.\n",
        f"The preferences are in TRL's {layout} format. `margin` is how clear a preference was: 1 better, "
        "2 or 3 much better. Held-out prompts are never trained on. " + opened + "\n",
    ]
    if imported:
        lines.append(
            f"Of {imported:,} comparisons the verdict came from another file or project; how it was given is "
            "for that to say.\n"
        )
    if layout == "standard":
        lines.append(
            "A prompt of several turns is a transcript (`Human:`, `Assistant:`, `System:`) that ends with "
            "`Assistant:`.\n"
        )
    if provenance:
        lines.append(
            "The columns after TRL's say where a row comes from: the models with fingerprint, sampling and "
            "seed, who judged, when and how long it took, every annotator's verdict, edits, flags, comments "
            "and tags. An import into DPO Studio reads all of it.\n"
        )
    if models:
        named = ", ".join(f"`{_inert(model)}`" for model in models[:_MOST_MODELS])
        more = f" and {len(models) - _MOST_MODELS:,} more" if len(models) > _MOST_MODELS else ""
        lines.append(f"Responses were written by {named}{more}.\n")
    return "\n".join(lines)


def _inert(text: str) -> str:
    """A name that cannot end the place it stands in."""
    return "".join(character for character in text if character.isprintable() and character not in "`<>|")[
        :200
    ]
