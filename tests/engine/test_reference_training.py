"""Runs share their reference log-probs, whatever else goes on, and learn the same with and without."""

import gc
import math
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

from dpo_engine import run_folder
from dpo_engine.commands.parser import parse
from dpo_engine.errors import Cancelled
from dpo_engine.events import Event, Note, Progress, StepDone
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models import frozen_model
from dpo_engine.reference import setup as reference_setup
from dpo_engine.reference.cache import FOLDER
from dpo_engine.reference.table import TableReference
from tests.helpers.tiny_model import VOCAB_SIZE, save_tiny_model
from tests.helpers.training_runs import curve, new_run, of_kind, run_it, some_pairs

METHODS = pytest.mark.parametrize("method", ["lora", "full"])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "bfloat16"])


def told(events: list[Event], level: str = "info") -> list[str]:
    return [note.message for note in of_kind(events, Note) if note.level == level]


def known_before(events: list[Event]) -> int:
    """How many pairs a run says it knew from earlier ones."""
    sentences = [sentence for sentence in told(events) if "from an earlier run" in sentence]
    return int(sentences[0].split()[4]) if sentences else 0


@pytest.fixture
def forwards(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry, which counts every forward pass of any model but the thin one that memory is counted on."""
    count = [0]
    scored = LogProbs.__call__

    def counting(self: LogProbs, batch: Any) -> torch.Tensor:
        model: Any = self.model
        count[0] += model.config.vocab_size == VOCAB_SIZE
        return scored(self, batch)

    monkeypatch.setattr(LogProbs, "__call__", counting)
    return count


@METHODS
@DTYPES
def test_a_second_run_spends_nothing_on_the_reference(
    tmp_path: Path, tiny_model_folder: Path, method: str, dtype: str, forwards: list[int]
) -> None:
    passes, curves, notes = [], [], []
    for shared in (True, True, False):
        forwards[0] = 0
        run = new_run(tmp_path, tiny_model_folder, method=method, dtype=dtype)
        events = run_it(run, reference_cache=shared)
        passes.append(forwards[0])
        curves.append(curve(events))
        notes.append(told(events))
    policy = 4 + 2  # optimizer steps, and twice the held-out pairs
    assert passes == [policy + 3, policy, policy + 3]
    assert curves[0] == curves[1] == curves[2]
    assert notes[1] == ["The reference log-probs of 13 pairs were known from an earlier run."]
    assert notes[0] == notes[2] == []


def test_only_pairs_that_are_new_are_computed(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    compute = TableReference._compute

    def counting(self: TableReference, batch: Any, members: torch.Tensor) -> None:
        computed.extend(batch.members)
        compute(self, batch, members)

    monkeypatch.setattr(TableReference, "_compute", counting)
    pairs = some_pairs()
    run_it(new_run(tmp_path, tiny_model_folder, pairs=pairs[:6], per_device_train_batch_size=1))
    assert sorted(computed) == list(range(6))
    computed.clear()
    events = run_it(new_run(tmp_path, tiny_model_folder, pairs=pairs, per_device_train_batch_size=1))
    assert known_before(events) == 6
    assert set(range(6, 13)) <= set(computed) and len(computed) <= 8  # one more to prove the file


def test_another_model_template_precision_or_length_knows_nothing(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    run_it(new_run(tmp_path, tiny_model_folder))
    template = "{% for m in messages %}{{ m['content'] + '<|im_end|>' }}{% endfor %}"
    others = [
        {"model": save_tiny_model(tmp_path / "another", seed=1)},
        {"model": save_tiny_model(tmp_path / "template", chat_template=template)},
        {"dtype": "bfloat16"},
        {"max_length": 512},
    ]
    for other in others:
        model = Path(str(other.pop("model", tiny_model_folder)))
        assert known_before(run_it(new_run(tmp_path, model, **other))) == 0
    assert known_before(run_it(new_run(tmp_path, tiny_model_folder, beta=0.2))) == 13


def test_methods_share_what_they_compute_alike(tmp_path: Path, tiny_model_folder: Path) -> None:
    for dtype, shared in (("float32", 13), ("bfloat16", 0)):
        run_it(new_run(tmp_path, tiny_model_folder, method="lora", dtype=dtype))
        events = run_it(new_run(tmp_path, tiny_model_folder, method="full", dtype=dtype))
        assert known_before(events) == shared


@METHODS
def test_at_low_precision_a_run_starts_at_its_reference_whatever_its_batches(
    tmp_path: Path, tiny_model_folder: Path, method: str
) -> None:
    for size in (1, 5, 2):
        run = new_run(
            tmp_path, tiny_model_folder, method=method, dtype="bfloat16", per_device_train_batch_size=size
        )
        events = run_it(run)
        first = of_kind(events, StepDone)[0].metrics
        assert first["loss"] == pytest.approx(math.log(2), abs=1e-6)
        assert first["rewards/margins"] == 0.0
        assert told(events, "warning") == []
        held_out = run_folder.read_metrics(run)[0]
        assert held_out.split == "held_out" and held_out.metrics["eval_rewards/margins"] == 0.0


@METHODS
def test_wrong_numbers_are_noticed_and_harm_nothing(
    tmp_path: Path, tiny_model_folder: Path, method: str
) -> None:
    clean = curve(run_it(new_run(tmp_path / "clean", tiny_model_folder, method=method)))
    run_it(new_run(tmp_path, tiny_model_folder, method=method))
    (ours,) = (tmp_path / FOLDER).iterdir()
    other = save_tiny_model(tmp_path / "other", seed=5)
    run_it(new_run(tmp_path / "elsewhere", other, method=method))
    (theirs,) = (tmp_path / "elsewhere" / FOLDER).iterdir()
    frames = theirs.read_bytes().replace(bytes.fromhex(theirs.stem), bytes.fromhex(ours.stem))
    ours.write_bytes(_with_right_checksums(frames))
    events = run_it(new_run(tmp_path, tiny_model_folder, method=method))
    assert known_before(events) == 13
    assert "not those of this model" in told(events, "warning")[0]
    assert curve(events) == clean
    again = run_it(new_run(tmp_path, tiny_model_folder, method=method))
    assert known_before(again) == 13 and told(again, "warning") == [] and curve(again) == clean


def _with_right_checksums(frames: bytes) -> bytes:
    """As a program would write them that computed other numbers under the same key."""
    from dpo_engine.reference import cache as reference_cache

    mended = bytearray(frames)
    at = 0
    while at < len(frames):
        magic, key, pairs, _ = reference_cache._HEADER.unpack_from(frames, at)
        end = at + reference_cache._HEADER.size + 24 * pairs
        body = frames[at + reference_cache._HEADER.size : end]
        checksum = reference_cache._checksum(key, pairs, body)
        reference_cache._HEADER.pack_into(mended, at, magic, key, pairs, checksum)
        at = end
    return bytes(mended)


@METHODS
@pytest.mark.parametrize("cache", ["on", "off", "half filled"])
def test_a_run_resumed_in_its_first_epoch_goes_on_bit_for_bit(
    tmp_path: Path, tiny_model_folder: Path, method: str, cache: str
) -> None:
    changes: dict[str, Any] = {"method": method, "dtype": "bfloat16", "per_device_train_batch_size": 3}
    runs = []
    for place in (tmp_path / "straight", tmp_path / "broken"):
        if cache == "half filled":
            run_it(new_run(place, tiny_model_folder, pairs=some_pairs()[:6], **changes))
        runs.append(new_run(place, tiny_model_folder, **changes))
    shared = cache != "off"
    whole = run_it(runs[0], reference_cache=shared)
    assert known_before(whole) == (6 if cache == "half filled" else 0)
    with pytest.raises(Cancelled):
        run_it(runs[1], after={1: "leave"}, reference_cache=shared)
    # Somebody else trains on the same pairs meanwhile, in other batches.
    run_it(
        new_run(tmp_path / "broken", tiny_model_folder, **changes | {"per_device_train_batch_size": 1}),
        reference_cache=shared,
    )
    rest = run_it(runs[1], resume=True, reference_cache=shared)
    assert curve(rest) == curve(whole)[1:]
    metrics = [run_folder.read_metrics(run)[-1].metrics for run in runs]
    assert metrics[0]["eval_loss"] == metrics[1]["eval_loss"]
    assert (tmp_path / "broken" / FOLDER).exists() == shared


def test_a_full_fine_tune_lets_go_of_its_reference_once_every_pair_is_known(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[weakref.ref[LogProbs]] = []
    frozen = reference_setup.frozen

    def watched(scorer: LogProbs) -> LogProbs:
        copy = frozen(scorer)
        copies.append(weakref.ref(copy))
        return copy

    monkeypatch.setattr(reference_setup, "frozen", watched)
    monkeypatch.setattr(frozen_model, "FEW_PAIRS", 0)
    alive: list[bool] = []
    run = new_run(tmp_path, tiny_model_folder, method="full")

    from dpo_engine.requests import Train
    from dpo_engine.training.run import train

    for event in train(Train(id="t", run=str(run)), lambda: "go"):
        if isinstance(event, StepDone):
            gc.collect()
            alive.append(copies[0]() is not None)
    assert alive == [True, False, False, False]
    run_it(new_run(tmp_path, tiny_model_folder, method="full"))
    assert len(copies) == 1  # the second run knew everything


@pytest.mark.parametrize("because", ["no room", "few pairs"])
def test_without_room_or_need_for_a_copy_a_full_fine_tune_computes_all_before_it_starts(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch, because: str
) -> None:
    monkeypatch.setattr(frozen_model, "FEW_PAIRS", 0)
    roomy = run_it(new_run(tmp_path / "roomy", tiny_model_folder, method="full", dtype="bfloat16"))
    assert not any(event.stage.startswith("Computing the reference") for event in of_kind(roomy, Progress))
    if because == "no room":
        monkeypatch.setattr(reference_setup, "has_room", lambda scorer: False)
    else:
        monkeypatch.setattr(frozen_model, "FEW_PAIRS", 13)
    tight = run_it(new_run(tmp_path / "tight", tiny_model_folder, method="full", dtype="bfloat16"))
    done = [one.done for one in of_kind(tight, Progress) if one.stage.startswith("Computing the reference")]
    assert done == [5, 10, 13]
    assert curve(tight) == curve(roomy)


def test_a_cache_that_cannot_be_written_never_fails_a_run(tmp_path: Path, tiny_model_folder: Path) -> None:
    (tmp_path / FOLDER).write_text("no folder")
    events = run_it(new_run(tmp_path, tiny_model_folder))
    assert len(of_kind(events, StepDone)) == 4
    (sentence,) = told(events)
    assert "this run is not affected" in sentence


def test_the_flag_keeps_the_cache_off() -> None:
    assert parse(["train", "--run", "x"]).reference_cache is True
    assert parse(["train", "--run", "x", "--no-reference-cache"]).reference_cache is False


def test_two_processes_may_train_on_the_same_pairs(tmp_path: Path, tiny_model_folder: Path) -> None:
    runs = [new_run(tmp_path, tiny_model_folder, per_device_train_batch_size=1) for _ in range(2)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "dpo_engine", "train", "--run", str(run), "--resume", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for run in runs
    ]
    for process in processes:
        _, problems = process.communicate(timeout=120)
        assert process.returncode == 0, problems.decode()
    third = run_it(new_run(tmp_path, tiny_model_folder, per_device_train_batch_size=1))
    assert known_before(third) == 13 and told(third, "warning") == []
    states = [
        [(row.step, row.metrics["loss"]) for row in run_folder.read_metrics(run) if row.split == "train"]
        for run in runs
    ]
    assert states[0] == states[1] == [(step, metrics["loss"]) for step, metrics in curve(third)]


def test_the_command_line_can_leave_the_cache_alone(tmp_path: Path, tiny_model_folder: Path) -> None:
    from dpo_engine.commands.main import main

    run = new_run(tmp_path, tiny_model_folder)
    assert main(["train", "--run", str(run), "--resume", "--json", "--no-reference-cache"]) == 0
    assert not (tmp_path / FOLDER).exists()
