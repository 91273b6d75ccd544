"""Files are read row by row with bounded sizes, and what is wrong in them has its line."""

import gzip
import json
import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow
import pytest
from pyarrow import parquet

from app.store.errors import BadValue, Cancelled
from app.store.exchange.file_rows import MAX_LINE_BYTES, RowFault
from app.store.exchange.preview import look
from app.store.exchange.sources import rows_of_file, source_at, source_on_hub
from dpo_engine.fetching.child import Child, Told
from tests.helpers.stand_in_hub import StandInHub

_ROWS: list[dict[str, Any]] = [{"prompt": "a"}, {"prompt": "b\u2028c\n"}, {"prompt": "ü"}]


def _write_arrow(path: Path) -> None:
    from datasets import Dataset

    path.mkdir()
    Dataset.from_list(_ROWS).save_to_disk(path)


_WRITERS: dict[str, Callable[[Path], object]] = {
    "rows.jsonl": lambda path: path.write_text("\n".join(json.dumps(row) for row in _ROWS)),
    "rows.jsonl.gz": lambda path: path.write_bytes(
        gzip.compress("\n".join(json.dumps(row) for row in _ROWS).encode())
    ),
    "rows.json": lambda path: path.write_text(json.dumps(_ROWS, ensure_ascii=False, indent=1)),
    "rows.csv": lambda path: path.write_text('prompt\na\n"b\u2028c\n"\nü\n', newline=""),
    "rows.tsv": lambda path: path.write_text('\ufeffprompt\tx\na\t\n"b\u2028c\n"\t\nü\t\n', newline=""),
    "utf16.csv": lambda path: path.write_text('prompt\na\n"b\u2028c\n"\nü\n', newline="", encoding="utf-16"),
    "rows.parquet": lambda path: parquet.write_table(pyarrow.Table.from_pylist(_ROWS), path),
    "folder": _write_arrow,
}


@pytest.mark.parametrize("name", _WRITERS)
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    _WRITERS[name](tmp_path / name)
    found = [row.value["prompt"] for _, row, _ in source_at(tmp_path / name).rows()]
    assert found == [row["prompt"] for row in _ROWS]


def test_the_share_read_rises_to_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f'{{"prompt":"{"x" * 400} {n}"}}\n' for n in range(9_000)))
    shares = [share for _, _, share in source_at(path).rows()]
    assert shares == sorted(shares)
    assert shares[0] < 0.5
    assert shares[-1] > 0.85


def test_a_json_array_is_read_in_pieces(tmp_path: Path) -> None:
    rows = [{"prompt": f"{number} " + "é" * (number * 37 % 5_000)} for number in range(2_000)]
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows, ensure_ascii=False))
    assert path.stat().st_size > 3 * 2**20
    assert [row.value for row in rows_of_file(path)] == rows


