"""Hostile rows and files that look for new ways through the import.

    python -m tests.benchmarks.import_guided [100000] [NAME…]

As `import_fuzz`, but each input is made from those that reached new code (atheris, a coverage-guided fuzzer;
needs the extra `fuzz`, which exists for Linux and macOS). NAME is `rows` (JSON through the reader of every
format) or the ending of a file, which goes through look and import into a project. Ends with the input that
crashed, was imported by half or took over 2 s; `--only NAME FILE` tries that input again.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

LIMIT_SECONDS = 2
LONGEST = 4096
"""Bytes of an input."""
_FRESH_AFTER = 300
"""Files into one project."""
ROWS = "rows"
KINDS = (ROWS, "jsonl", "json", "csv", "txt", "jsonl.gz", "parquet", "arrow")


def main(number: int, names: Sequence[str]) -> None:
    for name in names or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            seeds = Path(folder) / "seeds"
            seeds.mkdir()
            _write_seeds(name, seeds)
            options = [f"-runs={number}", f"-max_len={LONGEST}", f"-timeout={LIMIT_SECONDS}"]
            options += [f"-artifact_prefix={Path.cwd()}/{name}-", "-print_final_stats=1"]
            command = [sys.executable, "-m", __spec__.name, "--only", name, str(seeds), *options]
            ended = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
        if ended.returncode:
            raise SystemExit(ended.stderr[-6_000:])
        print(f"{name:10} {_said(ended.stderr)}", flush=True)


def _said(log: str) -> str:
    """How much code the inputs reached, as the last line of the fuzzer's log tells."""
    done = re.findall(r"^#\d+\t.*", log, re.MULTILINE)[-1].split()
    figures = dict(zip(done[2::2], done[3::2], strict=False))
    return (
        f"{int(done[0][1:]):>9,} inputs, {figures['cov:']} branches reached, "
        f"{figures['corp:'].split('/')[0]} inputs kept for reaching something new"
    )


def _write_seeds(name: str, folder: Path) -> None:
    from tests.store.exchange import samples
    from tests.store.exchange.fuzzing import as_file

    for key, rows in samples.BY_FORMAT.items():
        for number, row in enumerate(rows[:4]):
            content = json.dumps(row).encode() if name == ROWS else as_file(name, [row])
            (folder / f"{key}-{number}").write_bytes(content[:LONGEST])


def fuzz(name: str, arguments: Sequence[str]) -> None:
    """Does not return: the fuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["app.store.exchange"]):
        from tests.store.exchange import fuzzing  # noqa: F401 (seen by the fuzzer as it is imported)
    with tempfile.TemporaryDirectory() as folder:
        atheris.Setup([sys.argv[0], *arguments], _row if name == ROWS else _Files(name, Path(folder)))
        atheris.Fuzz()


def _row(data: bytes) -> None:
    from app.store.exchange.file_rows import RowFault
    from app.store.exchange.json_rows import json_value
    from tests.store.exchange.fuzzing import READERS, recognised, try_readers

    value = json_value(data)
    if not isinstance(value, RowFault):
        recognised([value])
        try_readers(value, READERS)


class _Files:
    """Each input is a file of one kind."""

    def __init__(self, ending: str, folder: Path) -> None:
        from app.store.exchange import importing

        importing.back_up = lambda *_, **__: None  # type: ignore[assignment]  # measured and tested elsewhere
        self._path = folder / f"rows.{ending}"
        self._done = 0
        self._close: Callable[[], None] = lambda: None

    def __call__(self, data: bytes) -> None:
        from tests.store.exchange.fuzzing import try_content

        if self._done % _FRESH_AFTER == 0:
            self._begin()
        self._done += 1
        try_content(self._project, self._path, data, Random(self._done))

    def _begin(self) -> None:
        from app.store.project import create_project

        self._close()
        path = self._path.with_name(f"{self._done}.dpo")
        self._project = create_project(path, with_starter_prompts=False)
        self._project.db.execute("PRAGMA synchronous = OFF")  # no power is cut here

        def close() -> None:
            self._project.close()
            for left in path.parent.glob(f"{path.name}*"):
                left.unlink()

        self._close = close


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--only", name, *arguments]:
            fuzz(name, arguments)
        case [number, *names] if number.isdecimal():
            main(int(number), names)
        case names:
            main(100_000, names)
