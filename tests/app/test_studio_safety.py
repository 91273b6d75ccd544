"""The app as a whole with a real project: restored in its window, started twice, backed up when closed."""

import subprocess
import sys
from pathlib import Path

_WHOLE = """
import subprocess, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from app.main import Studio
from app.options import parse
from app.safety.dialog import BackupsDialog
from app.store.collecting import verdicts
from app.store.safekeeping.backups import backups_of
from tests.store.makers import comparison

app = QApplication([])
path = Path(sys.argv[1])
studio = Studio(app, parse(["--project", str(path)]))
told = []
sys.excepthook = lambda *error: print("UNCAUGHT", error, flush=True)
assert studio.start()

def when(ready, then):
    if ready():
        then()
    else:
        QTimer.singleShot(20, lambda: when(ready, then))

def opened():
    return studio.workspace is not None

def judge():
    def work(project):
        one = comparison(project)
        verdicts.give_verdict(project, one.id, "left", strength=1, annotator="me", seconds=1.0)
    studio.workspace.writer.run(work)

def begin():
    for place in ("annotate", "train", "inspector", "annotate"):
        studio.window.show_place(place)
    judge()
    studio.safety.show_backups(path)
    dialog = studio.window.findChild(BackupsDialog)
    dialog.back_up.click()
    when(lambda: dialog.list.topLevelItemCount() == 1, lambda: restore(dialog))

def restore(dialog):
    judge()
    before = studio.workspace
    dialog.restore_button.click()
    dialog.confirm.click()
    when(lambda: opened() and studio.workspace is not before, again)

def again():
    count = studio.workspace.writer.run(lambda project: verdicts.counts(project).preferences)
    print("RESTORED", count, flush=True)
    print("ASIDE", "kept as" in studio.window.banner.text, flush=True)
    judge()
    studio.window.show_place("train")
    second = subprocess.Popen([sys.executable, "-m", "app", "--project", str(path)])
    when(lambda: second.poll() is not None, lambda: end(second.returncode))

def end(code):
    print("SECOND", code, flush=True)
    # Late timers of what was closed would speak up by now.
    QTimer.singleShot(1500, studio.close)

when(opened, begin)
app.exec()
print("BACKUPS", len(backups_of(path)), flush=True)
"""


def test_restored_raised_and_backed_up(tmp_path: Path, studio_home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WHOLE, str(tmp_path / "p.dpo")],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    said = done.stdout.splitlines()
    assert said == ["RESTORED 1", "ASIDE True", "SECOND 0", "BACKUPS 2"], done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
