"""Where a project lies: in a folder that is synchronised or on another computer it is not safe.

SQLite relies on locks and on a log beside the file. A synchronising program copies the two at different
moments, and network file systems often only pretend to lock (https://www.sqlite.org/howtocorrupt.html,
sections 1.2 and 2.1).
"""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath

import psutil  # type: ignore[import-untyped]

from app.store.handle import Project
from app.store.settings import get_setting, set_setting

_TOLD = "place_told"
_CLOUD_FOLDERS = {
    "dropbox": "Dropbox",
    "onedrive": "OneDrive",
    "iclouddrive": "iCloud",
    "mobile documents": "iCloud",
    "google drive": "Google Drive",
    "googledrive": "Google Drive",
    "my drive": "Google Drive",
    "nextcloud": "Nextcloud",
    "owncloud": "ownCloud",
    "syncthing": "Syncthing",
    "pclouddrive": "pCloud",
    "pcloud drive": "pCloud",
    "box sync": "Box",
    "megasync": "MEGA",
}
_MARKERS = {
    ".dropbox": "Dropbox",
    ".dropbox.cache": "Dropbox",
    ".stfolder": "Syncthing",
    ".nextcloudsync.log": "Nextcloud",
    ".owncloudsync.log": "ownCloud",
    ".tmp.drivedownload": "Google Drive",
    ".tmp.driveupload": "Google Drive",
}
_CLOUD_VARIABLES = ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")
_NETWORK_TYPES = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "webdav", "davfs", "9p", "ncpfs"),
        *("ceph", "glusterfs", "lustre", "beegfs", "gpfs", "afs", "fuse.sshfs", "fuse.rclone", "fuse.davfs"),
        *(
            "fuse.gvfsd-fuse",
            "fuse.glusterfs",
            "fuse.s3fs",
            "fuse.ceph",
            "fuse.smbnetfs",
            "macfuse",
            "vboxsf",
        ),
    )
)


def worry(path: Path) -> str:
    """What to tell about where the project lies; empty where nothing speaks against it."""
    cloud = cloud_of(path, os.environ)
    if cloud:
        return (
            f"{path.name} lies in a folder that {cloud} synchronises, which can damage it while it is open. "
            f"Close DPO Studio, move the project to a folder outside {cloud}, and open it there."
        )
    if on_network(path):
        return (
            f"{path.name} lies on another computer, where it can be damaged while it is open. Close DPO "
            "Studio, move the project to a folder on this computer, and open it there."
        )
    return ""


def worry_once(project: Project) -> str:
    """What `worry` says, unless it was told of this folder before. Raises `StoreError`."""
    folder = str(project.path.parent)
    sentence = worry(project.path)
    if not sentence or get_setting(project, _TOLD) == folder:
        return ""
    set_setting(project, _TOLD, folder)
    return sentence


def cloud_of(path: Path, environment: Mapping[str, str]) -> str:
    """Which program synchronises the folder of `path`, by the folders' names and what lies in them."""
    for folder in path.absolute().parents:
        name = folder.name.casefold()
        if folder.parent.name == "CloudStorage":  # macOS keeps what its providers synchronise there
            return folder.name.partition("-")[0]
        # "OneDrive - Company", "Dropbox (Personal)"
        known = _CLOUD_FOLDERS.get(name) or _CLOUD_FOLDERS.get(name.split(" - ")[0].split(" (")[0])
        if known:
            return known
        for marker, program in _MARKERS.items():
            if (folder / marker).exists():
                return program
        if any(folder.glob("._sync_*.db")) or any(folder.glob(".sync_*.db")):
            return "Nextcloud"
    given = [Path(environment[name]) for name in _CLOUD_VARIABLES if environment.get(name)]
    return "OneDrive" if any(path.absolute().is_relative_to(folder) for folder in given) else ""


def on_network(path: Path) -> bool:
    """Whether the folder of `path` is another computer's."""
    if str(path.absolute()).startswith(("\\\\", "//")):
        return True
    mounts = ((part.mountpoint, part.fstype, part.opts) for part in psutil.disk_partitions(all=True))
    return is_network(path.absolute(), mounts, windows=sys.platform == "win32")


def is_network(path: PurePath, mounts: Iterable[tuple[str, str, str]], *, windows: bool = False) -> bool:
    """The same, given what is mounted where: folder, type, options; the longest folder counts."""
    best, found = -1, False
    for folder, kind, options in mounts:
        try:
            inside = path.is_relative_to(folder)
        except (TypeError, ValueError):
            continue
        if inside and len(folder) >= best:
            best = len(folder)
            found = kind.casefold() in _NETWORK_TYPES or (windows and "remote" in options.split(","))
    return found
