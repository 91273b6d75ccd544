"""One cell of the few-verdicts table: label candidates, train on the verdicts, measure on held-out prompts.

The functions named `…_job` run in child processes.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from dpo_engine import run_folder
from dpo_engine.config import SamplingConfig, TrainConfig
from dpo_engine.events import Sample
from dpo_engine.models.fingerprints import fingerprint
from dpo_engine.models.loading import LoadedModel, load
from dpo_engine.models.model_files import resolve
from dpo_engine.preferences import Message, Pair
from dpo_engine.training.divergence import mean_kl
from dpo_engine.training.text_health import distinct_share, grams
from tests.benchmarks.helpers.children import Job, Result
from tests.benchmarks.helpers.drawing import Draw, draw_many
from tests.benchmarks.helpers.engine_run import train_clocked
from tests.benchmarks.helpers.kept import Kept
from tests.benchmarks.helpers.text_health import distinct_across, repeats
from tests.benchmarks.helpers.verdict_rules import HIGHEST, RULES, SEEN, verdict

SCORED = 16
"""Of the tuned policy's draws, so many are compared with the reference token by token."""

Prompt = Sequence[Message]
Texts = list[list[Draw]]
"""Every prompt's draws."""


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    pairs: list[Pair]
    looked_at: int
    """Comparisons that a person saw to give them; the others got no verdict."""


def draw_job(job: Job) -> Result:
    """The base model's candidates for the training prompts and its draws for the held-out ones, once."""
    kept = Kept(Path(job["cache"]))
    base = fingerprint(resolve(job["model"]))
    parts = {
        "candidates": (job["train_prompts"], job["candidates"], 1_000_000),
        "reference": (job["held_out_prompts"], job["reference_draws"], 2_000_000),
    }
    keys = {name: _draw_key(job, base, *part) for name, part in parts.items()}
    missing = {name: part for name, part in parts.items() if kept.get("draws", keys[name]) is None}
    loaded = load(job["model"]) if missing else None
    for name, (prompts, number, first_seed) in missing.items():
        assert loaded is not None
        texts = draw_many(loaded, as_prompts(prompts), number, first_seed=first_seed, sampling=_sampling(job))
        kept.put("draws", keys[name], [[asdict(draw) for draw in row] for row in texts])
    return {"base": base, "keys": keys}


def cell_job(job: Job) -> Result:
    """Train on `job["verdicts"]` verdicts by `job["rule"]` with `job["settings"]`, and measure."""
    kept = Kept(Path(job["cache"]))
    candidates, reference = (_texts(kept, job["keys"][name]) for name in ("candidates", "reference"))
    given = labelled(as_prompts(job["train_prompts"]), candidates, job["rule"], job["verdicts"])
    pairs = _with_held_out(given.pairs, job["held_out_share"])
    runs = Path(job["cache"]) / "runs"  # side by side, so that they share the reference log-probs
    shutil.rmtree(runs / job["name"], ignore_errors=True)
    config = TrainConfig(**{"save_steps": 1_000_000, "seed": job["seed"], **job["settings"]})
    run = run_folder.create(runs, policy=job["model"], config=config, pairs=pairs, name=job["name"])
    began = time.perf_counter()
    clocked = train_clocked(run)
    trained = time.perf_counter()
    state = run_folder.read_state(run)
    policy = load(str(run))
    prompts = as_prompts(job["held_out_prompts"])
    first_seed = 3_000_000 + 10_000 * job["seed"]
    tuned = draw_many(policy, prompts, job["draws"], first_seed=first_seed, sampling=_sampling(job))
    drawn = time.perf_counter()
    result = compare(tuned, reference, job["rule"]) | {
        "kl": _distance(policy, job["model"], prompts[:SCORED], [row[0] for row in tuned[:SCORED]]),
        "looked_at": given.looked_at,
        "policy_step": state.policy_step,
        "steps": state.total_steps,
        "last_loss": clocked.losses[-1],
        "learning_rate": run_folder.read_spec(run).config.learning_rate,
        "minutes": (trained - began) / 60,
        "minutes_drawing": (drawn - trained) / 60,
        "minutes_scoring": (time.perf_counter() - drawn) / 60,
        "ended": state.message,
        "device": clocked.device,
        "examples": [row[0].text for row in tuned[:3]],
    }
    if not job["keep_runs"]:
        shutil.rmtree(run, ignore_errors=True)
    return result


