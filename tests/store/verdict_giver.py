"""Run as a process by `test_kill`: gives verdicts without end and prints each id once it is saved."""

import itertools
import random
import sys
from pathlib import Path
from typing import cast

from app.store import comparisons, verdicts
from app.store.project import open_project
from app.store.records import Choice

CHOICES = ("left", "right", "tie", "both_bad", "skip")


def main(path: Path, seed: int) -> None:
    draw = random.Random(seed)
    project = open_project(path)
    for number in itertools.count():
        following = comparisons.next_comparison(project)
        if following is None:
            raise SystemExit("nothing is left to judge")
        comparisons.mark_shown(project, following.id)
        choice = cast(Choice, draw.choice(CHOICES))
        given = verdicts.give_verdict(
            project, following.id, choice, strength=1, annotator="me", seconds=float(number)
        )
        sys.stdout.write(f"{given.id} {following.id} {choice}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
