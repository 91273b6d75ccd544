"""A verdict that the page acknowledged is on the disk, whenever the app is killed."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from app.store.project import create_project, open_reader

ROUNDS = 40
FILES = 2
"""Each has a child of its own at any time, side by side."""
Given = tuple[int, str]


@dataclass
class Outcome:
    acknowledged: Counter[Given] = field(default_factory=Counter)
    lost: list[Given] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    most_unacknowledged: int = 0


def test_a_verdict_survives_a_kill_right_after_the_key_press(starter: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"killed-{number}.dpo" for number in range(FILES)]
    for path in paths:
        create_project(path).close()
    with ThreadPoolExecutor(FILES) as pool:
        outcomes = list(pool.map(_kill_again_and_again, paths, range(FILES)))
    for outcome in outcomes:
        assert outcome.lost == []
        assert outcome.damaged == []
        # One key press a round may have reached the disk without its acknowledgement reaching us.
        assert outcome.most_unacknowledged <= 1
        assert outcome.acknowledged.total() >= ROUNDS // FILES
        assert len({choice for _, choice in outcome.acknowledged}) == 5, "every kind of verdict"


def _kill_again_and_again(path: Path, seed: int) -> Outcome:
    draw = random.Random(seed)
    outcome = Outcome()
    before = 0
    for round_ in range(ROUNDS // FILES):
        heard = _judge_until_killed(path, 1000 * seed + round_, draw.randrange(0, 8), draw.uniform(0, 0.03))
        outcome.acknowledged.update(heard)
        project = open_reader(path)
        rows = project.db.execute("SELECT comparison_id, choice FROM verdicts").fetchall()
        outcome.lost += list((outcome.acknowledged - Counter(rows)).elements())
        outcome.most_unacknowledged = max(outcome.most_unacknowledged, len(rows) - before - len(heard))
        before = len(rows)
        (answer,) = project.db.execute("PRAGMA integrity_check").fetchone()
        if answer != "ok":
            outcome.damaged.append(answer)
        project.close()
    return outcome


def _judge_until_killed(path: Path, seed: int, lines: int, moment: float) -> list[Given]:
    """What the page acknowledged before the kill, which comes a moment (s) after its `lines`-th line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.annotating_app", str(path), str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        cwd=Path(__file__).parents[3],
    )
    with process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, "the app ended by itself"
        begun = [first] + [process.stdout.readline() for _ in range(lines)]
        time.sleep(moment)
        process.kill()
        rest = process.stdout.read()
    # A line counts when it is whole: the kill may have torn the last one.
    whole = (b"".join(begun) + rest).split(b"\n")[:-1]
    return [(int(comparison), choice) for comparison, choice in (line.decode().split() for line in whole)]
