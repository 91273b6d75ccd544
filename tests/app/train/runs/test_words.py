"""What is said about runs: differences, lineage, sizes; and which runs are one setting."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from app.store.records import Run
from app.store.training.lineage import Lineage, PairDifference
from app.train.runs.differences import SettingDifference, setting_differences
from app.train.runs.disk import size_of, size_words
from app.train.runs.groups import groups
from app.train.runs.wording import headline, later_words, made_words, pairs_words, written_words
from app.train.state import RunLine
from dpo_engine.config import TrainConfig


def run(number: int = 1, **changes: object) -> Run:
    config = TrainConfig(**changes)  # type: ignore[arg-type]
    return Run(
        id=number,
        name=f"2026-11-23-run-{number}",
        folder=f"/runs/run-{number}",
        policy="starter",
        method=config.method,
        beta=config.beta,
        config=asdict(config),
        status="finished",
        step=40,
        total_steps=40,
        train_pairs=24,
        held_out_pairs=6,
        message="",
        created_at="2025-03-04T10:41:00+00:00",
        finished_at=None,
    )


def line(of: Run, **changes: object) -> RunLine:
    usual = {"margin": None, "phase": None, "in_use": False, "started_from": "SmolLM2"}
    return RunLine(run=of, **{**usual, **changes})  # type: ignore[arg-type]


def test_only_what_differs_in_the_words_of_the_form() -> None:
    first = run(1, beta=0.1, learning_rate=2e-4, gradient_checkpointing="on")
    second = run(2, beta=0.25, learning_rate=1e-5, gradient_checkpointing="on")
    assert setting_differences(first, second, {}) == (
        SettingDifference(name="beta", label="β (strength)", first="0.1", second="0.25"),
        SettingDifference(name="learning_rate", label="Learning rate", first="2e-4", second="1e-5"),
    )
    assert setting_differences(first, first, {}) == ()


def test_another_start_is_named_and_missing_settings_are_the_usual_ones() -> None:
    first = replace(run(1, num_train_epochs=3.0), config={"num_train_epochs": 3})
    second = replace(run(2, num_train_epochs=3.0), policy="/runs/run-1")
    (found,) = setting_differences(first, second, {"/runs/run-1": "run-1"})
    assert (found.label, found.first, found.second) == ("Started from", "SmolLM2-135M-Instruct", "run-1")


def test_runs_that_differ_only_in_their_seed_are_a_group() -> None:
    runs = [run(1, seed=1), run(2, seed=2), run(3, seed=2), run(4, seed=3, beta=0.9), run(5, seed=3)]
    assert groups(runs) == ((1, 3, 5),), "of two with one seed the newer one"
    assert groups(runs, {1: "a", 3: "b", 5: "a"}) == ((1, 5),), "other pairs are another setting"
    assert groups([replace(runs[0], policy="/x"), runs[1]]) == ()
    assert groups([run(1, seed=1, save_steps=5), run(2, seed=2)]) == ((1, 2),), "what bends no curve"


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 kB"), (1, "1 kB"), (12_400, "12 kB"), (4_260_000, "4.3 MB"), (412_000_000, "412 MB")],
)
def test_sizes(size: int, words: str) -> None:
    assert size_words(size) == words


def test_a_folder_that_is_gone_takes_up_nothing(tmp_path: Path) -> None:
    assert size_of(str(tmp_path / "gone")) == 0
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert 3 <= size_of(str(tmp_path)) < 300


def test_lineage_in_words() -> None:
    found = Lineage(
        annotators=(("ada", 20), ("ben", 6), ("cleo", 2), ("dan", 1)),
        first="2025-03-01T12:00:00+00:00",
        last="2025-03-03T12:00:00+00:00",
        unknown=1,
        written=3,
        judged=2,
    )
    assert made_words(line(run()), found) == (
        "24 pairs trained on, 6 held out. Judged by ada (20), ben (6), cleo (2), 1 other (1), 1 Mar 2025 to "
        "3 Mar 2025. 1 pair without a verdict in this project."
    )
    assert written_words(found) == "Its policy wrote 3 candidates, 2 of them judged."
    assert written_words(replace(found, written=0)) == "Its policy has written no candidates yet."
    assert later_words([]) == ""
    assert later_words(list("abcde")) == "Its policy was the start of a, b, c and 2 more."


def test_pairs_in_words() -> None:
    same = PairDifference(same=30, turned=0, changed=0, only_first=0, only_second=0, moved=0)
    assert pairs_words(same) == "The same 30 pairs."
    differing = replace(same, turned=2, only_second=1200)
    assert (
        pairs_words(differing)
        == "Pairs: 30 in both, 1,200 only there, 2 with chosen and rejected turned round."
    )


def test_headlines() -> None:
    assert headline(line(run(), disk=5_000_000)) == "Finished · step 40 of 40 · made 4 Mar 2025 · 5.0 MB"
    waiting = line(replace(run(), status="created", total_steps=0), place=2)
    assert headline(waiting) == "No. 2 in queue · made 4 Mar 2025"
