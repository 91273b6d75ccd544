"""What a person set for the app as a whole; a project's own settings are in its file. Qt-free."""

import dataclasses
import getpass
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from dpo_engine.files import write_atomically


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "me"


@dataclass(frozen=True, kw_only=True)
class PlotSettings:
    """How the curves of the Train page are looked at."""

    hidden: tuple[str, ...] = ()
    """Keys of the charts that are not wanted."""
    window: int = 1
    """About how many steps a line is averaged over; 1: none."""
    log: bool = False


@dataclass(frozen=True, kw_only=True)
class Settings:
    theme: Literal["system", "light", "dark"] = "system"
    text_scale: float = 1.0
    engine: Literal["worker", "thread"] = "worker"
    """Where the engine runs: in a process of its own, or in the app's."""
    annotator: str = dataclasses.field(default_factory=_login_name)
    """The name that verdicts are signed with."""
    last_project: str = ""
    keys: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    """Keys by action where they are not the usual ones."""
    keep_awake: bool = True
    """The computer does not go to sleep while a run trains."""
    notify: bool = True
    """A desktop notification when a run ends and the window is not in front."""
    stacked: bool | None = None
    """Responses one above the other; None: on narrow windows only."""
    inspector_pictures: bool | None = None
    """Pictures beside the Inspector's table; None: on wide windows only."""
    plots: PlotSettings = dataclasses.field(default_factory=PlotSettings)


class SettingsFile:
    """Reads once, writes whole and atomically. A file that cannot be read counts as none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._current = self._read()

    @property
    def current(self) -> Settings:
        return self._current

    def change(self, **changes: object) -> Settings:
        """Take over and save some values. Saving may fail (a full disk): the values hold for this session."""
        self._current = dataclasses.replace(self._current, **changes)  # type: ignore[arg-type]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, msgspec.json.format(msgspec.json.encode(self._current)))
        except OSError:
            pass
        return self._current

    def _read(self) -> Settings:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Settings)
        except (OSError, msgspec.DecodeError):
            return Settings()
