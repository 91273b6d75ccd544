"""Rows of every known format become pairs or prompts; rows that cannot are refused by name."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from dpo_engine.errors import BadInput
from dpo_engine.pairs import row_files
from dpo_engine.pairs.preference_rows import pair_of_row
from dpo_engine.pairs.row_files import NumberedRow
from dpo_engine.preferences import Message, Pair, RefusedRow, read_pairs, read_prompts, refusal_summary

USER = {"role": "user", "content": "Name a colour."}
RED = {"role": "assistant", "content": "Red."}
TAR = {"role": "assistant", "content": "Tar."}
PROMPT = (Message("user", "Name a colour."),)
HH = "\n\nHuman: Hello\n\nAssistant: Hi, how are you?\n\nHuman: Name a colour.\n\nAssistant:"
HH_PROMPT = (Message("user", "Hello"), Message("assistant", "Hi, how are you?"), *PROMPT)


def jsonl(folder: Path, *rows: Any, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def parsed(row: Any) -> Pair:
    return pair_of_row(NumberedRow(1, row))


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        ({"prompt": "Name a colour.", "chosen": "Red.", "rejected": "Tar."}, PROMPT),
        ({"chosen": "Name a colour. Red.", "rejected": "Name a colour. Tar."}, PROMPT),
        ({"prompt": [USER], "chosen": [RED], "rejected": [TAR]}, PROMPT),
        ({"prompt": "Name a colour.", "chosen": [RED], "rejected": [TAR]}, PROMPT),
        ({"chosen": [USER, RED], "rejected": [USER, TAR]}, PROMPT),
        (
            {"prompt": "Name a colour.", "chosen": [USER, RED], "rejected": [USER, TAR], "score_chosen": 9.0},
            PROMPT,
        ),
        ({"chosen": HH + " Red.", "rejected": HH + " Tar."}, HH_PROMPT),
        ({"prompt": HH, "chosen": " Red.", "rejected": " Tar."}, HH_PROMPT),
        ({"instruction": "Name a colour.", "chosen_response": "Red.", "rejected_response": "Tar."}, PROMPT),
        (
            {
                "instruction": "Name a colour.",
                "completions": [
                    {"response": "Tar.", "overall_score": 2.0},
                    {"response": "Reddish.", "overall_score": 5.5},
                    {"response": "Red.", "overall_score": 8.0},
                ],
            },
            PROMPT,
        ),
    ],
    ids=[
        "standard explicit",
        "standard implicit",
        "conversational explicit",
        "text prompt, message responses",
        "conversational implicit",
        "ultrafeedback binarized",
        "hh-rlhf",
        "hh-rlhf with its prompt apart",
        "ultrafeedback cleaned",
        "ultrafeedback with scores",
    ],
)
def test_known_formats(row: dict[str, Any], prompt: tuple[Message, ...]) -> None:
    assert parsed(row) == Pair(id="row-1", prompt=prompt, chosen="Red.", rejected="Tar.")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "?", "chosen": "a"}, "no rejected"),
        ({"prompt": "?", "chosen": "a", "rejected": None}, "no rejected"),
        ({"prompt": "?", "chosen": "a", "rejected": "a"}, "the same"),
        ({"prompt": "?", "chosen": " \n", "rejected": "a"}, "chosen response is empty"),
        ({"prompt": 3, "chosen": "a", "rejected": "b"}, "neither a text nor a list"),
        ({"prompt": "?", "chosen": "a", "rejected": [TAR]}, "both"),
        ({"chosen": "Yes", "rejected": "No"}, "share no beginning"),
        (
            {"chosen": [USER, RED], "rejected": [{**USER, "content": "Else?"}, TAR]},
            "do not share their prompt",
        ),
        ({"chosen": [RED], "rejected": [TAR]}, "does not end with a user"),
        ({"chosen": [USER], "rejected": [USER]}, "end with an assistant"),
        ({"chosen": [{"role": "tool", "content": ""}], "rejected": [TAR]}, "role 'tool'"),
        ({"chosen": [{"role": [], "content": ""}], "rejected": [TAR]}, "role '\\[\\]'"),
        ({"chosen": [{"role": "user", "content": 1}], "rejected": [TAR]}, "without text"),
        ({"chosen": HH + " Red.", "rejected": HH}, "rejected response is empty"),
        ({"chosen": HH + " Red.", "rejected": "\n\nHuman: Bye\n\nAssistant: x"}, "do not share"),
        ({"instruction": "?", "completions": [{"response": "a", "overall_score": 1}]}, "fewer than two"),
        ([], "no object"),
        ("text", "no object"),
        ({"prompt": "?", "chosen": "a" * 1_000_001, "rejected": "b"}, "the limit is"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason(row: Any, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        parsed(row)


def test_id_split_and_strength_are_taken_where_they_are_valid() -> None:
    row = {"prompt": "?", "chosen": "a", "rejected": "b", "id": 7, "split": "held_out", "strength": 3}
    assert parsed(row) == Pair(
        id="7", prompt=(Message("user", "?"),), chosen="a", rejected="b", split="held_out", strength=3
    )
    odd = parsed(row | {"id": "", "split": "everything", "strength": 9})
    assert (odd.id, odd.split, odd.strength) == ("row-1", "train", 1)
    assert parsed(row | {"strength": True, "id": True}).strength == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
COLUMNS = st.sampled_from(
    ["prompt", "chosen", "rejected", "completions", "instruction", "id", "role", "content"]
)


@given(
    st.dictionaries(COLUMNS, JSON | st.lists(st.dictionaries(COLUMNS, JSON, max_size=3), max_size=3)) | JSON
)
def test_no_row_brings_the_reader_down(row: Any) -> None:
    try:
        pair = parsed(row)
    except BadInput:
        return
    assert pair.prompt[-1].role == "user" and pair.chosen != pair.rejected


def test_a_file_goes_on_after_bad_rows_and_names_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = json.dumps({"prompt": "?", "chosen": "ä", "rejected": "b"})
    path.write_bytes(
        b"\xef\xbb\xbf" + good.encode() + b"\n\n{torn\n" + good.encode() + b"\n\xff\n[1]\n" + good.encode()
    )
    file = read_pairs(path)
    assert [pair.id for pair in file.pairs] == ["row-1", "row-4", "row-7"]
    assert [row.line for row in file.refused] == [3, 5, 6]
    summary = refusal_summary(file.refused, named=2)
    assert (
        summary.startswith("3 rows were left out. Line 3: It is not valid JSON") and "And 1 more." in summary
    )
    with pytest.raises(BadInput, match=r"^Line 3: It is not valid JSON"):
        read_pairs(path, strict=True)


def test_repeated_ids_are_told_apart(tmp_path: Path) -> None:
    row = {"id": "a", "prompt": "?", "chosen": "a", "rejected": "b"}
    path = jsonl(tmp_path, row, row | {"id": "a#2"}, row)
    assert [pair.id for pair in read_pairs(path).pairs] == ["a", "a#2", "a#3"]


def test_json_and_parquet_hold_the_same_rows(tmp_path: Path) -> None:
    rows = [
        {"prompt": [USER], "chosen": [RED], "rejected": [TAR], "split": "held_out"},
        {"prompt": [USER], "chosen": [RED], "rejected": [RED], "split": "train"},
        {"prompt": [USER], "chosen": [TAR], "rejected": [RED], "split": "train"},
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows, indent=1))
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    from_lines = read_pairs(jsonl(tmp_path, *rows))
    assert len(from_lines.pairs) == 2 and from_lines.refused[0].line == 2
    assert read_pairs(tmp_path / "rows.json") == from_lines
    assert read_pairs(tmp_path / "rows.parquet") == from_lines
    jsonl(tmp_path, *rows, name="lines.json")
    assert read_pairs(tmp_path / "lines.json") == from_lines


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("rows.csv", b"a,b", "unknown kind"),
        ("rows.jsonl", b"", "is empty"),
        ("rows.jsonl", b"{}\n{}\n", "no usable preference pair.*2 rows were left out"),
        ("rows.json", b"[{]", "cannot be read"),
        ("rows.parquet", b"PAR1 not really", "cannot be read as Parquet"),
        ("rows.parquet", b"", "cannot be read as Parquet"),
    ],
)
def test_a_useless_file_is_one_sentence(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=reason):
        read_pairs(tmp_path / name)


@pytest.mark.parametrize("name", ["none.jsonl", "none.json", "none.parquet"])
def test_a_missing_file_is_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="There is no file"):
        read_pairs(tmp_path / name)


def test_a_folder_without_pairs_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="without a snapshot"):
        read_pairs(tmp_path)


def test_an_endless_line_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "MAX_LINE_BYTES", 100)
    row = {"prompt": "?", "chosen": "a", "rejected": "b"}
    path = jsonl(tmp_path, row, row | {"chosen": "a" * 1000}, row)
    file = read_pairs(path)
    assert [pair.id for pair in file.pairs] == ["row-1", "row-3"]
    assert file.refused == (RefusedRow(line=2, reason="It is longer than 100 bytes."),)


def test_prompts_come_as_text_rows_messages_or_pairs(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Be brief."}
    rows = [
        {"prompt": "Name a colour."},
        {"prompt": [system, USER]},
        {"messages": [USER, RED]},
        {"instruction": "Name a colour."},
        {"chosen": [USER, RED], "rejected": [USER, TAR]},
        {"prompt": [RED]},
        {"text": "?"},
    ]
    file = read_prompts(jsonl(tmp_path, *rows))
    assert file.prompts == (PROMPT, (Message("system", "Be brief."), *PROMPT), PROMPT, PROMPT, PROMPT)
    assert [row.line for row in file.refused] == [6, 7]
    (tmp_path / "prompts.txt").write_text("Name a colour.\n\n  Why?  \n")
    assert read_prompts(tmp_path / "prompts.txt").prompts == (PROMPT, (Message("user", "Why?"),))


def test_reading_pairs_does_not_import_torch(tmp_path: Path) -> None:
    path = jsonl(tmp_path, {"prompt": "?", "chosen": "a", "rejected": "b"})
    check = (
        "import sys; from dpo_engine.preferences import read_pairs; "
        f"assert len(read_pairs({str(path)!r}).pairs) == 1; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
