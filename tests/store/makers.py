"""Short ways to fill a project."""

from pathlib import Path

from app.store.collecting import comparisons, prompts
from app.store.project import Project
from app.store.records import Comparison, NewCandidate
from dpo_engine.preferences import Message, Split


def candidate(text: str, model: str = "starter") -> NewCandidate:
    return NewCandidate(
        text=text,
        model=model,
        fingerprint="abc",
        sampling={"temperature": 0.9, "top_k": 0},
        seed=7,
        finish_reason="end",
        tokens=3,
        seconds=0.5,
    )


def prompt(project: Project, text: str, *, source: str = "import", split: Split = "train") -> int:
    return prompts.add_prompt(project, [Message("user", text)], source=source, split=split).id


def comparison(
    project: Project,
    text: str = "Hello?",
    *,
    swapped: bool = False,
    model: str = "starter",
    split: Split = "train",
) -> Comparison:
    """One more comparison of the prompt `text`, of the responses "first" and "second"."""
    return comparisons.add_comparison(
        project,
        prompt(project, text, split=split),
        (candidate("first", model), candidate("second", model)),
        swapped=swapped,
    )


def traces(folder: Path) -> dict[str, bytes]:
    """Every file in a folder but the instance lock, with its bytes."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith(".lock")}
