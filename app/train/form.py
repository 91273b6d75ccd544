"""What the person has set for the next run: which pairs, from which model, how. Qt-free."""

from collections.abc import Callable, Mapping
from pathlib import Path

from app.store.records import PairSelection
from app.train.background import Background
from app.train.starting_points import checked_model_folder
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput


class Form:
    """`changed` hears of everything, `reload` that other pairs are to be counted, `failed` a sentence."""

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
        self._background = background
        self._changed, self._reload, self._failed = changed, reload, failed

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

    def refuse(self, problem: str) -> None:
        """A field holds what is no value at all; `problem` says which."""
        self.problem = problem
        self._changed()

    def _on_folder_checked(self, reference: str) -> None:
        if reference not in self.folders:
            self.folders = (*self.folders, reference)
        self.choose_start(reference)
