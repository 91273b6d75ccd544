"""What the person has set for the next run: which pairs, from which model, how. Qt-free."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from app.store.records import PairSelection
from app.train.background import Background
from app.train.starting_points import checked_model_folder
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.settings_file import read_settings, write_settings


class Form:
    """`changed` hears of everything, `reload` that other pairs are to be counted, `failed` a sentence,
    empty once it is over."""

    def __init__(
        self,
        *,
        background: Background,
        changed: Callable[[], None],
        reload: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        self.config = TrainConfig()
        self.selection: PairSelection = "all"
        self.start_from: str | None = None
        """None: from the policy that writes the candidates."""
        self.folders: tuple[str, ...] = ()
        """Model folders chosen by hand."""
        self.problem = ""
        """Why these settings are none, as a sentence."""
        self.device = ""
        """What the engine computes on; empty until it said so."""
        self.number = 0
        """Another one after settings were changed from elsewhere: the fields have to be filled again."""
        self._background = background
        self._changed, self._reload, self._failed = changed, reload, failed

    @property
    def device_problem(self) -> str:
        """Why this machine cannot train so, as a sentence."""
        if self.config.method != "qlora" or self.device in ("", "cuda"):
            return ""
        return f"QLoRA needs an NVIDIA GPU, and the engine computes on {self.device.upper()}. Choose LoRA."

    def choose_pairs(self, selection: PairSelection) -> None:
        """Which preferences the next run trains on."""
        self.selection = selection
        self._reload()

    def choose_start(self, reference: str) -> None:
        self.start_from = reference
        self._changed()

    def choose_folder(self, folder: str) -> None:
        """Start from a model folder on this disk; one that is none is a sentence and changes nothing."""
        self._background.submit(
            lambda: checked_model_folder(Path(folder)),
            self._on_folder_checked,
            lambda error: self._failed(str(error)),
        )

    def configure(self, values: Mapping[str, object]) -> None:
        """Take over settings. A wrong value becomes the `problem`, and no run starts."""
        try:
            self.config = TrainConfig(**dict(values))  # type: ignore[arg-type]  # checked by the dataclass
            self.problem = ""
        except (BadInput, TypeError) as error:
            self.problem = str(error)
        self._changed()

    def change(self, changes: Mapping[str, object]) -> None:
        """Set some settings from elsewhere than the fields, which then show them. A wrong value changes
        nothing and is told to `failed`."""
        try:
            self.config = replace(self.config, **changes)  # type: ignore[arg-type]  # checked by the dataclass
        except (BadInput, TypeError) as error:
            self._failed(str(error))
            return
        self.problem = ""
        self.number += 1
        self._changed()

    def use(self, config: TrainConfig) -> None:
        """Take over whole settings from elsewhere than the fields, which then show them."""
        self.change(asdict(config))

    def save(self, path: Path, done: Callable[[str], None]) -> None:
        """Write the settings into a file; `done` hears a sentence."""
        config = self.config
        self._background.submit(
            lambda: write_settings(path, config),
            lambda _: done(f"Saved as {path.name}."),
            lambda error: self._failed(str(error)),
        )

    def load(self, path: Path, done: Callable[[str], None]) -> None:
        """Take the settings in a file; what is none changes nothing."""

        def take(config: TrainConfig) -> None:
            self._failed("")
            self.use(config)
            done(f"These are the settings of {path.name}.")

        self._background.submit(lambda: read_settings(path), take, lambda error: self._failed(str(error)))

    def refuse(self, problem: str) -> None:
        """A field holds what is no value at all; `problem` says which."""
        self.problem = problem
        self._changed()

    def _on_folder_checked(self, reference: str) -> None:
        self._failed("")
        if reference not in self.folders:
            self.folders = (*self.folders, reference)
        self.choose_start(reference)
