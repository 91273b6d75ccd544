"""Two commands for a fresh machine, with nothing but Python: open the app, and run every check.

    python3 packaging/dev.py run  [-- ARGS]        open the app (python -m app ARGS)
    python3 packaging/dev.py test [-- ARGS]        lint, then all tests; with ARGS pytest alone, with them
    python3 packaging/dev.py lint                  ruff, mypy and the layer rules alone
    python3 packaging/dev.py bench NAME [-- ARGS]  one measurement of tests/benchmarks

The first call makes `.venv` in the repository with the exact versions of constraints.txt (minutes, and
2 GB); later calls start at once until pyproject.toml, constraints.txt or the Python change. pip's own
settings (index, find-links, proxy, cache) are honoured. Standard library only; it must still parse on an
old Python, so that such a Python gets a sentence and not a syntax error.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = Path("packaging", "constraints.txt")
OLDEST_PYTHON = (3, 11)
STAMP = "dpo-studio-installed.json"

# Shared libraries that Qt loads from the system, and the package that brings each: Debian, Fedora, Arch.
SYSTEM_LIBRARIES = {
    "libEGL.so.1": ("libegl1", "libglvnd-egl", "libglvnd"),
    "libGL.so.1": ("libgl1", "libglvnd-glx", "libglvnd"),
    "libGLX.so.0": ("libglx0", "libglvnd-glx", "libglvnd"),
    "libX11-xcb.so.1": ("libx11-xcb1", "libX11-xcb", "libx11"),
    "libX11.so.6": ("libx11-6", "libX11", "libx11"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs", "dbus"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig", "fontconfig"),
    "libfreetype.so.6": ("libfreetype6", "freetype", "freetype2"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2", "glib2"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2", "glib2"),
    "libwayland-client.so.0": ("libwayland-client0", "libwayland-client", "wayland"),
    "libwayland-cursor.so.0": ("libwayland-cursor0", "libwayland-cursor", "wayland"),
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image", "xcb-util-image"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    "libxcb-randr.so.0": ("libxcb-randr0", "libxcb", "libxcb"),
    "libxcb-render-util.so.0": ("libxcb-render-util0", "xcb-util-renderutil", "xcb-util-renderutil"),
    "libxcb-render.so.0": ("libxcb-render0", "libxcb", "libxcb"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb", "libxcb"),
    "libxcb-shm.so.0": ("libxcb-shm0", "libxcb", "libxcb"),
    "libxcb-sync.so.1": ("libxcb-sync1", "libxcb", "libxcb"),
    "libxcb-util.so.1": ("libxcb-util1", "xcb-util", "xcb-util"),
    "libxcb-xfixes.so.0": ("libxcb-xfixes0", "libxcb", "libxcb"),
    "libxcb-xkb.so.1": ("libxcb-xkb1", "libxcb", "libxcb"),
    "libxcb.so.1": ("libxcb1", "libxcb", "libxcb"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon", "libxkbcommon"),
}
# What each way of showing a window needs; the first is needed even where there is no screen.
QT_PARTS = ("QtWidgets.abi3.so", "Qt/plugins/platforms/libqoffscreen.so", "Qt/plugins/platforms/libqxcb.so")
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
FONT_PACKAGES = ("fonts-dejavu-core", "dejavu-sans-fonts", "ttf-dejavu")
INSTALLERS = ("sudo apt-get install", "sudo dnf install", "sudo pacman -S")


class SetupError(Exception):
    """Ends the command; its text is a sentence for the person in front of it."""


def main(arguments: list[str]) -> int:
    ours, _, passed_on = _split(arguments)
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__, formatter_class=_Verbatim)
    parser.add_argument("command", choices=("run", "test", "lint", "bench"))
    parser.add_argument("name", nargs="?", help="which measurement (for bench)")
    options = parser.parse_args(ours)
    if (options.command == "bench") != (options.name is not None):
        parser.error("bench takes the name of a measurement; put arguments for others after --")
    try:
        require_python(sys.version_info[:3])
        python = prepare(dev=options.command != "run")
        if options.command == "run":
            return become([str(python), "-P", "-m", "app", *passed_on])
        if options.command == "bench":
            os.chdir(ROOT)
            return become([str(python), "-m", f"tests.benchmarks.{options.name}", *passed_on])
        return run_checks(python, passed_on, lint_only=options.command == "lint")
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


class _Verbatim(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of this file's docstring."""


def _split(arguments: list[str]) -> tuple[list[str], list[str], list[str]]:
    """What stands before `--`, the `--` itself, and what is passed on."""
    where = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:where], arguments[where : where + 1], arguments[where + 1 :]


