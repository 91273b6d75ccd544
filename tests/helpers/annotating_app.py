"""Run as a process by `test_kill`: judges on the real page with real keys, and tells what was acknowledged.

    python -m tests.helpers.annotating_app PROJECT SEED

The page, the presenter and the `Writer` are the real ones; only the engine is played, and it writes at once.
A line `COMPARISON CHOICE` is printed when the page has acknowledged that verdict by showing what comes next.
Each comparison has texts of its own, so that what is on the screen tells which one it is.
"""

import os
import random
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.history import History
from app.shell.gui_thread import GuiThread
from app.shell.theme import Theme
from app.store.project import open_project
from app.store.writer import Writer
from dpo_engine.events import CandidateDone
from dpo_engine.requests import Generate, GenerateMany
from tests.helpers.fake_engine import FakeEngine

KEYS = {
    "left": Qt.Key.Key_1,
    "right": Qt.Key.Key_2,
    "tie": Qt.Key.Key_3,
    "both_bad": Qt.Key.Key_4,
    "skip": Qt.Key.Key_Space,
}


class Annotator:
    """Presses a key for each comparison, and looks whether the page went on."""

    def __init__(
        self, page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine, seed: int
    ) -> None:
        self._page, self._presenter, self._engine = page, presenter, engine
        self._draw = random.Random(seed)
        self._judged: tuple[int, str, str] | None = None

    def look(self) -> None:
        self._engine.deliver()
        shown = self._presenter.state.comparison
        on_screen = self._page.panes[0].text.text
        if not self._page.hasFocus() or shown is None or on_screen != shown.left.text:
            return
        if self._judged is not None:
            comparison, text, choice = self._judged
            if on_screen == text:
                return
            self._judged = None
            os.write(1, f"{comparison} {choice}\n".encode())
        choice = self._draw.choice(list(KEYS))
        self._judged = (shown.id, on_screen, choice)
        QTest.keyClick(self._page, KEYS[choice])


def main(path: Path, seed: int) -> None:
    app = QApplication([])
    engine = FakeEngine()
    numbers = count()

    def generation(request: Generate | GenerateMany) -> Iterator[CandidateDone]:
        prompts = len(request.prompts) if isinstance(request, GenerateMany) else 1
        for index in range(2 * prompts):
            yield CandidateDone(
                request=request.id,
                index=index,
                text=f"response {seed}-{next(numbers)}",
                tokens=3,
                seed=index,
                finish_reason="end",
                seconds=0.0,
                fingerprint="f" * 64,
            )

    engine.script(Generate, generation)
    engine.script(GenerateMany, generation)
    writer = Writer(open_project(path), GuiThread(app).post)
    presenter = AnnotatePresenter(
        engine=engine,
        store=writer,
        reader=writer,
        history=History(store=writer, annotator="me", failed=sys.exit),
        annotator="me",
        rng=random.Random(seed),
    )
    page = AnnotatePage(presenter, Theme(app, "light"))
    page.resize(900, 600)
    page.show()
    page.activateWindow()
    page.setFocus()
    presenter.start()
    annotator = Annotator(page, presenter, engine, seed)
    timer = QTimer(app)
    timer.timeout.connect(annotator.look)
    timer.start()
    app.exec()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
