"""From the form to a command that does the same on any machine: a folder of pairs, and the words. Qt-free."""

from collections.abc import Callable
from pathlib import Path

from app.store.access import StoreAccess
from app.store.collecting import verdicts
from app.store.handle import Project
from app.store.records import PairSelection
from app.train.background import Background
from dpo_engine import run_folder
from dpo_engine.command_line import train_command
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput, EngineError, from_os_error
from dpo_engine.files import staged_folder
from dpo_engine.pairs.snapshots import in_snapshot_order, pairs_hash, write_snapshot
from dpo_engine.preferences import Pair


def write_command(
    *,
    store: StoreAccess,
    background: Background,
    policy: str,
    selection: PairSelection,
    config: TrainConfig,
    done: Callable[[str], None],
    failed: Callable[[str], None],
) -> None:
    """Keep the pairs of now beside the runs, and call `done` with the command that trains on them."""

    def read(project: Project) -> tuple[Path, list[Pair]]:
        return project.runs_dir, verdicts.training_pairs(project, selection)

    def write(found: tuple[Path, list[Pair]]) -> None:
        background.submit(
            lambda: _written(*found, policy, config),
            done,
            lambda error: failed(
                str(error) if isinstance(error, EngineError) else f"The pairs could not be written: {error}."
            ),
        )

    store.submit(read, write, lambda error: failed(str(error)))


def _written(runs_dir: Path, pairs: list[Pair], policy: str, config: TrainConfig) -> str:
    ordered = in_snapshot_order(pairs)
    if not any(pair.split == "train" for pair in ordered):
        raise BadInput("There is no pair to train on yet, so there is no command to copy.")
    # The same pairs are the same folder, however often they are asked for.
    folder = runs_dir / f"pairs-{pairs_hash(ordered)[:12]}"
    if not folder.exists():
        try:
            with staged_folder(folder) as staged:
                write_snapshot(staged / "pairs", ordered)
        except OSError as error:
            raise from_os_error(error, f"writing the pairs to {folder}") from error
    run = runs_dir / run_folder.new_name(runs_dir)
    return train_command(run=str(run), policy=policy, pairs=str(folder), config=config)
