"""constraints.txt is the whole closure of pyproject.toml, exactly pinned, and what these tests run with."""

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]


def pins() -> dict[str, str]:
    lines = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line) for line in wanted)
    found: dict[str, str] = {}
    for name, version in (line.split("==") for line in wanted):
        found[canonicalize_name(name)] = version
    assert len(found) == len(wanted), "a package is pinned twice"
    return found


def asked() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["dev"]]


def needed_by(requirements: list[Requirement]) -> Iterator[tuple[str, str]]:
    """Name and installed version of everything that these requirements bring along on this machine."""
    waiting: list[tuple[Requirement, tuple[str, ...]]] = [(each, ("",)) for each in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement, extras = waiting.pop()
        marker = requirement.marker
        if marker is not None and not any(marker.evaluate({"extra": extra}) for extra in extras):
            continue
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        installed = distribution(requirement.name)
        yield key[0], installed.version
        inner = [Requirement(line) for line in installed.requires or []]
        waiting.extend((each, ("", *requirement.extras)) for each in inner)


def test_what_the_project_asks_for_is_pinned_within_its_range() -> None:
    pinned = pins()
    for requirement in asked():
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} does not admit {version}"


def test_nothing_is_left_to_chance() -> None:
    """Whatever an installation brings along has a pin (of CUDA packages, torch pins its own)."""
    brought = {name for name, _ in needed_by(asked()) if not name.startswith(("nvidia-", "cuda-", "triton"))}
    assert not brought - set(pins())
    assert len(brought) > 50


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="not the environment that dev.py makes")
def test_these_tests_run_with_the_pinned_versions() -> None:
    different = []
    for name, pin in pins().items():
        try:
            installed = Version(distribution(name).version).public
        except PackageNotFoundError:
            continue  # a package of another platform
        if Version(installed) != Version(pin):
            different.append(f"{name} {installed} instead of {pin}")
    assert not different
