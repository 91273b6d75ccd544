"""From "Start" to a run that the engine can train: read the pairs, build the folder, note the run. Qt-free.

Each part runs where it belongs (the store's thread, a thread of its own) and any of them may fail; then
nothing of the run is left.
"""

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from app.store import settings
from app.store.access import StoreAccess
from app.store.collecting import verdicts
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import PairSelection, Run
from app.store.training import runs
from app.train.background import Background
from app.train.book import FORM_SETTING
from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.errors import EngineError
from dpo_engine.preferences import Pair

_Material = tuple[Path, list[Pair]]


class Preparation:
    """One run being prepared; exactly one of `done` and `failed` (with a sentence) is called.

    `queued`: it will wait behind the others. `like`: it takes the pairs of the run in this folder, not those
    of now.
    """

    def __init__(
        self,
        *,
        store: StoreAccess,
        background: Background,
        policy: str,
        selection: PairSelection,
        config: TrainConfig,
        queued: bool = False,
        like: Path | None = None,
        done: Callable[[Run], None],
        failed: Callable[[str], None],
    ) -> None:
        self._store = store
        self._background = background
        self._policy = policy
        self._selection = selection
        self._config = config
        self._queued = queued
        self._like = like
        self._done = done
        self._failed = failed

    def begin(self) -> None:
        selection, like = self._selection, self._like
        self._store.submit(
            lambda project: _material(project, selection, like), self._on_material_read, self._on_store_failed
        )

    def _on_material_read(self, material: _Material) -> None:
        runs_dir, counted = material

        def build() -> tuple[Path, TrainConfig, Sequence[Pair]]:
            pairs = run_folder.read_pairs(self._like) if self._like is not None else counted
            folder = run_folder.create(runs_dir, policy=self._policy, config=self._config, pairs=pairs)
            return folder, run_folder.read_spec(folder).config, pairs

        self._background.submit(build, lambda built: self._on_folder_built(*built), self._on_build_failed)

    def _on_folder_built(self, folder: Path, config: TrainConfig, pairs: Sequence[Pair]) -> None:
        def note(project: Project) -> Run:
            if self._like is None:
                settings.set_setting(project, FORM_SETTING, changed_values(self._config))
            return runs.add_run(
                project,
                folder,
                policy=self._policy,
                method=config.method,
                beta=config.beta,
                config=dataclasses.asdict(config),
                pairs=pairs,
                queued=self._queued,
            )

        self._store.submit(note, self._done, lambda error: self._on_note_failed(folder, error))

    def _on_build_failed(self, error: Exception) -> None:
        if isinstance(error, EngineError):
            self._failed(str(error))
        else:
            self._failed(f"The run could not be prepared: {error}. Nothing was changed; try again.")

    def _on_note_failed(self, folder: Path, error: StoreError) -> None:
        self._background.submit(
            lambda: shutil.rmtree(folder, ignore_errors=True), lambda _: None, lambda _: None
        )
        self._failed(str(error))

    def _on_store_failed(self, error: StoreError) -> None:
        self._failed(str(error))


def changed_values(config: TrainConfig) -> dict[str, object]:
    """The settings that differ from the defaults."""
    usual = dataclasses.asdict(TrainConfig())
    return {name: value for name, value in dataclasses.asdict(config).items() if value != usual[name]}


def _material(project: Project, selection: PairSelection, like: Path | None) -> _Material:
    return project.runs_dir, [] if like is not None else verdicts.training_pairs(project, selection)
