"""A run's folder: created whole or not at all, readable after a crash, and torch-free."""

import dataclasses
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.pairs import snapshots
from dpo_engine.preferences import Message, Pair, read_pairs
from dpo_engine.run_folder import RunState, StepMetrics


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


PAIRS = [
    Pair(
        id=f"comparison-{number}",
        prompt=(Message("system", "Be brief."), Message("user", f"Née {number}?\n")),
        chosen=" kept as it is ",
        rejected="" if number == 1 else "b",
        split="held_out" if number == 0 else "train",
        strength=number % 3 + 1,
    )
    for number in range(4)
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_folder.create(tmp_path / "runs", policy="starter", config=TrainConfig(), pairs=PAIRS)


def test_a_new_run_has_a_dated_name_of_two_words(run: Path) -> None:
    year, month, day, *words = run.name.split("-")
    assert datetime(int(year), int(month), int(day)).date() and len(words) == 2
    assert names_in(run) == ["pairs", "run.json", "state.json"]
    assert run_folder.read_state(run).status == "created"


def test_the_spec_settles_the_learning_rate_and_names_the_pairs(run: Path) -> None:
    spec = run_folder.read_spec(run)
    assert spec.name == run.name and spec.policy == "starter"
    assert spec.config == dataclasses.replace(TrainConfig(), learning_rate=2e-4)
    assert (spec.train_pairs, spec.held_out_pairs) == (3, 1)


def test_the_snapshot_gives_the_same_pairs_back_training_first(run: Path) -> None:
    assert run_folder.read_pairs(run) == (*PAIRS[1:], PAIRS[0])
    assert read_pairs(run).pairs == run_folder.read_pairs(run)


def test_the_snapshot_is_a_data_set_in_trl_s_format(run: Path) -> None:
    from datasets import load_from_disk

    stored = load_from_disk(run / "pairs")
    assert sorted(stored) == ["held_out", "train"]
    assert stored["held_out"][0] == {
        "id": "comparison-0",
        "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Née 0?\n"}],
        "chosen": [{"role": "assistant", "content": " kept as it is "}],
        "rejected": [{"role": "assistant", "content": "b"}],
        "split": "held_out",
        "strength": 1,
    }


def test_a_run_without_held_out_pairs_can_be_read_back(tmp_path: Path) -> None:
    run = run_folder.create(tmp_path, policy="starter", config=TrainConfig(), pairs=PAIRS[1:])
    assert run_folder.read_pairs(run) == tuple(PAIRS[1:])


