"""One study of planted flips: pairs by a stated rule, some verdicts turned, and what each fold says of them.

The functions named `…_job` run in child processes.
"""

import random
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from dpo_engine.events import FoldScored
from dpo_engine.pair_math import PairScore
from dpo_engine.preferences import Pair, read_pairs
from dpo_engine.requests import Suspect
from dpo_engine.suspects import study_folder
from dpo_engine.suspects.ranking import standing_of
from dpo_engine.suspects.settings import study_config
from dpo_engine.suspects.study import study
from tests.benchmarks.helpers.children import Job, Result
from tests.benchmarks.helpers.drawing import Draw
from tests.benchmarks.helpers.kept import Kept
from tests.benchmarks.helpers.verdict_cell import as_prompts, labelled
from tests.benchmarks.helpers.verdict_rules import RULES, SEEN, verdict

_OFTEN = {"save_steps": 5}
"""A benchmark that is ended goes on there; nothing else depends on it."""


def folds_job(job: Job) -> Result:
    """Do at most `job["at_once"]` folds of the study; the scores, once all are done."""
    pairs, flipped = _with_flips(_pairs(job), job["flipped"], job["seed"])
    folder = Path(job["cache"]) / "studies" / job["name"]
    if not (folder / "study.json").exists():
        config = study_config(len(pairs), job["folds"], {"seed": job["seed"], **_OFTEN, **job["settings"]})
        study_folder.create(
            folder.parent,
            policy=job["model"],
            config=config,
            pairs=pairs,
            folds=job["folds"],
            name=folder.name,
        )
    spec = study_folder.read_spec(folder)
    known = sum(study_folder.read_fold(folder, fold) is not None for fold in range(1, spec.folds + 1))
    told: list[FoldScored] = []
    with closing(study(Suspect(id="benchmark", study=str(folder)), lambda: "go")) as events:  # type: ignore[type-var]
        for event in events:
            if isinstance(event, FoldScored):
                told.append(event)
                if len(told) == min(spec.folds, known + job["at_once"]):
                    break
    if len(told) < spec.folds:
        return {"done": len(told), "folds": spec.folds}
    rows = [_row(one.fold, score, flipped) for one in told for score in one.scores]
    return {"done": len(told), "folds": spec.folds, "rows": rows}


def _pairs(job: Job) -> list[Pair]:
    """So many verdicts by the rule, on the kept draws or on the texts of a file."""
    if job["pairs"]:
        return _labelled_file(Path(job["pairs"]), job["rule"], job["verdicts"])
    drawn = Kept(Path(job["draws"])).get("draws", job["key"])
    texts = [[Draw(**draw) for draw in row] for row in drawn]
    return labelled(as_prompts(job["prompts"]), texts, job["rule"], job["verdicts"]).pairs


def _labelled_file(path: Path, rule: str, wanted: int) -> list[Pair]:
    found = []
    for pair in read_pairs(path).pairs:
        decided = verdict(RULES[rule], pair.chosen, pair.rejected, seen=SEEN[rule])
        if decided == 0.5 or not (pair.chosen and pair.rejected):
            continue
        found.append(pair if decided == 1 else _turned(pair))
        if len(found) == wanted:
            return found
    raise SystemExit(f"Only {len(found)} pairs of {path} are decided by {rule}.")


def _with_flips(pairs: list[Pair], share: float, seed: int) -> tuple[list[Pair], set[str]]:
    """The same pairs with so large a share turned, drawn by `seed`, and the ids of those."""
    drawn = set(random.Random(seed).sample(range(len(pairs)), round(share * len(pairs))))
    turned = [_turned(pair) if place in drawn else pair for place, pair in enumerate(pairs)]
    return turned, {pairs[place].id for place in drawn}


def _turned(pair: Pair) -> Pair:
    return replace(pair, chosen=pair.rejected, rejected=pair.chosen)


def _row(fold: int, score: PairScore, flipped: set[str]) -> dict[str, object]:
    return {
        "fold": fold,
        "flipped": score.pair in flipped,
        "standing": standing_of(score),
        "difference": score.chosen_log_ratio - score.rejected_log_ratio,
        "chosen_tokens": score.chosen_tokens,
        "rejected_tokens": score.rejected_tokens,
    }