@pytest.mark.parametrize("text", ["[1, 2", '[{"a": }]', '[{"a": NaN}]', '[{"a": 1} {"b"', "[" * 100_000])
def test_a_broken_json_array_says_where(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(text)
    with pytest.raises(BadValue, match="cannot be read after row"):
        list(rows_of_file(path))


def test_a_line_that_is_too_long_is_refused_and_the_next_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as file:
        file.write(b'{"prompt":"a"}\n{"prompt":"')
        for _ in range(40):
            file.write(b"x" * 2**20)
        file.write(b'"}\n{"prompt":"b"}\n')
    first, second, third = rows_of_file(path)
    assert isinstance(second.value, RowFault)
    assert "longer than 16 MiB" in second.value.reason
    assert (first.value, third.value, third.line) == ({"prompt": "a"}, {"prompt": "b"}, 3)


def test_bad_lines_do_not_hide_good_ones(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"prompt": \n\xff\xfe\n\n{"prompt":"a"}\n{"prompt":"\\ud800"}\n')
    rows = list(rows_of_file(path))
    assert [row.line for row in rows] == [1, 2, 4, 5]
    assert [isinstance(row.value, RowFault) for row in rows] == [True, True, False, True]


def test_csv_cells_that_do_not_fit_their_header_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("prompt,chosen\na,b\nonly one\nc,d\n")
    rows = list(rows_of_file(path))
    assert [row.line for row in rows] == [2, 3, 4]
    assert isinstance(rows[1].value, RowFault)
    assert "1 cells where the first line has 2" in rows[1].value.reason


def test_a_csv_with_an_open_quotation_mark_does_not_swallow_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('prompt\n"' + ("x" * 1_000 + "\n") * (MAX_LINE_BYTES // 1_000 + 10))
    with pytest.raises(BadValue, match="quotation mark"):
        list(rows_of_file(path))


def test_a_csv_cell_may_be_long(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f'prompt\n"{"long, " * 100_000}"\n')
    (row,) = rows_of_file(path)
    assert len(row.value["prompt"]) == 600_000


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow", "rows.jsonl.gz"])
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"something else altogether" * 10)
    with pytest.raises(BadValue, match="damaged or of another kind"):
        list(rows_of_file(tmp_path / name))


@pytest.mark.parametrize("ends", [(0, 1, -5, 3), (0, 1, 2_000_000, 3), (0, 2, 1, 3)])
def test_arrow_texts_that_lie_outside_of_the_file_are_refused(tmp_path: Path, ends: tuple[int, ...]) -> None:
    places = pyarrow.py_buffer(struct.pack("<4i", *ends))
    texts = pyarrow.StringArray.from_buffers(3, places, pyarrow.py_buffer(b"abc"))
    path = tmp_path / "rows.arrow"
    batch = pyarrow.record_batch([texts], names=["prompt"])
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    values = [row.value for _, row, _ in source_at(path).rows()]
    assert len(values) == 3
    assert any(isinstance(value, RowFault) and "damaged" in value.reason for value in values)
    assert {"prompt": "a"} in values or {"prompt": "ab"} in values


def test_only_the_rows_that_are_no_text_are_refused(tmp_path: Path) -> None:
    texts = pyarrow.array([b"good", b"\xff\xfe", b"too"]).cast(pyarrow.string(), safe=False)
    parquet.write_table(pyarrow.table({"prompt": texts}), tmp_path / "rows.parquet")
    values = [row.value for _, row, _ in source_at(tmp_path / "rows.parquet").rows()]
    assert [values[0], values[2]] == [{"prompt": "good"}, {"prompt": "too"}]
    assert isinstance(values[1], RowFault)


def test_unknown_missing_and_empty(tmp_path: Path) -> None:
    (tmp_path / "notes.docx").write_text("x")
    (tmp_path / "empty.jsonl").write_text("\n\n")
    (tmp_path / "folder").mkdir()
    for name, reason in (
        ("notes.docx", "unknown kind"),
        ("nothing.jsonl", "no file"),
        ("empty.jsonl", "is empty"),
        ("folder", "no files that can be imported"),
    ):
        with pytest.raises(BadValue, match=reason):
            look(tmp_path / name)


def test_a_look_at_long_rows_is_a_look_at_fewer(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("w") as file:
        for number in range(60):
            file.write(json.dumps({"prompt": f"{number}" + "x" * 900_000}) + "\n")
    preview = look(path)
    assert 30 < len(preview.rows) < 45
    assert not preview.complete
    (tmp_path / "few.jsonl").write_text('{"prompt":"a"}\n{"prompt":"b"}\n')
    assert look(tmp_path / "few.jsonl").complete


def test_what_breaks_after_the_first_rows_is_said_with_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"prompt":"a"},{"prompt":')
    preview = look(path)
    assert [row.entry is not None for row in preview.rows] == [True]
    assert "after row 1" in preview.problems[0]


def test_files_of_a_folder_say_which_split_they_are(tmp_path: Path) -> None:
    for name in ("train.jsonl", "test-00000-of-00001.jsonl", "notes.txt", "dataset_info.json"):
        (tmp_path / name).write_text('{"prompt":"a"}\n')
    files = source_at(tmp_path).files
    assert [(file.name, file.split) for file in files] == [
        ("test-00000-of-00001.jsonl", "held_out"),
        ("train.jsonl", "train"),
    ]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """With a data set of two splits."""
    train = b'{"prompt":"a"}\n{"prompt":"b"}\n' + b'{"prompt":"more"}\n' * 5_000
    files = {"train.jsonl": train, "test.jsonl": b'{"prompt":"c"}\n'}
    with StandInHub({"someone/things": files}, kind="datasets") as running:
        running.settle(monkeypatch, str(tmp_path / "hf"))
        yield running


def test_a_data_set_by_id_is_loaded_through_datasets(hub: StandInHub) -> None:
    source = source_on_hub("someone/things", token="hf_mine")  # noqa: S106 (none)
    found = [(file.split, row.value["prompt"]) for file, row, _ in source.rows()]
    assert found[:2] == [("train", "a"), ("train", "b")] and found[-1] == ("held_out", "c")
    assert len(found) == 5_003
    said = {one.get("authorization", "nothing") for one in hub.headers}
    assert said <= {"Bearer hf_mine", "nothing"} and "Bearer hf_mine" in said


def test_a_fetch_that_hangs_is_ended_and_nothing_of_it_is_taken_for_whole(hub: StandInHub) -> None:
    hub.hangs_after["train.jsonl"] = 2_000
    started: list[Child] = []

    def start(task: Told) -> Child:
        started.append(Child("app.store.exchange.hub_child", task))
        return started[0]

    began = time.monotonic()
    with pytest.raises(Cancelled, match=r"Fetching someone/things was ended\. Nothing was changed\."):
        source_on_hub("someone/things", cancelled=hub.hanging.is_set, start=start)
    assert time.monotonic() - began < 30
    with pytest.raises(ProcessLookupError):
        os.kill(started[0].pid, 0)
    hub.hangs_after.clear()
    assert sum(1 for _ in source_on_hub("someone/things").rows()) == 5_003


class Saying:
    """A child that has said something already."""

    def __init__(self, *told: Told) -> None:
        self.told = told

    def __enter__(self) -> "Saying":
        return self

    def __exit__(self, *_raised: object) -> None:
        pass

    def news(self) -> Iterator[Told | None]:
        yield from self.told


def test_a_fetch_that_fails_does_not_tell_the_token() -> None:
    said = Saying(
        {"done": 7, "total": 0}, {"failed": "RuntimeError", "code": "", "words": "401 for Bearer hf_x"}
    )
    bytes_: list[int] = []
    with pytest.raises(BadValue, match="401 for Bearer …") as raised:
        source_on_hub(
            "someone/things",
            token="hf_x",  # noqa: S106 (none)
            on_bytes=bytes_.append,
            start=lambda _task: cast(Child, said),
        )
    assert raised.value.__cause__ is None and raised.value.__context__ is None and bytes_ == [7]


def test_a_fetch_that_ends_without_a_word_is_said() -> None:
    with pytest.raises(BadValue, match="it ended early"):
        source_on_hub("someone/things", start=lambda _task: cast(Child, Saying()))


def test_what_is_no_id_is_not_asked_for() -> None:
    with pytest.raises(BadValue, match="no data set of the hub"):
        source_on_hub("https://example.org/x?y")
