"""Which runs are the same but for their seed, so that they can be read as one. Qt-free."""

from collections.abc import Iterable, Mapping
from dataclasses import fields

from app.store.records import Run
from app.train.runs.differences import plain
from dpo_engine.config import TrainConfig
from dpo_engine.run_folder import MAY_DIFFER

_SEED = "seed"
_ASIDE = {_SEED} | MAY_DIFFER
"""What does not make another setting of it: a run may differ from itself there when it is resumed."""


def groups(runs: Iterable[Run], pairs_hashes: Mapping[int, str] | None = None) -> tuple[tuple[int, ...], ...]:
    """Ids of the runs of each setting that there are two seeds of or more, oldest first.

    Of one setting are runs that began with the same model, on the same pairs, with the same values of all
    that bends a curve. `pairs_hashes` (by run) tells pairs apart; without one their numbers do.
    """
    hashes = pairs_hashes or {}
    usual = {field.name: field.default for field in fields(TrainConfig)}
    found: dict[object, dict[object, int]] = {}
    for run in sorted(runs, key=lambda run: run.id):
        config = {**usual, **run.config}
        setting = (
            run.policy,
            hashes.get(run.id, ""),
            (run.train_pairs, run.held_out_pairs),
            tuple(sorted((name, repr(plain(value))) for name, value in config.items() if name not in _ASIDE)),
        )
        found.setdefault(setting, {})[config[_SEED]] = run.id
    return tuple(tuple(seeds.values()) for seeds in found.values() if len(seeds) > 1)


def group_of(run_id: int, among: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """The group that a run belongs to; empty where it stands alone."""
    return next((group for group in among if run_id in group), ())
