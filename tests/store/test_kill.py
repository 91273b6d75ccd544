"""A verdict that was acknowledged is in the file, whenever the process is killed."""

import random
import subprocess
import sys
from pathlib import Path

from app.store import comparisons, verdicts
from app.store.project import create_project, open_reader
from tests.store.makers import candidate, comparison

ROUNDS = 20


def test_acknowledged_verdicts_survive_kill(path: Path) -> None:
    project = create_project(path, with_starter_prompts=False)
    prompt_id = comparison(project).prompt.id
    with project.db.atomic():
        for number in range(1_500):
            pair = (candidate(f"a{number}"), candidate(f"b{number}"))
            comparisons.add_comparison(project, prompt_id, pair, swapped=number % 2 == 0)
    project.close()

    draw = random.Random(20)
    acknowledged: list[tuple[int, int, str]] = []
    for round_ in range(ROUNDS):
        acknowledged += _give_until_killed(path, seed=round_, lines=draw.randrange(1, 25))
        project = open_reader(path)
        for verdict_id, comparison_id, choice in acknowledged:
            kept = {verdict.id: verdict.choice for verdict in verdicts.history(project, comparison_id)}
            assert kept.get(verdict_id) == choice
        assert project.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert project.db.execute("PRAGMA foreign_key_check").fetchall() == []
        # At most one verdict was saved and not acknowledged in each round.
        total = project.db.table("verdicts").count
        assert len(acknowledged) <= total <= len(acknowledged) + round_ + 1
        project.close()
    assert len(acknowledged) >= ROUNDS


def _give_until_killed(path: Path, *, seed: int, lines: int) -> list[tuple[int, int, str]]:
    """What a process acknowledged before it was killed, a moment after its `lines`-th line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.verdict_giver", str(path), str(seed)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with process:
        assert process.stdout is not None
        heard = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        rest = process.stdout.read()
    assert process.returncode != 0
    # The kill may have torn the last line; a line counts when it is whole.
    whole = (b"".join(heard) + rest).split(b"\n")[:-1]
    assert len(whole) >= lines
    numbers = [line.decode().split() for line in whole]
    return [(int(verdict), int(comparison_id), choice) for verdict, comparison_id, choice in numbers]