def labelled(prompts: Sequence[Prompt], candidates: Texts, rule: str, wanted: int) -> Verdicts:
    """`wanted` verdicts by `rule`, spread over the prompts, as a person would give them.

    None where the difference is too small to be seen, and none for a text that runs in circles: nobody
    prefers that, whatever the rule says.

    Candidates meet in rounds, i with i XOR k, so that each is compared once a round (their number must be a
    power of two) and the first rounds take every prompt. Raises `SystemExit` where too few are decided.
    """
    size = len(candidates[0])
    if size & (size - 1):
        raise SystemExit(f"{size} candidates a prompt; it must be a power of two.")
    pairs: list[Pair] = []
    looked_at = 0
    meetings = [(i, i ^ k) for k in range(1, size) for i in range(size) if i < i ^ k]
    for one, other in meetings:
        for place, prompt in enumerate(prompts):
            texts = candidates[place][one].text, candidates[place][other].text
            if not all(texts):
                continue
            looked_at += 1
            decided = verdict(RULES[rule], *texts, seen=SEEN[rule])
            chosen, rejected = texts if decided == 1 else texts[::-1]
            if decided == 0.5 or repeats(chosen):
                continue
            name = f"{place}-{one}-{other}"
            pairs.append(Pair(id=name, prompt=tuple(prompt), chosen=chosen, rejected=rejected, split="train"))
            if len(pairs) == wanted:
                return Verdicts(pairs=pairs, looked_at=looked_at)
    raise SystemExit(f"Only {len(pairs)} pairs are decided by {rule}; draw more --candidates.")


def compare(tuned: Texts, reference: Texts, rule: str) -> Result:
    """Wins of the tuned draws over the reference's of the same prompt (every one against every one).

    `wins` has a share for each prompt, ties half; `decided` one for each prompt where there was no tie alone;
    `best` is what a policy would win that does as well by the rule as a text can.
    """
    verdicts = [
        [verdict(RULES[rule], mine.text, theirs.text) for mine in row for theirs in others]
        for row, others in zip(tuned, reference, strict=True)
    ]
    decided = [[one for one in row if one != 0.5] for row in verdicts]
    ceilings = [0.5 if RULES[rule](draw.text) >= HIGHEST[rule] else 1.0 for row in reference for draw in row]
    # Equally many draws of both, for a share of different 3-grams over all texts depends on their number.
    texts = [draw.text for row in tuned for draw in row]
    others = [draw.text for row in reference for draw in row[: len(tuned[0])]]
    size = min(sum(len(grams(text, 3)) for text in group) for group in (texts, others))
    return {
        "wins": [mean(row) for row in verdicts],
        "decided": [mean(row) for row in decided if row],
        "best": mean(ceilings),
    } | {
        name: {
            "words": mean(len(text.split()) for text in group),
            "distinct": distinct_share(group) or 0.0,
            "across": distinct_across(group, size),
            "repeats": mean(repeats(text) for text in group),
            "cut": mean(not draw.ended for row in draws for draw in row),
            "empty": mean(not text for text in group),
        }
        for name, group, draws in (("tuned", texts, tuned), ("reference", others, reference))
    }


def _distance(
    policy: LoadedModel, base: str, prompts: Sequence[Prompt], draws: Sequence[Draw]
) -> float | None:
    """`mean_kl` of the draws. Full weights are compared in float32: bfloat16 would round small steps away."""
    samples = [
        Sample(prompt=tuple(prompt), text=draw.text, finish_reason="end" if draw.ended else "length")
        for prompt, draw in zip(prompts, draws, strict=True)
    ]
    if hasattr(policy.model, "disable_adapter"):
        return mean_kl(policy, samples)
    return mean_kl(load(policy.reference, dtype="float32"), samples, load(base, dtype="float32"))


def _with_held_out(pairs: list[Pair], share: float) -> list[Pair]:
    """The same verdicts with every so-many-th held out, for a run that stops by evidence."""
    if not share:
        return pairs
    every = max(2, round(1 / share))
    return [
        Pair(id=one.id, prompt=one.prompt, chosen=one.chosen, rejected=one.rejected, split="held_out")
        if place % every == every - 1
        else one
        for place, one in enumerate(pairs)
    ]


def _draw_key(job: Job, base: str, prompts: object, number: int, first_seed: int) -> dict[str, Any]:
    return {
        "model": base,
        "prompts": prompts,
        "number": number,
        "first_seed": first_seed,
        "sampling": job["sampling"],
    }


def _texts(kept: Kept, key: dict[str, Any]) -> Texts:
    return [[Draw(**draw) for draw in row] for row in kept.get("draws", key)]


def as_prompts(stored: Sequence[Sequence[dict[str, Any]]]) -> list[tuple[Message, ...]]:
    return [tuple(Message(**message) for message in prompt) for prompt in stored]


def _sampling(job: Job) -> SamplingConfig:
    return SamplingConfig(**job["sampling"])
