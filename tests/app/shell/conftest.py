"""The shell under test: a theme without the system's say, a window with plain pages."""

import pytest
from PySide6.QtWidgets import QApplication

from app.shell.theme import Theme


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")
