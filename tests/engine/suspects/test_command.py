"""`suspects` on the command line: a row a pair, most suspect first, and a killed one goes on."""

import json
from pathlib import Path
from typing import Any

import pytest

from dpo_engine.commands.main import main
from dpo_engine.suspects import study_folder

TINY = ["--device", "cpu", "--dtype", "float32", "--lora-r", "2", "--num-train-epochs", "1", "--folds", "2"]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    rows = [
        {"id": word, "prompt": f"Say {word}", "chosen": word * 3, "rejected": "no"}
        for word in ("one", "two", "six", "ten")
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def flags_of(model: Path, pairs: Path) -> list[str]:
    return ["suspects", "--policy", str(model), "--pairs", str(pairs), *TINY]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"home"}


def rows_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_file_has_every_pair_in_the_order_of_suspicion(
    tiny_model_folder: Path, pairs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "suspects.jsonl"
    assert main([*flags_of(tiny_model_folder, pairs), "--out", str(out)]) == 0
    rows = rows_of(out.read_text())
    assert sorted(row["id"] for row in rows) == ["one", "six", "ten", "two"]
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    assert [row["standing"] for row in rows] == sorted(row["standing"] for row in rows)
    assert {row["fold"] for row in rows} == {1, 2}
    assert all((row["probability"] > 0.5) == (row["margin"] > 0) for row in rows)
    assert left_in(tmp_path) == {"pairs.jsonl", "suspects.jsonl"}


def test_without_a_file_it_tells_people(
    tiny_model_folder: Path, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(flags_of(tiny_model_folder, pairs)) == 0
    told = capsys.readouterr()
    assert [line.split()[0] for line in told.out.splitlines()] == ["1.", "2.", "3.", "4."]
    assert "Fold 1 of 2" in told.err


def test_a_study_in_a_folder_of_its_own_is_not_done_twice(
    tiny_model_folder: Path, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    flags = [*flags_of(tiny_model_folder, pairs), "--study", str(study), "--json"]
    assert main(flags) == 0
    first = capsys.readouterr()
    assert main(flags) == 0
    again = capsys.readouterr()
    assert again.out == first.out
    assert "Fold" in first.err
    assert "Fold" not in again.err
    assert study_folder.read_fold(study, 2) is not None


def test_another_study_in_the_same_folder_is_refused(
    tiny_model_folder: Path, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    flags = [*flags_of(tiny_model_folder, pairs), "--study", str(study)]
    assert main(flags) == 0
    before = (study / "study.json").read_bytes()
    capsys.readouterr()
    assert main([*flags, "--beta", "0.3"]) == 2
    assert "was begun with another policy, other pairs or other settings" in capsys.readouterr().err
    assert (study / "study.json").read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (["--folds", "0"], "folds is 0; it must be from 2 to 20."),
        (["--method", "full"], "method is full"),
        (["--beta", "-1"], "beta is -1.0"),
        (["--policy", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_input_is_a_sentence_and_leaves_nothing(
    tiny_model_folder: Path,
    pairs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changed: list[str],
    sentence: str,
) -> None:
    out = tmp_path / "suspects.jsonl"
    assert main([*flags_of(tiny_model_folder, pairs), "--out", str(out), *changed]) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.err.count("\n") == 1
    assert left_in(tmp_path) == {"pairs.jsonl"}
