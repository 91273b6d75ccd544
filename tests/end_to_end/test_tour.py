"""The whole job in the real window with the real engine and the starter model, as `--tour` does it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.inspector.suspects.material import FEWEST_PAIRS
from app.store import settings
from app.store.collecting import verdicts
from app.store.project import create_project, open_reader
from app.store.records import Run, ScoredPair
from app.store.training import runs, scores, studies
from app.tour.script import COMPARISONS

ROOT = Path(__file__).parents[2]


@pytest.mark.starter
@pytest.mark.timeout(900)
def test_the_tour_does_the_whole_job(starter_model: Path, studio_home: Path, tmp_path: Path) -> None:
    """Short responses, so that two cores are done with it in a few minutes."""
    models = studio_home / "data" / "models"
    models.mkdir(parents=True)
    (models / "starter").symlink_to(starter_model, target_is_directory=True)
    path = tmp_path / "tour.dpo"
    project = create_project(path)
    settings.set_setting(project, "sampling", {"max_new_tokens": 32})
    settings.set_setting(project, "annotate.repeat_every", 0)  # so many verdicts are then so many comparisons
    project.close()
    command = [sys.executable, "-m", "app", "--project", str(path), "--tour", str(tmp_path / "pictures")]
    done = subprocess.run(
        [*command, "--theme", "light", "--size", "1280x800"],
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": str(os.cpu_count() or 1)},
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pictures = sorted((tmp_path / "pictures").glob("*.png"))
    assert [picture.name[:2] for picture in pictures] == [f"{n:02}" for n in range(1, len(pictures) + 1)]
    assert len(pictures) >= 14

    kept = open_reader(path)
    counts = verdicts.counts(kept)
    assert counts.preferences + counts.ties == COMPARISONS
    if counts.preferences >= FEWEST_PAIRS:
        (study,) = studies.studies(kept)
        assert study.status == "finished"
    (run,) = runs.runs(kept)
    assert run.status == "finished" and 0 < run.step <= run.total_steps  # evidence may end it early
    first = next(row.metrics for row in runs.metrics(kept, run.id) if row.split == "train")
    assert first["loss/sigmoid"] == pytest.approx(0.6931, abs=1e-3)  # the mix for few pairs has another part
    assert first["rewards/margins"] == pytest.approx(0.0, abs=1e-3)
    assert scores.scored_checkpoints(kept, run.id)["policy"] == counts.preferences
    assert settings.get_setting(kept, "policy") == run.folder
    shown = {pair.pair: pair for pair in scores.scored_pairs(kept, run.id, "policy")}
    kept.close()
    _agrees_with_the_command_line(shown, run, tmp_path / "scores.jsonl")


def _agrees_with_the_command_line(shown: dict[str, ScoredPair], run: Run, out: Path) -> None:
    """What the Inspector shows is what `score` prints for the same checkpoint."""
    command = [sys.executable, "-m", "dpo_engine", "score", "--policy", run.folder, "--pairs", run.folder]
    command += ["--reference", run.policy, "--beta", str(run.beta), "--out", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=300)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {row["id"] for row in rows} == set(shown)
    for row in rows:
        pair = shown[row["id"]]
        for name in ("policy_chosen", "policy_rejected", "reference_chosen", "reference_rejected"):
            assert getattr(pair, f"{name}_logp") == pytest.approx(row[f"{name}_logp"], abs=1e-3)
        assert (pair.chosen_tokens, pair.rejected_tokens) == (row["chosen_tokens"], row["rejected_tokens"])
        margin = run.beta * (row["chosen_log_ratio"] - row["rejected_log_ratio"])
        assert row["margin"] == pytest.approx(margin, abs=1e-6)


def test_a_tour_that_cannot_happen_fails(studio_home: Path, tmp_path: Path) -> None:
    """A file in place of the project: the tour says what it waited for, and the exit code is not 0."""
    path = tmp_path / "no.dpo"
    path.write_bytes(b"this is no project")
    command = [sys.executable, "-c", _HURRIED, "--project", str(path), "--tour", str(tmp_path / "pictures")]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "did not happen" in done.stderr and "the Annotate page" in done.stderr


_HURRIED = """
import sys
from app.tour import guide
guide.Until.__init__.__defaults__ = (1.0,)
from app.main import main
sys.exit(main(sys.argv[1:]))
"""
