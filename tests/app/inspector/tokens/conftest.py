"""A theme for the token view's tests."""

import pytest
from PySide6.QtWidgets import QApplication

from app.shell.theme import Theme


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")
