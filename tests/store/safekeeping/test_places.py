"""Folders that another program synchronises, or that are another computer's."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from app.store.project import Project
from app.store.safekeeping import places


@pytest.mark.parametrize(
    ("folder", "program"),
    [
        ("Dropbox/work", "Dropbox"),
        ("Dropbox (Personal)", "Dropbox"),
        ("OneDrive - Some Company/a/b", "OneDrive"),
        ("Library/Mobile Documents/com~apple~CloudDocs", "iCloud"),
        ("Library/CloudStorage/GoogleDrive-me@example.org/My Drive", "Google Drive"),
        ("Library/CloudStorage/Box-Box", "Box"),
        ("Nextcloud", "Nextcloud"),
        ("My dropbox things", ""),
        ("Documents", ""),
    ],
)
def test_by_the_name_of_a_folder(tmp_path: Path, folder: str, program: str) -> None:
    assert places.cloud_of(tmp_path / folder / "demo.dpo", {}) == program


@pytest.mark.parametrize(
    ("marker", "program"),
    [(".stfolder", "Syncthing"), (".dropbox", "Dropbox"), (".sync_0123.db", "Nextcloud"), ("notes.db", "")],
)
def test_by_what_lies_in_it(tmp_path: Path, marker: str, program: str) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / marker).touch()
    assert places.cloud_of(tmp_path / "a" / "b" / "demo.dpo", {}) == program


def test_by_what_windows_says(tmp_path: Path) -> None:
    given = {"OneDriveCommercial": str(tmp_path / "elsewhere")}
    assert places.cloud_of(tmp_path / "elsewhere" / "demo.dpo", given) == "OneDrive"
    assert places.cloud_of(tmp_path / "demo.dpo", given) == ""


MOUNTS = [
    ("/", "ext4", "rw"),
    ("/mnt", "nfs4", "rw"),
    ("/mnt/usb", "exfat", "rw"),
    ("/home/me/far", "fuse.sshfs", ""),
]


@pytest.mark.parametrize(
    ("path", "far"),
    [
        ("/home/me/a.dpo", False),
        ("/mnt/a.dpo", True),
        ("/mnt/usb/a.dpo", False),
        ("/home/me/far/x/a.dpo", True),
    ],
)
def test_what_is_mounted(path: str, far: bool) -> None:
    assert places.is_network(PurePosixPath(path), MOUNTS) is far


def test_a_drive_of_windows() -> None:
    mounts = [("C:\\", "NTFS", "rw,fixed"), ("Z:\\", "NTFS", "rw,remote")]
    assert places.is_network(PureWindowsPath("Z:\\a.dpo"), mounts, windows=True)
    assert not places.is_network(PureWindowsPath("C:\\a.dpo"), mounts, windows=True)


def test_it_is_told_once_for_each_folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert places.worry_once(project) == ""
    monkeypatch.setattr(places, "on_network", lambda path: True)
    assert "move the project to a folder on this computer" in places.worry_once(project)
    assert places.worry_once(project) == ""
    monkeypatch.setattr(places, "cloud_of", lambda path, environment: "Dropbox")
    project.path = project.path.parent / "moved" / "demo.dpo"
    assert "a folder that Dropbox synchronises" in places.worry_once(project)
