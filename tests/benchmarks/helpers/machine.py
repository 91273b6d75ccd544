"""One line that says what was measured on, to stand above every table."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata

PACKAGES = ("torch", "transformers")


def described(device_name: str, *, threads: int | None = None, packages: Sequence[str] = PACKAGES) -> str:
    """Date, device, cores, and the versions of what the figures depend on; absent packages are left out."""
    day = datetime.now(UTC).date().isoformat()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    used = f", {threads} threads" if threads else ""
    versions = ", ".join(f"{name} {version}" for name in packages if (version := _version(name)))
    return f"{day}, {device_name}, {cores} cores{used}, Python {platform.python_version()}, {versions}"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