def require_python(version: tuple[int, ...]) -> None:
    if version < OLDEST_PYTHON:
        have, need = (".".join(map(str, parts)) for parts in (version, OLDEST_PYTHON))
        raise SetupError(
            f"This is Python {have}; DPO Studio needs {need} or newer. Nothing was changed. "
            f"Install a newer one and call this file with it, for example: python{need} packaging/dev.py run"
        )


# --- the environment -----------------------------------------------------------------------------------


def prepare(dev: bool) -> Path:
    """Make or update `.venv` if it is not as it should be; returns its Python."""
    environment = ROOT / ".venv"
    python = python_of(environment)
    wanted, found = wanted_stamp(ROOT, dev), read_stamp(environment)
    if not python.exists() or not up_to_date(found, wanted):
        began = time.monotonic()
        if must_be_remade(python, found, wanted):
            make_environment(environment)
        wanted["dev"] = dev or bool(found.get("dev"))
        install(python, environment, wanted)
        print(f"Installed in {time.monotonic() - began:.0f} s.", flush=True)
    if sys.platform == "linux" and not read_stamp(environment).get("qt"):
        packages_folder = subprocess.check_output(
            [str(python), "-c", "import sysconfig; print(sysconfig.get_path('platlib'))"], text=True
        )
        if provide_system_libraries(Path(packages_folder.strip()) / "PySide6"):
            write_stamp(environment, {**read_stamp(environment), "qt": True})
    return python


