"""`suspects`: verdicts that policies trained on the others disagree with, the most suspect first."""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dpo_engine.commands.doing import follow, quiet_shelf, tell_file
from dpo_engine.commands.output import Narrator, rows_into
from dpo_engine.commands.parser import settings
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.events import Event, FoldScored, Note, Progress, StudyAdvanced
from dpo_engine.pair_math import PairScore
from dpo_engine.preferences import Pair, read_pairs, refusal_summary
from dpo_engine.requests import Suspect
from dpo_engine.suspects import study_folder
from dpo_engine.suspects.ranking import Ranked, ranked
from dpo_engine.suspects.settings import study_config
from dpo_engine.suspects.study_folder import StudySpec
from dpo_engine.training import run_lock

REQUEST = "suspects"


def suspects(arguments: argparse.Namespace) -> int:
    narrator = Narrator(as_json=False)
    file = read_pairs(arguments.pairs)
    if file.refused:
        narrator.tell(Note(request=REQUEST, message=refusal_summary(file.refused), level="warning"))
    with _folder(arguments) as study, rows_into(arguments.out, as_json=arguments.json) as rows:
        spec = _begun(study, arguments, file.pairs)
        for one in ranked(_scored(study, spec, narrator), spec.config.beta):
            rows.add(_row(one))
            if rows.for_people:
                print(f"{one.rank:4}. {one.pair}  margin {one.margin:+.4f}  σ {one.probability:.3f}")
    tell_file(arguments, rows, "pair")
    return 0


def _scored(study: Path, spec: StudySpec, narrator: Narrator) -> list[tuple[int, tuple[PairScore, ...]]]:
    """The scores of every fold, once the study is done."""
    pairs = len(spec.fold_of)
    folds: list[tuple[int, tuple[PairScore, ...]]] = []

    def hear(event: Event) -> None:
        match event:
            case StudyAdvanced(fold=fold, folds=of, share=share):
                stage = f"Fold {fold} of {of}"
                done = Progress(
                    request=REQUEST, stage=stage, done=round(share * pairs), total=pairs, unit="pairs"
                )
                narrator.progress(done)
            case FoldScored(fold=fold, scores=scores, left_out=left_out):
                folds.append((fold, scores))
                for sentence in left_out:
                    narrator.tell(Note(request=REQUEST, message=sentence, level="warning"))
            case Note():
                narrator.tell(event)
            case _:
                pass

    follow(Suspect(id=REQUEST, study=str(study)), hear, quiet_shelf())
    narrator.close_bar()
    return folds


@contextmanager
def _folder(arguments: argparse.Namespace) -> Iterator[Path]:
    """Where the study is: the folder given, or else beside the result, and gone when that is there."""
    if arguments.study is not None:
        yield arguments.study.absolute()
    elif arguments.out is not None:
        study = arguments.out.absolute().with_name(f"{arguments.out.name}.study")
        yield study
        shutil.rmtree(study, ignore_errors=True)
        run_lock.file_of(study).unlink(missing_ok=True)
    else:
        with tempfile.TemporaryDirectory(prefix="suspects-") as folder:
            yield Path(folder) / "study"


def _begun(study: Path, arguments: argparse.Namespace, pairs: tuple[Pair, ...]) -> StudySpec:
    """The study in this folder, made now or begun before with the same pairs and settings."""
    given = settings(arguments, TrainConfig)
    config = study_config(len(pairs), arguments.folds, given)
    from dpo_engine.compute.device import pick_device
    from dpo_engine.models.model_files import resolve, stable_reference

    pick_device(config.device)
    resolve(arguments.policy)
    policy = stable_reference(arguments.policy)
    if not (study / "study.json").exists():
        study_folder.create(
            study.parent, policy=policy, config=config, pairs=pairs, folds=arguments.folds, name=study.name
        )
        return study_folder.read_spec(study)
    spec = study_folder.read_spec(study)
    same = study_folder.hash_of(pairs) == spec.pairs_hash
    if (spec.policy, spec.config, same) != (policy, config, True):
        raise BadInput(
            f"The study in {study} was begun with another policy, other pairs or other settings. "
            "Give the same again to go on with it, or delete it to begin anew."
        )
    return spec


def _row(one: Ranked) -> dict[str, object]:
    return {
        "id": one.pair,
        "rank": one.rank,
        "fold": one.fold,
        "margin": one.margin,
        "probability": one.probability,
        "standing": one.standing,
    }
