"""Which models a run can start from, and what a model reference is called on the screen. Qt-free."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from app.store.records import Run
from app.train.wording import short_name
from dpo_engine.catalogue import CATALOGUE, STARTER
from dpo_engine.errors import BadInput

WITH_POLICY = ("finished", "stopped")
"""The states in which a run has a policy of its own."""

_SIGNS_OF_A_MODEL = ("config.json", "adapter_config.json", "run.json", "policy")


@dataclass(frozen=True, kw_only=True)
class StartingPoint:
    """A model reference and its words; `detail` says what kind of thing it is."""

    reference: str
    title: str
    detail: str


def title_of(reference: str, names: Mapping[str, str]) -> str:
    """A short name: the catalogue's title, the run's name, else the last part of a folder or the hub id.

    `names`: folder of a run -> its short name (`names_of`).
    """
    if reference in CATALOGUE:
        return CATALOGUE[reference].title
    if reference in names:
        return names[reference]
    path = PureWindowsPath(reference) if "\\" in reference else Path(reference)
    return short_name(path.name) if path.is_absolute() else reference


def names_of(runs: Iterable[Run]) -> dict[str, str]:
    """What runs are called on the screen, by their folders."""
    return {run.folder: short_name(run.name) for run in runs}


def root_of(reference: str, runs: Sequence[Run]) -> str:
    """The model below all training: what the first run in its line started from."""
    by_folder = {run.folder: run.policy for run in runs}
    seen: set[str] = set()
    while reference in by_folder and reference not in seen:
        seen.add(reference)
        reference = by_folder[reference]
    return reference


def starting_points(
    policy: str, runs: Sequence[Run], others: Sequence[str] = ()
) -> tuple[StartingPoint, ...]:
    """The project's policy first, then the starter, every run with a policy, and folders chosen by hand."""
    names = names_of(runs)
    details = {policy: "writes the candidates now"}
    for folder in names:
        details.setdefault(folder, "trained here")
    details.setdefault(STARTER.name, "the starter model")
    references = [policy, STARTER.name, *(run.folder for run in runs if run.status in WITH_POLICY), *others]
    return tuple(
        StartingPoint(
            reference=reference,
            title=title_of(reference, names),
            detail=details.get(reference, "model folder"),
        )
        for reference in dict.fromkeys(references)
    )


def checked_model_folder(folder: Path) -> str:
    """The reference for a folder that looks like a model. Raises `BadInput`; whether it really is one, the
    engine finds out when it loads it."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder. Choose the folder that holds the model's config.json.")
    if not any((folder / sign).exists() for sign in _SIGNS_OF_A_MODEL):
        raise BadInput(
            f"{folder} holds no model: there is no config.json in it. Nothing was changed; choose the folder "
            "that has config.json and the safetensors files."
        )
    return str(folder)