def python_of(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def wanted_stamp(root: Path, dev: bool) -> dict[str, object]:
    """What `.venv` must have been made from. A changed linter setting is not among it."""
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    asked = {key: project.get(key) for key in ("build-system", "project")}
    asked["setuptools"] = project.get("tool", {}).get("setuptools")
    asked["constraints"] = (root / CONSTRAINTS).read_text(encoding="utf-8")
    return {
        "python": f"{platform.python_version()} {platform.machine()}",
        "root": str(root),
        "asked": hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest(),
        "dev": dev,
        "complete": True,
    }


def read_stamp(environment: Path) -> dict[str, object]:
    try:
        stamp = json.loads((environment / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(environment: Path, stamp: dict[str, object]) -> None:
    beside = environment / (STAMP + ".new")
    beside.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    beside.replace(environment / STAMP)


def up_to_date(found: dict[str, object], wanted: dict[str, object]) -> bool:
    same = all(found.get(key) == wanted[key] for key in ("python", "root", "asked", "complete"))
    return same and bool(found.get("dev") or not wanted["dev"])


def must_be_remade(python: Path, found: dict[str, object], wanted: dict[str, object]) -> bool:
    """A half-installed, moved or broken environment, or one of another Python, is made anew."""
    if found and not found.get("complete"):
        return True
    if found and any(found.get(key) != wanted[key] for key in ("python", "root")):
        return True
    return (
        not python.exists()
        or subprocess.call([str(python), "-c", "import pip"], stderr=subprocess.DEVNULL) != 0
    )


def make_environment(environment: Path) -> None:
    print(f"Making {environment} ...", flush=True)
    try:
        import ensurepip  # noqa: F401  (Debian ships venv without it)
        import venv
    except ImportError:
        raise SetupError(
            "This Python comes without its venv module. Nothing was changed. On Debian and Ubuntu: "
            "sudo apt-get install python3-venv; then call this again."
        ) from None
    try:
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(environment)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(
            f"{environment} could not be made: {error}. Delete that folder and call this again."
        ) from error


def install(python: Path, environment: Path, wanted: dict[str, object]) -> None:
    """torch first and alone, at its exact version, so that no range elsewhere can pull in another build."""
    write_stamp(environment, {**wanted, "complete": False})
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-c", str(CONSTRAINTS)]
    project = ".[dev]" if wanted["dev"] else "."
    for asked in ([pinned("torch")], ["-e", project]):
        print(f"Installing {asked[-1]} ...", flush=True)
        if subprocess.call([*pip, *asked], cwd=ROOT) != 0:
            raise SetupError(
                "The packages could not be installed; pip says why above. If it is the network: connect it, "
                "or point PIP_INDEX_URL or PIP_FIND_LINKS to a place that has them. Then call this again: "
                "what was downloaded is not downloaded twice."
            )
    write_stamp(environment, wanted)


def pinned(package: str) -> str:
    pins = (ROOT / CONSTRAINTS).read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(package)}==\S+", pins, re.MULTILINE)
    if found is None:
        raise SetupError(
            f"{CONSTRAINTS} has no exact version of {package}; take the file from the repository again."
        )
    return found.group()


# --- what Qt needs from the system ---------------------------------------------------------------------


def provide_system_libraries(qt: Path) -> bool:
    """Install (Debian, as root) or name what Qt lacks here; False when something is still missing.

    Raises `SetupError` only when not even a window off the screen could be made.
    """
    missing = missing_libraries(qt)
    packages = packages_for(missing, fonts=not has_fonts())
    if not packages[0]:
        return not missing
    apt = shutil.which("apt-get")
    if apt and getattr(os, "geteuid", lambda: 1)() == 0:
        print(f"Installing system libraries for Qt: {' '.join(packages[0])}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.call([apt, "update", "-qq"], env=environment)
        subprocess.call(
            [apt, "install", "-y", "-qq", "--no-install-recommends", *packages[0]], env=environment
        )
        missing = missing_libraries(qt)
        packages = packages_for(missing, fonts=not has_fonts())
    if not packages[0] and not missing:
        return True
    advice = qt_advice(missing, packages)
    if missing_libraries(qt, QT_PARTS[:-1]):
        raise SetupError(advice)
    print(advice, file=sys.stderr, flush=True)
    return False


def missing_libraries(qt: Path, parts: tuple[str, ...] = QT_PARTS) -> list[str]:
    """Names of shared libraries that the dynamic linker does not find for these files of PySide6."""
    ldd = shutil.which("ldd")
    if ldd is None:
        return []
    files = [str(qt / part) for part in parts]
    printed = subprocess.run([ldd, *files], capture_output=True, text=True, check=False).stdout
    return sorted(set(re.findall(r"^\s*(\S+) => not found", printed, re.MULTILINE)))


def packages_for(missing: list[str], *, fonts: bool) -> tuple[list[str], ...]:
    """Package names for Debian, Fedora and Arch; one list each, in that order."""
    rows = [SYSTEM_LIBRARIES[name] for name in missing if name in SYSTEM_LIBRARIES]
    if fonts:
        rows.append(FONT_PACKAGES)
    return tuple(sorted({row[family] for row in rows}) for family in range(3))


def has_fonts() -> bool:
    folders = (Path(folder).expanduser() for folder in FONT_FOLDERS)
    return any(path.suffix in (".ttf", ".otf", ".ttc") for folder in folders for path in folder.rglob("*"))


def qt_advice(missing: list[str], packages: tuple[list[str], ...]) -> str:
    what = ", ".join(missing) if missing else "a font"
    ways = (
        f"  {command} {' '.join(names)}" for command, names in zip(INSTALLERS, packages, strict=True) if names
    )
    return "\n".join((f"Qt needs from the system, and does not find: {what}. Install (one of):", *ways))


# --- commands ------------------------------------------------------------------------------------------


def become(command: list[str]) -> int:
    """Let `command` take this process's place, so that signals and the exit code are its own."""
    if os.name == "nt":
        return subprocess.call(command)
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606
    raise AssertionError("execv does not return")


def run_checks(python: Path, pytest_arguments: list[str], *, lint_only: bool) -> int:
    """All checks to the end, whatever fails; a summary; 0 when all passed."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    results: list[tuple[str, bool, float]] = []
    for name, command in checks(python, pytest_arguments, lint_only=lint_only):
        print(f"\n-- {name} " + "-" * max(3, 74 - len(name)), flush=True)
        began = time.monotonic()
        passed = subprocess.call(command, cwd=ROOT, env=environment) == 0
        results.append((name, passed, time.monotonic() - began))
    print("\n-- summary " + "-" * 67)
    for name, passed, seconds in results:
        print(f"  {'passed' if passed else 'FAILED'}  {name:<14} {seconds:7.1f} s")
    return 0 if all(passed for _, passed, _ in results) else 1


def checks(python: Path, pytest_arguments: list[str], *, lint_only: bool) -> list[tuple[str, list[str]]]:
    """Name and command of each check. Arguments for pytest mean a quick look: then it runs alone."""
    module = [str(python), "-m"]
    layers = python.with_name("lint-imports.exe" if os.name == "nt" else "lint-imports")
    static = [
        ("ruff check", [*module, "ruff", "check", "."]),
        ("ruff format", [*module, "ruff", "format", "--check", "."]),
        ("mypy", [*module, "mypy"]),
        ("lint-imports", [str(layers)]),
    ]
    if lint_only:
        return static
    pytest = [*module, "pytest"]
    if pytest_arguments:
        return [("pytest", [*pytest, *pytest_arguments])]
    # What starts whole engines and kills them keeps two cores busy by itself; the rest runs side by side.
    by_themselves = ["tests/end_to_end", "tests/app/annotate/test_kill.py"]
    beside = [*pytest, "-q", "-n", "2", "--dist", "loadfile", *(f"--ignore={path}" for path in by_themselves)]
    return [*static, ("pytest", beside), ("end to end", [*pytest, "-q", *by_themselves])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
