"""Which keys do what: every action's usual keys, and those that a person put in their place. Qt-free.

Keys are written as Qt's portable text (`Ctrl+Z`, `Shift+1`, `Space`). An action of a page has its keys while
that page is in view; those of the window hold everywhere, so they are in the way of every page's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

WINDOW = "Everywhere"


@dataclass(frozen=True, kw_only=True)
class KeyedAction:
    key: str
    """Its name in the settings, such as `annotate.left`."""
    text: str
    place: str
    """The page's title, or `WINDOW`."""
    part: str = ""
    """Where on the page its keys hold; empty: everywhere. Two parts are not in each other's way."""
    usual: tuple[str, ...] = ()

    def meets(self, other: "KeyedAction") -> bool:
        """Whether one key could be meant for both."""
        if WINDOW in (self.place, other.place):
            return True
        return self.place == other.place and (self.part == other.part or "" in (self.part, other.part))


class Keymap:
    """`stored`: what was changed before; `keep` is told whenever that is another mapping."""

    def __init__(
        self,
        stored: Mapping[str, Sequence[str]] | None = None,
        keep: Callable[[dict[str, list[str]]], object] = lambda _changed: None,
    ) -> None:
        self._changed = {key: tuple(keys) for key, keys in (stored or {}).items()}
        self._keep = keep
        self._actions: dict[str, KeyedAction] = {}
        self._listeners: list[Callable[[], None]] = []

    def add(self, actions: Iterable[KeyedAction]) -> None:
        """Make actions known; one of a name that is known is replaced."""
        self._actions |= {action.key: action for action in actions}

    @property
    def actions(self) -> tuple[KeyedAction, ...]:
        """In the order in which they were made known."""
        return tuple(self._actions.values())

    def keys_of(self, key: str) -> tuple[str, ...]:
        return self._changed.get(key, self._actions[key].usual if key in self._actions else ())

    def first(self, key: str) -> str:
        """The key to show beside an action; empty when it has none."""
        return next(iter(self.keys_of(key)), "")

    def is_usual(self, key: str) -> bool:
        return key not in self._changed

    def taken_by(self, key: str, pressed: str) -> KeyedAction | None:
        """Another action that these keys would be in the way of."""
        mine = self._actions[key]
        for other in self._actions.values():
            if other.key != key and mine.meets(other) and pressed in self.keys_of(other.key):
                return other
        return None

    def change(self, key: str, keys: Sequence[str]) -> None:
        """Give an action these keys and take them from every other that they would meet."""
        for pressed in keys:
            while (other := self.taken_by(key, pressed)) is not None:
                left = tuple(k for k in self.keys_of(other.key) if k != pressed)
                self._changed[other.key] = left
        self._changed[key] = tuple(keys)
        self._tidy_up_and_tell()

    def reset(self, key: str) -> None:
        """The usual keys again, for this action."""
        self.change(key, self._actions[key].usual)

    def reset_all(self) -> None:
        self._changed.clear()
        self._tidy_up_and_tell()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Hear that keys changed; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def _tidy_up_and_tell(self) -> None:
        for key, keys in list(self._changed.items()):
            if key in self._actions and keys == self._actions[key].usual:
                del self._changed[key]
        self._keep({key: list(keys) for key, keys in self._changed.items()})
        for listener in list(self._listeners):
            listener()
