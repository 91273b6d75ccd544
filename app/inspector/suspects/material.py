"""What the page of suspect verdicts reads from a project and builds beside it. Qt-free.

Work for a reader's thread, and `settle_left` for the writer's.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from app.store.collecting.verdicts import preferences
from app.store.errors import BadValue
from app.store.handle import Project
from app.store.settings import get_setting
from app.store.training import runs, studies
from app.store.training.studies import AskedAbout, Outcome, Study, StudyRow
from dpo_engine.catalogue import STARTER
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput, EngineError
from dpo_engine.suspects import study_folder
from dpo_engine.suspects.ranking import Ranked, ranked
from dpo_engine.suspects.settings import study_config

FEWEST_PAIRS = 20
"""With fewer a policy knows too little of somebody's taste to disagree with any of it."""
STUDIES = "studies"
"""The folder of all studies, among the project's runs."""
_POLICY = "policy"
_SCORED_LIKE_TRAINED = 2 / 3
"""Time to score a pair under two models, as a share of that to train on it."""


@dataclass(frozen=True, kw_only=True)
class SuspectRow:
    """A verdict and what the policy that never saw it says."""

    found: Ranked
    row: StudyRow

    @property
    def disagrees(self) -> bool:
        return self.found.margin < 0

    @property
    def may_be_asked(self) -> bool:
        """Not while it waits to be asked, and not where something else is known by now."""
        return self.row.outcome in ("", "changed")


@dataclass(frozen=True, kw_only=True)
class Material:
    pairs: int
    """What a new study would ask about."""
    seconds_a_pair: float | None
    """Of training, in the project's latest run; None where nothing was trained yet."""
    studies: tuple[Study, ...]
    """Newest first."""
    shown: Study | None
    rows: tuple[SuspectRow, ...]
    """Of the study shown, the most suspect first."""
    disagreeing: int
    """So many of the rows."""
    outcomes: Mapping[Outcome, int]
    """How many rows came to what when they were asked again."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """A study's folder, made and not yet in the project."""

    folder: Path
    policy: str
    config: TrainConfig
    folds: int
    asked: tuple[AskedAbout, ...]


def load(project: Project, study_id: int | None) -> Material:
    """With the rows of this study; of the newest for None, or where it is none any more."""
    there = tuple(studies.studies(project))
    shown = next((one for one in there if one.id == study_id), there[0] if there else None)
    rows = () if shown is None else _ranked_rows(project, shown)
    return Material(
        pairs=preferences(project).total,
        seconds_a_pair=_seconds_a_pair(project),
        studies=there,
        shown=shown,
        rows=rows,
        disagreeing=sum(one.disagrees for one in rows),
        outcomes=Counter(one.row.outcome for one in rows),
    )


def build(project: Project, folds: int) -> Built:
    """The folder of a study of everything that counts now. Raises `StoreError`; then there is no folder."""
    asked = studies.to_study(project)
    pairs = [one.pair for one in asked]
    if len(pairs) < FEWEST_PAIRS:
        raise BadValue(
            f"There are {len(pairs)} pairs now, and this needs {FEWEST_PAIRS} of them. Nothing was changed."
        )
    chosen = get_setting(project, _POLICY, STARTER.name)
    policy = studies.untrained_below(project, chosen if isinstance(chosen, str) else STARTER.name)
    try:
        folder = study_folder.create(
            project.runs_dir / STUDIES,
            policy=policy,
            config=study_config(len(pairs), folds),
            pairs=pairs,
            folds=folds,
        )
        spec = study_folder.read_spec(folder)
    except EngineError as error:
        raise BadValue(str(error)) from error
    return Built(folder=folder, policy=policy, config=spec.config, folds=spec.folds, asked=asked)


def note(project: Project, built: Built) -> Study:
    """Put a study that was built into the project. Raises `StoreError`."""
    return studies.add_study(
        project,
        built.folder,
        policy=built.policy,
        folds=built.folds,
        config=dataclasses.asdict(built.config),
        asked=built.asked,
    )


def settle_left(project: Project, running: int | None) -> None:
    """What an earlier session left under way is interrupted; what its folder knows more is taken over."""
    for one in studies.studies(project):
        if one.status in ("created", "running") and one.id != running:
            _catch_up(project, one)
            studies.set_study_status(project, one.id, "interrupted")


def expected_seconds(pairs: int, folds: int, seconds_a_pair: float) -> float:
    """How long a study takes at the pace of an earlier training, without loading models."""
    epochs = study_config(pairs, folds).num_train_epochs
    trained = (folds - 1) * pairs * epochs
    return seconds_a_pair * (trained + _SCORED_LIKE_TRAINED * pairs)


def _catch_up(project: Project, study: Study) -> None:
    for fold in range(1, study.folds + 1):
        try:
            result = study_folder.read_fold(Path(study.folder), fold)
        except (BadInput, OSError):
            continue
        if result is not None:
            studies.record_fold(project, study.id, fold, result.scores)


def _ranked_rows(project: Project, study: Study) -> tuple[SuspectRow, ...]:
    rows = {row.score.pair: row for row in studies.study_rows(project, study.id)}
    found = ranked([(row.fold, [row.score]) for row in rows.values()], beta_of(study))
    return tuple(SuspectRow(found=one, row=rows[one.pair]) for one in found)


def beta_of(study: Study) -> float:
    beta = study.config.get("beta")
    return float(beta) if isinstance(beta, int | float) else TrainConfig().beta


def _seconds_a_pair(project: Project) -> float | None:
    for run in runs.runs(project):
        sizes = [run.config.get(name) for name in _STEP_SIZES]
        rows = runs.metrics(project, run.id) if run.kind == "trained" else []
        seconds = [row.metrics["step_seconds"] for row in rows if "step_seconds" in row.metrics]
        if seconds and all(isinstance(size, int) and size > 0 for size in sizes):
            return median(seconds) / (int(str(sizes[0])) * int(str(sizes[1])))
    return None


_STEP_SIZES = ("per_device_train_batch_size", "gradient_accumulation_steps")
