"""Fonts are asked for a moment after the start, one in a turn, and then never again."""

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.inspector import fallback_fonts
from app.inspector.fallback_fonts import FallbackFonts
from app.shell.theme import Theme


def test_every_font_is_asked_for_every_script_once(
    qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback_fonts, "_BEGIN_AFTER_MS", 0)
    monkeypatch.setattr(fallback_fonts, "_BETWEEN_MS", 0)
    theme, owner = Theme(qapp, "light"), QObject()
    asked: list[tuple[str, int]] = []
    writing = fallback_fonts._write

    def noted(text: str, font: QFont) -> None:
        asked.append((text, font.pixelSize()))
        writing(text, font)

    monkeypatch.setattr(fallback_fonts, "_write", noted)
    fonts = FallbackFonts(lambda: [theme.font(12), theme.font(15)], owner)
    assert not asked and not fonts.finished
    qtbot.waitUntil(lambda: fonts.finished)
    assert len(asked) == len(set(asked)) == 2 * len(fallback_fonts._SAMPLES)
