"""What differs between the settings of two runs, in the words of the form. Qt-free."""

from dataclasses import dataclass, fields

from app.store.records import Run
from app.train.starting_points import title_of
from app.train.wording import figure, rate
from dpo_engine.config import TrainConfig, options_of

_RATES = ("learning_rate",)


@dataclass(frozen=True, kw_only=True)
class SettingDifference:
    name: str
    """As the config has it."""
    label: str
    first: str
    second: str


def setting_differences(first: Run, second: Run, names: dict[str, str]) -> tuple[SettingDifference, ...]:
    """Where they differ only, in the form's order. A setting that a run does not have is the default one.

    `names`: what runs are called, by their folders.
    """
    found = []
    if first.policy != second.policy:
        found.append(
            SettingDifference(
                name="policy",
                label="Started from",
                first=title_of(first.policy, names),
                second=title_of(second.policy, names),
            )
        )
    usual = {field.name: field.default for field in fields(TrainConfig)}
    labels = {name: option.label for name, option in options_of(TrainConfig).items()}
    one, other = {**usual, **first.config}, {**usual, **second.config}
    for name in dict.fromkeys((*usual, *one, *other)):
        values = (plain(one.get(name)), plain(other.get(name)))
        if values[0] != values[1]:
            found.append(
                SettingDifference(
                    name=name,
                    label=labels.get(name, name),
                    first=value_words(name, values[0]),
                    second=value_words(name, values[1]),
                )
            )
    return tuple(found)


def value_words(name: str, value: object) -> str:
    """A setting's value as people write it."""
    match value:
        case None:
            return "–"
        case bool():
            return "on" if value else "off"
        case float() if name in _RATES:
            return rate(value)
        case float():
            return figure("{:g}", value)
        case tuple():
            return ", ".join(value_words(name, part) for part in value) or "–"
        case _:
            return str(value) or "–"


def plain(value: object) -> object:
    """A setting as it can be compared: JSON knows no tuples, and 1 is 1.0 in it."""
    if isinstance(value, list):
        return tuple(plain(part) for part in value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
