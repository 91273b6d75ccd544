"""What `dpo-studio` takes on the command line. Qt-free."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dpo_engine import __version__


@dataclass(frozen=True, kw_only=True)
class Options:
    project: Path | None
    theme: Literal["system", "light", "dark"] | None
    engine: Literal["worker", "thread"] | None
    tour: Path | None
    size: tuple[int, int] | None


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Ends the process with code 2 and a sentence for arguments that cannot be."""
    parser = argparse.ArgumentParser(
        prog="dpo-studio",
        description="Pick the better of two responses, train the model on it, look into every number.",
    )
    parser.add_argument(
        "--project", type=Path, metavar="FILE", help="the .dpo file to open; made when there is none"
    )
    parser.add_argument("--theme", choices=("system", "light", "dark"), help="for this start only")
    parser.add_argument(
        "--engine",
        choices=("worker", "thread"),
        help="where the engine runs: a process of its own (the default) or the app's, for debugging",
    )
    parser.add_argument(
        "--tour",
        type=Path,
        metavar="DIR",
        help="do the whole job in the real window by itself, write numbered pictures to DIR, and exit "
        "with 0 only if every step happened",
    )
    parser.add_argument("--size", type=_size, metavar="WxH", help="size of the window in pixels")
    parser.add_argument("--version", action="version", version=f"DPO Studio {__version__}")
    parsed = parser.parse_args(arguments)
    return Options(
        project=parsed.project,
        theme=parsed.theme,
        engine=parsed.engine,
        tour=parsed.tour,
        size=parsed.size,
    )


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size like 1280x800")
    return int(width), int(height)
