"""The app as a whole, without an engine: opening projects, good and bad, and closing."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.main import Studio
from app.options import parse
from app.shell.problem_page import ProblemPage
from app.store.project import create_project

Open = Callable[[Path], Studio]


@pytest.fixture
def open_studio(qapp: QApplication, qtbot: QtBot) -> Iterator[Open]:
    """Start the app on a project that will not open (so that no engine starts)."""
    hook = sys.excepthook
    started: list[Studio] = []

    def start(path: Path) -> Studio:
        studio = Studio(qapp, parse(["--project", str(path), "--theme", "light"]))
        started.append(studio)
        studio.start()
        return studio

    yield start
    for studio in started:
        studio.window.let_close()
        studio.window.deleteLater()
    sys.excepthook = hook


def _problem(studio: Studio, qtbot: QtBot) -> str:
    """What the window says in place of its pages."""
    qtbot.waitUntil(lambda: studio.window.findChild(ProblemPage) is not None, timeout=5000)
    page = studio.window.findChild(ProblemPage)
    assert page.isVisible()
    return " ".join(label.text() for label in page.findChildren(QLabel))


def test_a_file_that_is_no_project_is_a_sentence(open_studio: Open, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "holiday.dpo"
    path.write_bytes(b"\x89PNG not a project at all" * 100)
    before = path.read_bytes()
    studio = open_studio(path)
    said = _problem(studio, qtbot)
    assert "holiday.dpo could not be opened" in said
    assert "not" in said and path.read_bytes() == before
    assert not studio.window.navigation.isEnabled()


def test_a_newer_project_is_a_sentence(open_studio: Open, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "newer.dpo"
    create_project(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9999")
    db.close()
    assert "newer" in _problem(open_studio(path), qtbot)


def test_a_project_that_is_open_elsewhere_opens_after_it_was_closed(
    open_studio: Open, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "busy.dpo"
    other = create_project(path)
    studio = open_studio(path)
    assert "already open" in _problem(studio, qtbot)
    other.close()
    opened: list[object] = []
    monkeypatch.setattr(studio, "_on_opened", lambda project, told: opened.append(project))
    studio.open_project()
    qtbot.waitUntil(lambda: bool(opened), timeout=5000)
    opened[0].close()  # type: ignore[attr-defined]


def test_a_bug_is_told_in_the_window_and_logged(
    open_studio: Open, qtbot: QtBot, tmp_path: Path, studio_home: Path
) -> None:
    (tmp_path / "x.dpo").write_bytes(b"no")
    studio = open_studio(tmp_path / "x.dpo")
    error = RuntimeError("a plain bug")
    sys.excepthook(type(error), error, None)
    qtbot.waitUntil(lambda: "Something went wrong" in studio.window.banner.text, timeout=2000)
    assert "a plain bug" in (studio_home / "log" / "app.log").read_text(encoding="utf-8")


_EVERY_PAGE = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from app.main import Studio
from app.options import parse
from dpo_engine.config import TrainConfig
from dpo_engine import run_folder
from dpo_engine.preferences import Message, Pair

app = QApplication([])
studio = Studio(app, parse(["--project", sys.argv[1]]))
studio.start()

def look():
    if studio.workspace is None:
        QTimer.singleShot(20, look)
        return
    for place in ("annotate", "train", "inspector"):
        studio.window.show_place(place)
    QTimer.singleShot(700, end)

def end():
    pair = Pair(id="a", prompt=(Message("user", "Hi"),), chosen="Hello.", rejected="No.")
    run_folder.create(Path(sys.argv[1]).parent, policy="starter", config=TrainConfig(), pairs=[pair])
    heavy = sorted({"torch", "transformers", "peft"} & set(sys.modules))
    print("HEAVY", heavy, "PLOTS", "pyqtgraph" in sys.modules, flush=True)
    studio.close()

QTimer.singleShot(0, look)
app.exec()
"""


def test_torch_never_comes_into_the_window_process(tmp_path: Path, studio_home: Path) -> None:
    """Every page shown, the real worker started, a run's folder made: and still no torch here."""
    done = subprocess.run(
        [sys.executable, "-c", _EVERY_PAGE, str(tmp_path / "p.dpo")],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert "HEAVY [] PLOTS True" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
