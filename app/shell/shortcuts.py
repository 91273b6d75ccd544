"""Between the keymap and Qt: actions that follow it, its keys as they are written on this system."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence

from app.shell.keymap import Keymap

_ALONE = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)


def bind(action: QAction, keymap: Keymap, key: str) -> None:
    """Give the action the keys of `key`, now and whenever they are others."""

    def follow() -> None:
        action.setShortcuts([QKeySequence(keys) for keys in keymap.keys_of(key)])

    follow()
    action.destroyed.connect(keymap.subscribe(follow))


def shown(keys: str) -> str:
    """Keys as a person of this system knows them."""
    native = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
    return native.replace("Return", "Enter")


def shown_key(keymap: Keymap, key: str) -> str:
    """The first key of an action, to be shown beside it; empty when it has none."""
    return shown(keymap.first(key))


def pressed_keys(event: QKeyEvent) -> str:
    """What was pressed, as the keymap writes it; empty while only Shift and the like are down."""
    if event.key() in _ALONE or event.key() == Qt.Key.Key_unknown:
        return ""
    combination = event.keyCombination()
    sign = event.text()
    if sign.isprintable() and sign.strip() and not sign.isalnum():
        # Shift is part of such a sign on some keyboards and not on others.
        modifiers = combination.keyboardModifiers() & ~Qt.KeyboardModifier.ShiftModifier
        return QKeySequence(modifiers.value | event.key()).toString(QKeySequence.SequenceFormat.PortableText)
    modifiers = combination.keyboardModifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return QKeySequence(modifiers.value | event.key()).toString(QKeySequence.SequenceFormat.PortableText)
