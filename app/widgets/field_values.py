"""Between the text in a field and the value of a setting. Qt-free.

The kind of a setting is read from its dataclass; the range and the sentence for a wrong value come from the
engine's own `explain`, so that a form, the command line and the engine refuse the same things.
"""

import math
import types
import typing
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

from dpo_engine.config import Option, explain, options_of

Kind = Literal["int", "float", "text", "choice"]


@dataclass(frozen=True, kw_only=True)
class FieldSpec:
    """One setting as a form needs it."""

    name: str
    option: Option
    kind: Kind
    may_be_empty: bool
    """Empty is a value of its own (None)."""
    default: Any


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A value, or the sentence that says why the text is none."""

    value: Any = None
    problem: str = ""


def fields_of(config: type[Any]) -> dict[str, FieldSpec]:
    """Every setting of a config dataclass, in the order of definition."""
    hints = typing.get_type_hints(config)
    defaults = {entry.name: entry.default for entry in fields(config)}
    return {
        name: _spec(name, option, hints[name], defaults[name]) for name, option in options_of(config).items()
    }


def choices_of(spec: FieldSpec) -> list[tuple[str, Any]]:
    """What can be chosen, as words and as values."""
    if spec.kind == "choice" and not spec.option.choices:
        return [(text_of(value), value) for value in (False, True)]
    return [(choice, choice) for choice in spec.option.choices]


def text_of(value: Any) -> str:
    """How a value stands in a field: `0.0002` as 0.0002, `5e-06` as 5e-6, None as nothing, True as on."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        text = f"{value:.12g}"
        mantissa, e, exponent = text.partition("e")
        return f"{mantissa}e{int(exponent)}" if e else text
    return str(value)


def parse(text: str, spec: FieldSpec) -> Parsed:
    """The value that a person's text means. A decimal comma is taken for a point."""
    text = text.strip()
    label = spec.option.label
    if not text:
        if spec.may_be_empty:
            return Parsed()
        return Parsed(problem=f"{label} is empty; it was {text_of(spec.default)} at first.")
    value: Any = text
    if spec.kind in ("int", "float"):
        try:
            value = float(text.replace(",", ".").replace("−", "-"))
        except ValueError:
            return Parsed(problem=f"{text[:40]!r} is no number.")
        if spec.kind == "int" and math.isfinite(value):
            if not value.is_integer():
                return Parsed(problem=f"{label} is a whole number; {text} is not.")
            value = int(value)
    problem = explain(label, value, spec.option)
    return Parsed(problem=problem) if problem else Parsed(value=value)


def _spec(name: str, option: Option, hint: Any, default: Any) -> FieldSpec:
    members = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    kinds = [member for member in members if member is not type(None)]
    kind: Kind
    if option.choices or kinds == [bool]:
        kind = "choice"
    else:
        kind = "int" if kinds == [int] else "float" if kinds == [float] else "text"
    return FieldSpec(
        name=name,
        option=option,
        kind=kind,
        may_be_empty=type(None) in members,
        default=None if default is MISSING else default,
    )
