"""The command of a fresh machine, with the installing itself played."""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "packaging" / "dev.py"


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """dev.py as a module that believes a folder of the test to be the repository."""
    specification = importlib.util.spec_from_file_location("dev", FILE)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    root = tmp_path / "repository"
    (root / "packaging").mkdir(parents=True)
    shutil.copy(ROOT / "packaging" / "constraints.txt", root / "packaging")
    shutil.copy(ROOT / "pyproject.toml", root)
    monkeypatch.setattr(module, "ROOT", root)
    return module


class Pip:
    """Stands for pip: writes down what was asked of it, and succeeds as often as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, dev: ModuleType) -> None:
        self.calls: list[list[str]] = []
        self.fails = False
        self.real = subprocess.call
        monkeypatch.setattr(dev.subprocess, "call", self)

    def __call__(self, command: list[str], **options: Any) -> int:
        if command[1:4] != ["-m", "pip", "install"]:
            return self.real(command, **options)
        self.calls.append(command[command.index("packaging/constraints.txt") + 1 :])
        return 1 if self.fails else 0


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch, dev: ModuleType) -> Pip:
    def quick(self: venv.EnvBuilder, folder: Path) -> None:
        """An environment in no time: a Python that is a link to this one, which has pip."""
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(venv.EnvBuilder, "create", quick)
    monkeypatch.setattr(dev, "python_of", lambda environment: environment / "bin" / "python")
    monkeypatch.setattr(dev, "provide_system_libraries", lambda qt: True)
    return Pip(monkeypatch, dev)


def test_an_old_python_can_read_the_file_and_gets_a_sentence(dev: ModuleType) -> None:
    ast.parse(FILE.read_text(encoding="utf-8"), feature_version=(3, 7))
    with pytest.raises(dev.SetupError, match=r"This is Python 3\.8\.18; DPO Studio needs 3\.11"):
        dev.require_python((3, 8, 18))
    dev.require_python((3, 11, 0))


def test_the_first_call_installs_torch_alone_and_the_second_nothing(dev: ModuleType, pip: Pip) -> None:
    python = dev.prepare(dev=False)
    assert python == dev.ROOT / ".venv" / "bin" / "python"
    torch, project = pip.calls
    assert torch == [dev.pinned("torch")]
    assert torch[0].startswith("torch==")
    assert project == ["-e", "."]
    pip.calls.clear()
    dev.prepare(dev=False)
    assert pip.calls == []


def test_the_tests_need_the_dev_extra_and_the_app_is_content_with_it(dev: ModuleType, pip: Pip) -> None:
    dev.prepare(dev=False)
    dev.prepare(dev=True)
    assert pip.calls[-1] == ["-e", ".[dev]"]
    made = len(pip.calls)
    dev.prepare(dev=False)
    assert len(pip.calls) == made


def test_other_pins_are_installed_into_the_environment_there_is(dev: ModuleType, pip: Pip) -> None:
    dev.prepare(dev=True)
    mine = dev.ROOT / ".venv" / "mine"
    mine.touch()
    with (dev.ROOT / "packaging" / "constraints.txt").open("a") as pins:
        pins.write("surprise==1.0\n")
    pip.calls.clear()
    dev.prepare(dev=False)
    assert pip.calls[-1] == ["-e", ".[dev]"], "what was there stays"
    assert mine.exists()


def test_a_changed_linter_setting_installs_nothing(dev: ModuleType, pip: Pip) -> None:
    dev.prepare(dev=True)
    project = dev.ROOT / "pyproject.toml"
    project.write_text(project.read_text().replace("line-length = 110", "line-length = 100"))
    pip.calls.clear()
    dev.prepare(dev=True)
    assert pip.calls == []


def test_after_an_interrupted_installation_the_environment_is_made_anew(dev: ModuleType, pip: Pip) -> None:
    pip.fails = True
    with pytest.raises(dev.SetupError, match="could not be installed"):
        dev.prepare(dev=False)
    debris = dev.ROOT / ".venv" / "half-installed"
    debris.touch()
    pip.fails = False
    dev.prepare(dev=False)
    assert not debris.exists()
    assert dev.read_stamp(dev.ROOT / ".venv")["complete"] is True


@pytest.mark.parametrize("stamp", ["{", "[]", '{"complete": true, "python": "3.9"}'])
def test_a_stamp_that_does_not_fit_means_installing(dev: ModuleType, pip: Pip, stamp: str) -> None:
    dev.prepare(dev=False)
    (dev.ROOT / ".venv" / dev.STAMP).write_text(stamp)
    pip.calls.clear()
    dev.prepare(dev=False)
    assert len(pip.calls) == 2


def test_a_moved_repository_is_noticed(dev: ModuleType, pip: Pip, monkeypatch: pytest.MonkeyPatch) -> None:
    dev.prepare(dev=False)
    moved = dev.ROOT.with_name("moved")
    dev.ROOT.rename(moved)
    monkeypatch.setattr(dev, "ROOT", moved)
    found, wanted = dev.read_stamp(moved / ".venv"), dev.wanted_stamp(moved, False)
    assert dev.must_be_remade(moved / ".venv" / "bin" / "python", found, wanted)


def test_a_python_without_venv_gets_a_sentence(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(dev.SetupError, match="apt-get install python3-venv"):
        dev.make_environment(tmp_path / ".venv")
    assert not (tmp_path / ".venv").exists()


def test_missing_libraries_become_packages_of_each_distribution(dev: ModuleType) -> None:
    packages = dev.packages_for(["libEGL.so.1", "libxcb-cursor.so.0", "libunheard.so.9"], fonts=True)
    assert packages == (
        ["fonts-dejavu-core", "libegl1", "libxcb-cursor0"],
        ["dejavu-sans-fonts", "libglvnd-egl", "xcb-util-cursor"],
        ["libglvnd", "ttf-dejavu", "xcb-util-cursor"],
    )
    advice = dev.qt_advice(["libEGL.so.1"], packages)
    assert "libEGL.so.1" in advice
    assert "sudo apt-get install fonts-dejavu-core libegl1 libxcb-cursor0" in advice


@pytest.mark.skipif(sys.platform != "linux", reason="ldd")
def test_the_dynamic_linker_is_asked_what_is_missing(dev: ModuleType, tmp_path: Path) -> None:
    ldd = tmp_path / "bin" / "ldd"
    ldd.parent.mkdir()
    ldd.write_text("#!/bin/sh\nprintf '\\tlibEGL.so.1 => not found\\n\\tlibc.so.6 => /lib/libc.so.6\\n'\n")
    ldd.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{ldd.parent}{os.pathsep}{os.environ['PATH']}")
        assert dev.missing_libraries(tmp_path) == ["libEGL.so.1"]


@pytest.mark.parametrize("part", ["libqxcb.so", "QtWidgets.abi3.so"])
def test_who_may_not_install_is_told_what_to_install(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], part: str
) -> None:
    """What only a window on a screen needs is a warning; what every window needs ends the command."""
    lacking = {part: ["libxcb-cursor.so.0"]}

    def missing(qt: Path, parts: tuple[str, ...] = dev.QT_PARTS) -> list[str]:
        return [name for file in parts for name in lacking.get(Path(file).name, [])]

    monkeypatch.setattr(dev, "missing_libraries", missing)
    monkeypatch.setattr(dev, "has_fonts", lambda: True)
    monkeypatch.setattr(dev.os, "geteuid", lambda: 1000, raising=False)
    if part == "libqxcb.so":
        assert dev.provide_system_libraries(Path("qt")) is False
        assert "sudo apt-get install libxcb-cursor0" in capfd.readouterr().err
    else:
        with pytest.raises(dev.SetupError, match="sudo dnf install xcb-util-cursor"):
            dev.provide_system_libraries(Path("qt"))


def test_root_on_debian_gets_them_installed(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []

    def call(command: list[str], **options: Any) -> int:
        called.append(command)
        return 0

    monkeypatch.setattr(dev, "missing_libraries", lambda qt, parts=(): [] if called else ["libEGL.so.1"])
    monkeypatch.setattr(dev, "has_fonts", lambda: bool(called))
    monkeypatch.setattr(dev.os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(dev.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(dev.subprocess, "call", call)
    assert dev.provide_system_libraries(Path("qt")) is True
    assert [command[1] for command in called] == ["update", "install"]
    assert called[1][-2:] == ["fonts-dejavu-core", "libegl1"]


def test_every_check_runs_without_arguments_and_pytest_alone_with_them(dev: ModuleType) -> None:
    python = Path("/e/bin/python")
    everything = [name for name, _ in dev.checks(python, [], lint_only=False)]
    assert everything == ["ruff check", "ruff format", "mypy", "lint-imports", "pytest", "end to end"]
    (name, command), *rest = dev.checks(python, ["-k", "queue"], lint_only=False)
    assert (name, command[-3:], rest) == ("pytest", ["pytest", "-k", "queue"], [])
    assert [name for name, _ in dev.checks(python, [], lint_only=True)] == everything[:-2]


def test_all_checks_run_to_the_end_and_one_failure_is_a_failure(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = {"first": "import sys; sys.exit(3)", "second": "print('ran')"}
    played = [(name, [sys.executable, "-c", code]) for name, code in outcome.items()]
    monkeypatch.setattr(dev, "checks", lambda *arguments, **options: played)
    assert dev.run_checks(Path(sys.executable), [], lint_only=False) == 1
    printed = capfd.readouterr().out
    assert "ran" in printed
    summary = printed.split("summary")[1].split()
    assert summary.count("FAILED") == 1
    assert summary.count("passed") == 1
    monkeypatch.setattr(dev, "checks", lambda *arguments, **options: played[1:])
    assert dev.run_checks(Path(sys.executable), [], lint_only=False) == 0


def test_the_command_line(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(dev, "prepare", lambda dev: Path("/e/bin/python"))
    monkeypatch.setattr(dev, "become", lambda command: became.append(command) or 0)  # type: ignore[func-returns-value]
    monkeypatch.setattr(dev.os, "chdir", lambda folder: None)
    assert dev.main(["run", "--", "project.dpo", "--tour"]) == 0
    assert dev.main(["bench", "live_plot", "--", "--quick"]) == 0
    assert became == [
        ["/e/bin/python", "-P", "-m", "app", "project.dpo", "--tour"],
        ["/e/bin/python", "-m", "tests.benchmarks.live_plot", "--quick"],
    ]
    for wrong in (["run", "project.dpo"], ["bench"], ["dance"]):
        with pytest.raises(SystemExit) as ended:
            dev.main(wrong)
        assert ended.value.code == 2


def test_the_stamp_is_whole_or_absent(dev: ModuleType, tmp_path: Path) -> None:
    dev.write_stamp(tmp_path, {"complete": True})
    assert json.loads((tmp_path / dev.STAMP).read_text()) == {"complete": True}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("dpo")] == [dev.STAMP]
