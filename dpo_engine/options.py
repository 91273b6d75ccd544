"""What a setting is: its label, help, range and unit, kept with the field of a config dataclass."""

import dataclasses
import math
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union, get_args, get_origin, get_type_hints

from dpo_engine.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Option:
    """How one setting presents itself: in a form, in `--help` and in an error."""

    label: str
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    group: str = ""
    """The heading under which a form shows it."""
    main: bool = False
    """One of the few settings that stand in view; the others are under "All settings"."""
    acts_with: tuple[str, tuple[Any, ...]] | None = None
    """Another setting and the values of it with which this one acts; None: always."""
    or_named_in: str = ""
    """A text setting in which one of these values may stand instead, among other words."""


def option(default: Any, **description: Any) -> Any:
    """A dataclass field with a default and an `Option`."""
    return field(default=default, metadata={"option": Option(**description)})


def options_of(config: type[Any] | Any) -> dict[str, Option]:
    """Field name -> `Option`, in the order of definition."""
    return {
        entry.name: entry.metadata["option"]
        for entry in dataclasses.fields(config)
        if "option" in entry.metadata
    }


def plain_kinds(config: type[Any]) -> dict[str, type]:
    """Setting -> bool, int, float or str: float for `float | None`, str for a Literal of strings."""
    hints = get_type_hints(config)
    return {name: _plain(hints[name]) for name in options_of(config)}


def _plain(hint: Any) -> type:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(one for one in get_args(hint) if one is not type(None))
    return hint if hint in (bool, int, float) else str


def explain(name: str, value: Any, described: Option) -> str | None:
    """Why `value` cannot be the setting `name`, as a sentence; None when it can."""
    if described.choices:
        if value in described.choices:
            return None
        return f"{name} is {value!r}; it must be one of {', '.join(described.choices)}."
    if value is None or isinstance(value, (bool, str, tuple)):
        return None
    if not math.isfinite(value):
        return f"{name} is {value}; it must be a finite number."
    if described.above is not None and value <= described.above:
        return f"{name} is {value}; it must be above {described.above:g}."
    if described.minimum is not None and value < described.minimum:
        return f"{name} is {value}; it must be at least {described.minimum:g}."
    if described.maximum is not None and value > described.maximum:
        return f"{name} is {value}; it must be at most {described.maximum:g}."
    return None


def acts(described: Option, value_of: Mapping[str, Any]) -> bool:
    """Whether a setting has an effect beside the other settings in `value_of`."""
    if described.acts_with is None:
        return True
    name, values = described.acts_with
    text = value_of.get(described.or_named_in) or ""
    return value_of[name] in values or any(word in values for word in re.findall(r"\w+", text))


def check(config: Any) -> None:
    """Raise `BadInput` for the first setting out of its range, or changed where it has no effect."""
    options = options_of(config)
    values = {name: getattr(config, name) for name in options}
    usual = {entry.name: entry.default for entry in dataclasses.fields(config)}
    for name, described in options.items():
        problem = explain(name, values[name], described)
        if problem:
            raise BadInput(problem)
    for name, described in options.items():
        if values[name] != usual[name] and not acts(described, values):
            other, _ = described.acts_with or ("", ())
            raise BadInput(
                f"{name} is {values[name]}, but has no effect while {other} is {values[other]}. "
                f"Leave it at {usual[name]}, or change {other}."
            )
