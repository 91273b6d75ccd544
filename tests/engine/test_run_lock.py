"""Two processes never train one run at the same time."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpo_engine.errors import BadInput, Cancelled
from dpo_engine.events import Progress, StepDone
from dpo_engine.training import run_lock
from tests.helpers.training_runs import new_run, of_kind, run_it

_HOLD = """
import sys
from pathlib import Path
from dpo_engine.training import run_lock
try:
    next(run_lock.take(Path(sys.argv[1]), "other", lambda: False))
except StopIteration as taken:
    kept = taken.value  # a lock that nobody refers to is let go
    print("held", kept is not None, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path: Path, tiny_model_folder: Path) -> Path:
    return new_run(tmp_path, tiny_model_folder, num_train_epochs=1.0)


@pytest.fixture
def holder(run: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has the run, until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(run)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held True\n"
    yield process
    _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def test_a_run_in_use_is_waited_for(run: Path, holder: "subprocess.Popen[str]") -> None:
    taking = run_lock.take(run, "mine", lambda: False)
    assert isinstance(next(taking), Progress)
    _end(holder)
    with pytest.raises(StopIteration) as taken:
        while True:
            next(taking)
    assert taken.value.value is not None
    taken.value.value.release()


def test_patience_ends_with_a_sentence(run: Path, holder: "subprocess.Popen[str]") -> None:
    with pytest.raises(BadInput, match="is being trained by another process"):
        next(run_lock.take(run, "mine", lambda: False, patience=0.0))
    with pytest.raises(Cancelled):
        next(run_lock.take(run, "mine", lambda: True))


def test_training_gives_the_run_back(run: Path) -> None:
    assert of_kind(run_it(run), StepDone)
    with pytest.raises(BadInput, match="finished"):
        run_it(run)
    with pytest.raises(StopIteration):
        next(run_lock.take(run, "mine", lambda: False, patience=0.0))
