"""The names of the pages that can stand in front of the Library's rows. Qt-free."""

from typing import Literal

PanelKey = Literal["import", "export", "merge", "agreement"]
