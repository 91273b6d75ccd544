"""Files are read row by row with bounded sizes, and what is wrong in them has its line."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from app.store.errors import BadValue
from app.store.exchange.file_rows import MAX_LINE_BYTES, RowFault
from app.store.exchange.preview import look
from app.store.exchange.sources import rows_of_file, source_at, source_on_hub

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


def test_a_data_set_by_id_is_loaded_through_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "someone" / "things"
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text('{"prompt":"a"}\n{"prompt":"b"}\n')
    (folder / "test.jsonl").write_text('{"prompt":"c"}\n')
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    source = source_on_hub("someone/things")
    found = [(file.split, row.value["prompt"]) for file, row, _ in source.rows()]
    assert found == [("train", "a"), ("train", "b"), ("held_out", "c")]


def test_a_fetch_that_fails_does_not_tell_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, token: str, **__: object) -> None:
        raise RuntimeError(f"401 for Bearer {token}")

    monkeypatch.setattr("datasets.load_dataset", refused)
    with pytest.raises(BadValue, match="401 for Bearer …") as raised:
        source_on_hub("someone/things", token="hf_not_for_any_eye")  # noqa: S106 (none)
    assert raised.value.__cause__ is None


def test_what_is_no_id_is_not_asked_for() -> None:
    with pytest.raises(BadValue, match="no data set of the hub"):
        source_on_hub("https://example.org/x?y")
