"""What can be done at a place, as data: from one table come keys, menus, the palette and the page of keys.

Qt-free, so that every place's keys are known before its page is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.shell.keymap import WINDOW, KeyedAction


@dataclass(frozen=True, kw_only=True)
class ActionSpec:
    key: str
    """Its name at its place, such as `left`."""
    text: str
    icon: str = ""
    keys: tuple[str, ...] = ()
    """The usual ones; a person may choose others."""
    part: str = ""
    """The part of the page that has to have the keyboard: elsewhere its keys mean something else."""
    checkable: bool = False
    repeats: bool = False
    """Whether it is done again and again while its key is held down."""


def action(
    key: str, text: str, icon: str, *keys: str, part: str = "", checkable: bool = False, repeats: bool = False
) -> ActionSpec:
    """A line of a page's table."""
    return ActionSpec(
        key=key, text=text, icon=icon, keys=keys, part=part, checkable=checkable, repeats=repeats
    )


@dataclass(frozen=True)
class ActionTable:
    place: str
    """The page's title, or `WINDOW`."""
    specs: Sequence[ActionSpec]

    def name(self, key: str) -> str:
        """What an action is called in the settings and in the window, such as `annotate.left`."""
        return key if self.place == WINDOW else f"{self.place.lower()}.{key}"

    def keyed(self) -> list[KeyedAction]:
        """The actions as the keymap knows them."""
        return [
            KeyedAction(
                key=self.name(spec.key),
                text=spec.text.rstrip("…"),
                place=self.place,
                part=spec.part,
                usual=spec.keys,
            )
            for spec in self.specs
        ]
