"""How the worker is started: its command, its environment, its priority."""

import os
import site
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.engine_host.worker_process import NICENESS, how_it_ended, worker_command, worker_environment
from tests.app.engine_host.conftest import Witness


def test_the_engine_is_importable_from_any_folder_and_the_folder_is_not(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('a file of the current folder was imported')")
    command = worker_command()
    assert command[0] == sys.executable
    assert command[-3:] == ["-m", "dpo_engine", "serve"]
    flags = command[1 : command.index("-m")]
    asked = [command[0], *flags, "-c", "import json, dpo_engine; print(dpo_engine.__file__)"]
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    printed = subprocess.check_output(asked, cwd=tmp_path, env=worker_environment(bare), text=True)
    import dpo_engine

    assert printed.strip() == dpo_engine.__file__


def test_an_installed_engine_needs_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    import dpo_engine

    source = str(Path(dpo_engine.__file__).resolve().parent.parent)
    environment = worker_environment({"PYTHONPATH": "theirs"})
    assert environment["PYTHONPATH"] == os.pathsep.join([source, "theirs"])
    monkeypatch.setattr(site, "getsitepackages", lambda: [source])
    assert worker_environment({"PYTHONPATH": "theirs"})["PYTHONPATH"] == "theirs"
    assert "PYTHONPATH" not in worker_environment({})


@pytest.mark.skipif(os.name == "nt", reason="niceness as POSIX has it")
def test_the_worker_yields_to_the_window(open_engine: Callable[..., Witness]) -> None:
    engine = open_engine()
    worker = psutil.Process(engine.worker)
    assert worker.nice() == min(psutil.Process().nice() + NICENESS, 19)


def test_the_end_of_a_process_in_words() -> None:
    assert how_it_ended(3) == "exit code 3"
    assert how_it_ended(-9) == "signal SIGKILL"
    assert how_it_ended(-250) == "signal 250"


def test_hosting_needs_neither_torch_nor_the_data_libraries() -> None:
    """The window's process stays small: Rule 1, checked where it counts."""
    heavy = "{'torch', 'transformers', 'peft', 'datasets', 'pyarrow', 'numpy'} & set(sys.modules)"
    asked = f"import sys, PySide6.QtWidgets, app.engine_host.engine_thread; print(sorted({heavy}))"
    printed = subprocess.check_output(
        [sys.executable, "-c", asked], env=worker_environment(), text=True, cwd=Path(__file__).parents[3]
    )
    assert printed.strip() == "[]"
