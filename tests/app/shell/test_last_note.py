"""What a process that dies leaves behind for the next one to tell of."""

import subprocess
import sys
from pathlib import Path

import pytest

LIVE = "import sys, pathlib; from app.shell.crash import LastNote; note = LastNote(pathlib.Path(sys.argv[1]))"


def life(folder: Path, end: str) -> subprocess.CompletedProcess[str]:
    code = f"{LIVE}; {end}"
    return subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_death_is_told_once_with_what_each_thread_did(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    assert life(folder, "print(note.sentence)").stdout.strip() == ""
    assert life(folder, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)").returncode < 0
    told = life(folder, "print(note.sentence)").stdout
    assert "ended unexpectedly" in told
    assert str(folder / "crash-before.log") in told
    assert "Segmentation fault" in (folder / "crash-before.log").read_text()
    assert life(folder, "print(note.sentence)").stdout.strip() == ""


def test_where_nothing_can_be_written_the_app_starts_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.write_bytes(b"")
    done = life(file / "log", "print('alive', note.sentence)")
    assert (done.returncode, done.stdout.strip()) == (0, "alive")