def test_a_name_can_be_given_once(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    run = run_folder.create(tmp_path, policy="p", config=TrainConfig(), pairs=PAIRS, name="mine")
    assert run == tmp_path / "mine"
    with pytest.raises(BadInput, match="exists already"):
        run_folder.create(tmp_path, policy="p", config=TrainConfig(), pairs=PAIRS, name="mine")


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [([], "no training pair"), (PAIRS[:1], "no training pair"), ([*PAIRS, PAIRS[2]], "same id")],
)
def test_nothing_is_created_without_usable_pairs(tmp_path: Path, pairs: list[Pair], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        run_folder.create(tmp_path / "runs", policy="p", config=TrainConfig(), pairs=pairs)
    assert not (tmp_path / "runs").exists()


def test_a_full_disk_leaves_no_half_of_a_run(tmp_path: Path) -> None:
    script = f"""
import resource, sys
from pathlib import Path
from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.errors import DiskFull
from dpo_engine.preferences import Message, Pair
import datasets
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
pairs = [Pair(id="1", prompt=(Message("user", "?"),), chosen="a" * 20000, rejected="b")]
try:
    run_folder.create(Path({str(tmp_path / "runs")!r}), policy="p", config=TrainConfig(), pairs=pairs)
except DiskFull as error:
    assert "disk is full" in str(error), error
    sys.exit(7)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 7
    assert names_in(tmp_path / "runs") == []


def test_changed_pairs_are_noticed(run: Path) -> None:
    spec = run_folder.read_spec(run)
    run_folder.write_spec(run, dataclasses.replace(spec, pairs_hash="0" * 64))
    with pytest.raises(BadInput, match="hash differs"):
        run_folder.read_pairs(run)


def test_the_hash_covers_everything_about_a_pair() -> None:
    first = PAIRS[0]
    changes = [
        {"id": "x"},
        {"chosen": "x"},
        {"rejected": "x"},
        {"split": "train"},
        {"strength": 3},
        {"prompt": ()},
    ]
    hashes = {snapshots.pairs_hash([dataclasses.replace(first, **change)]) for change in changes}  # type: ignore[arg-type]
    assert len(hashes | {snapshots.pairs_hash([first])}) == 7
    assert snapshots.pairs_hash(PAIRS) != snapshots.pairs_hash(PAIRS[::-1])


@pytest.mark.parametrize("damage", ["arrow", "dictionary", "gone"])
def test_a_damaged_snapshot_is_one_sentence(run: Path, damage: str) -> None:
    arrow = next((run / "pairs" / "train").glob("*.arrow"))
    if damage == "arrow":
        arrow.write_bytes(arrow.read_bytes()[:100])
    elif damage == "dictionary":
        (run / "pairs" / "dataset_dict.json").write_text("{")
    else:
        arrow.unlink()
    with pytest.raises(BadInput, match="damaged or incomplete"):
        run_folder.read_pairs(run)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "is damaged"),
        (b"{}", "is damaged"),
        (b"\xff", "is damaged"),
        (b'{"status": "odd"}', "is damaged"),
    ],
)
def test_damaged_documents_are_one_sentence(run: Path, content: bytes, reason: str) -> None:
    for name in ("run.json", "state.json"):
        (run / name).write_bytes(content)
    with pytest.raises(BadInput, match=reason):
        run_folder.read_spec(run)
    with pytest.raises(BadInput, match=reason):
        run_folder.read_state(run)


def test_no_run_and_a_newer_run_are_one_sentence(run: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no run folder"):
        run_folder.read_spec(tmp_path)
    run_folder.write_spec(run, dataclasses.replace(run_folder.read_spec(run), format_version=2))
    with pytest.raises(BadInput, match="newer version"):
        run_folder.read_spec(run)


def test_the_state_comes_back_with_its_time(run: Path) -> None:
    run_folder.write_state(run, RunState(status="running", step=3, total_steps=9))
    state = run_folder.read_state(run)
    assert (state.status, state.step, state.total_steps) == ("running", 3, 9)
    assert datetime.fromisoformat(state.updated_at).tzinfo is not None


def rows(*steps: int) -> list[StepMetrics]:
    return [StepMetrics(step=step, split="train", metrics={"loss": step / 10}) for step in steps]


def test_metrics_survive_a_torn_last_line(run: Path) -> None:
    assert run_folder.read_metrics(run) == []
    for row in rows(1, 2, 3):
        run_folder.append_metrics(run, row)
    assert run_folder.read_metrics(run) == rows(1, 2, 3)
    path = run / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    assert run_folder.read_metrics(run) == rows(1, 2)


def test_a_damaged_line_in_the_middle_is_named(run: Path) -> None:
    for row in rows(1, 2, 3):
        run_folder.append_metrics(run, row)
    path = run / "metrics.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"step":2', b'"step":x'))
    with pytest.raises(BadInput, match="Line 2"):
        run_folder.read_metrics(run)


def test_a_resumed_run_drops_what_it_will_write_again(run: Path) -> None:
    for row in [*rows(1, 2, 3), StepMetrics(step=2, split="held_out", metrics={"eval_loss": 0.5})]:
        run_folder.append_metrics(run, row)
    run_folder.drop_lines_after(run, 2)
    assert [row.step for row in run_folder.read_metrics(run)] == [1, 2, 2]
    run_folder.append_metrics(run, rows(3)[0])
    assert run_folder.read_metrics(run)[-1] == rows(3)[0]


def test_checkpoints_are_listed_oldest_first_and_nothing_else(run: Path) -> None:
    assert run_folder.checkpoints(run) == []
    for name in ("step-000040", "step-000005", "step-1000000", ".tmp-step-000050-ab", "other"):
        (run / "checkpoints" / name).mkdir(parents=True)
    assert [step for step, _ in run_folder.checkpoints(run)] == [5, 40, 1_000_000]
    assert run_folder.checkpoint_folder(run, 40) == run / "checkpoints" / "step-000040"


def test_runs_are_made_and_read_without_torch(tmp_path: Path) -> None:
    check = f"""
import sys
from pathlib import Path
from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.preferences import Message, Pair
pairs = [Pair(id="1", prompt=(Message("user", "?"),), chosen="a", rejected="b")]
run = run_folder.create(Path({str(tmp_path)!r}), policy="starter", config=TrainConfig(), pairs=pairs)
assert run_folder.read_pairs(run) == tuple(pairs)
assert "torch" not in sys.modules and "transformers" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True)
    assert done.stdout == b"" and done.stderr == b""  # no progress bars
