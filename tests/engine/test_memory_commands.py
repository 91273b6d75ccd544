import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dpo_engine.commands.main import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    rows: list[dict[str, str]] = [
        {"id": "one", "prompt": "Say one", "chosen": "one", "rejected": "no"},
        {"id": "two", "prompt": "Say two", "chosen": "two two two", "rejected": "no"},
        {"id": "against", "prompt": "Say one", "chosen": "no", "rejected": "one"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _flags(model: Path, pairs: Path) -> list[str]:
    return ["--policy", str(model), "--pairs", str(pairs), "--device", "cpu", "--dtype", "float32"]


def _files(folder: Path) -> list[Path]:
    """All but what the program keeps for itself."""
    return sorted(path for path in folder.rglob("*") if "home" not in path.parts)


def _rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_estimate_needs_no_weights(
    folder: Path, pairs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dpo_engine.models import loading as models

    monkeypatch.setattr(models.AutoModelForCausalLM, "from_pretrained", None)
    before = _files(pairs.parent)
    assert main(["estimate", *_flags(folder, pairs), "--json"]) == 0
    (row,) = _rows(capsys.readouterr().out)
    parts = [value for name, value in row.items() if name.endswith("_bytes")]
    assert sum(parts) - row["expected_bytes"] - row["room_bytes"] == row["expected_bytes"]
    assert row["activation_checkpointing"] is False and row["token_budget"] == 512
    assert _files(pairs.parent) == before


def test_estimate_tells_people(folder: Path, pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", *_flags(folder, pairs), "--method", "full"]) == 0
    shown = capsys.readouterr().out
    assert "expected at most" in shown and "optimizer" in shown and "tokens at once 512" in shown


def test_preflight_names_what_is_odd_and_measures(
    folder: Path, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _files(pairs.parent)
    assert main(["preflight", *_flags(folder, pairs)]) == 0
    shown = capsys.readouterr().out
    assert "3 pairs of" in shown and "s a pair" in shown and "measured" in shown
    assert main(["preflight", *_flags(folder, pairs), "--json"]) == 0
    *facts, summary = _rows(capsys.readouterr().out)
    assert [one["prompt_tokens"] > 10 for one in facts] == [True] * 3
    assert facts[2]["contradicts"] == facts[0]["id"]
    assert summary["fits"] and summary["measured_bytes"] > summary["gradients_bytes"]
    assert summary["longest_pair"] == facts[1]["id"]
    assert _files(pairs.parent) == before


@pytest.mark.parametrize("command", ["estimate", "preflight"])
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["--beta", "-1"], "beta is -1.0"),
        (["--pairs", "none.jsonl"], "none.jsonl"),
        (["--policy", "M"], "There is no model M"),
        (["--max-length", "8"], "No pair can be used"),
        (["--lora-target-modules", "nonsense"], "fits no layer"),
    ],
)
def test_bad_input_is_one_sentence(
    command: str,
    changes: list[str],
    sentence: str,
    folder: Path,
    pairs: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([command, *_flags(folder, pairs), *changes]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert sentence in told.err


@pytest.mark.parametrize("command", ["estimate", "preflight"])
def test_help_needs_no_torch(command: str) -> None:
    script = (
        "import sys; from dpo_engine.commands.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--lora-r" in done.stdout


def test_a_model_without_weights_on_the_disk_is_refused(
    folder: Path, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = Path(shutil.copytree(folder, tmp_path / "bare"))
    (bare / "model.safetensors").unlink()
    assert main(["estimate", *_flags(bare, pairs)]) == 2
    assert "safetensors" in capsys.readouterr().err
