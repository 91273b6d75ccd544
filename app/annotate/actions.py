"""The page's actions as data: from one list come shortcuts, menu entries and the command palette."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.shell.theme import Theme


@dataclass(frozen=True, kw_only=True)
class ActionSpec:
    key: str
    text: str
    shortcuts: tuple[str, ...]
    icon: str
    act: Callable[[], None]


def add_actions(page: QWidget, theme: Theme, specs: Sequence[ActionSpec]) -> list[QAction]:
    """Make the actions; their keys act while the focus is in the page, and never while a field is typed in.

    A key that is held down acts once: nobody means to judge thirty comparisons a second.
    """
    actions = [_action(page, spec) for spec in specs]

    def refresh_icons() -> None:
        for action, spec in zip(actions, specs, strict=True):
            action.setIcon(theme.icon(spec.icon))

    theme.changed.connect(refresh_icons)
    refresh_icons()
    return actions


def _action(page: QWidget, spec: ActionSpec) -> QAction:
    action = QAction(spec.text, page)
    action.setObjectName(f"annotate.{spec.key}")
    action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts])
    action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    action.setAutoRepeat(False)
    action.triggered.connect(lambda _checked=False: spec.act())
    page.addAction(action)
    return action
