"""A run's settings as a TOML file, to be read, kept, shared and given to the command line. Torch-free.

Only what differs from the defaults is written, each with what it means; everything that can be read is
checked as a form or a flag would be, and an unknown name is an error, not silence.
"""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dpo_engine.config import TrainConfig, options_of
from dpo_engine.errors import BadInput, from_os_error
from dpo_engine.files import write_atomically

TABLE = "train"
_MAX_BYTES = 1024 * 1024


def settings_text(config: TrainConfig) -> str:
    """The settings that differ from the defaults under `[train]`, in the order of the form."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment("Settings of a DPO training: python -m dpo_engine train --config FILE …"))
    document.add(tomlkit.comment("What is not named here has its default."))
    table = tomlkit.table()
    for name, value in changed(config).items():
        item = tomlkit.item(value)
        item.comment(options_of(TrainConfig)[name].label)
        table.add(name, item)
    document.add(tomlkit.nl())
    document.add(TABLE, table)
    return tomlkit.dumps(document)


def write_settings(path: Path, config: TrainConfig) -> None:
    """Atomic. Raises `BadInput` or `DiskFull` where it cannot be written."""
    try:
        write_atomically(path, settings_text(config).encode())
    except OSError as error:
        raise from_os_error(error, f"saving the settings to {path}") from error


def read_settings(path: Path) -> TrainConfig:
    """Raises `BadInput` for what is no file of settings, naming the setting; nothing is half taken."""
    return TrainConfig(**given_settings(path))


def given_settings(path: Path) -> dict[str, Any]:
    """Name -> value of what the file names, each of the right kind; ranges are checked by `TrainConfig`."""
    plain = _read(path)
    table = plain.get(TABLE)
    if not isinstance(table, dict) or len(plain) != 1:
        raise BadInput(f"{path} holds no settings of a training: it needs one table, [{TABLE}].")
    kinds = _kinds()
    for name, value in table.items():
        if name not in kinds:
            raise BadInput(f"{path} names {name}, which is no setting of a training. Nothing was changed.")
        if not _is_a(value, kinds[name]):
            raise BadInput(f"{name} is {value!r} in {path}; that is not the kind of value it takes.")
    return {name: float(value) if kinds[name] is float else value for name, value in table.items()}


def known_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the names that this version has settings for; a run of another version may have others."""
    return {name: values[name] for name in options_of(TrainConfig) if name in values}


def changed(config: TrainConfig) -> dict[str, Any]:
    """The settings that differ from the defaults."""
    usual = dataclasses.asdict(TrainConfig())
    return {name: value for name, value in dataclasses.asdict(config).items() if value != usual[name]}


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(content) > _MAX_BYTES:
        raise BadInput(f"{path} is too large to be a file of settings.")
    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no TOML file: {error}. Nothing was changed.") from error
    except RecursionError as error:
        raise BadInput(f"{path} is nested too deeply to be a file of settings.") from error


def _kinds() -> dict[str, type]:
    from dpo_engine.options import plain_kinds

    return plain_kinds(TrainConfig)


def _is_a(value: Any, kind: type) -> bool:
    if kind is bool:
        return isinstance(value, bool)
    return isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
