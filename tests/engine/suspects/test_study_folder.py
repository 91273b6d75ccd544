"""A study's folder: whole or not there, read back as it was written, damage named."""

import json
from pathlib import Path

import pytest

from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.preferences import Pair
from dpo_engine.suspects import study_folder
from dpo_engine.suspects.settings import study_config
from dpo_engine.suspects.study_folder import FoldScores
from tests.engine.suspects.test_ranking import score
from tests.helpers.training_runs import some_pairs


def make(parent: Path, pairs: list[Pair] | None = None, **changes: object) -> Path:
    chosen = some_pairs(9, 3) if pairs is None else pairs
    return study_folder.create(
        parent, policy="starter", config=study_config(12, 3, changes), pairs=chosen, folds=3, name="one"
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    study = make(tmp_path)
    spec = study_folder.read_spec(study)
    assert (spec.name, spec.policy, spec.folds, len(spec.fold_of)) == ("one", "starter", 3, 12)
    assert study_folder.read_pairs(study) == tuple(some_pairs(9, 3))
    assert study_folder.hash_of(some_pairs(9, 3)[::-1]) != spec.pairs_hash
    assert study_folder.read_fold(study, 1) is None
    result = FoldScores(fold=1, scores=(score("pair-1", -2.0),), left_out=("Pair 3 is empty.",))
    study_folder.write_fold(study, result)
    assert study_folder.read_fold(study, 1) == result


def test_it_gets_a_name_of_its_own(tmp_path: Path) -> None:
    folders = {
        study_folder.create(tmp_path, policy="starter", config=study_config(9), pairs=some_pairs(6, 3))
        for _ in range(2)
    }
    assert len(folders) == 2


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    study = make(tmp_path)
    before = (study / "study.json").read_bytes()
    with pytest.raises(BadInput, match="exists already"):
        make(tmp_path)
    assert (study / "study.json").read_bytes() == before


def test_pairs_that_cannot_be_studied_leave_nothing_behind(tmp_path: Path) -> None:
    for pairs, sentence in (
        ([*some_pairs(3, 0), *some_pairs(1, 0)], "same id"),
        ([some_pairs(1, 0)[0]], "same prompt"),
    ):
        with pytest.raises(BadInput, match=sentence):
            make(tmp_path, pairs)
    assert list(tmp_path.iterdir()) == []


def test_other_pairs_are_noticed(tmp_path: Path) -> None:
    study = make(tmp_path)
    document = json.loads((study / "study.json").read_bytes())
    (study / "study.json").write_text(json.dumps(document | {"pairs_hash": "0" * 64}))
    with pytest.raises(BadInput, match="hash differs"):
        study_folder.read_pairs(study)


def test_damage_is_named(tmp_path: Path) -> None:
    study = make(tmp_path)
    (study / "scores-2.json").write_text('{"fold": 2, "scores": [{"pair": 3}]}')
    with pytest.raises(BadInput, match=r"scores-2\.json is damaged"):
        study_folder.read_fold(study, 2)
    (study / "study.json").write_text("{torn")
    with pytest.raises(BadInput, match=r"study\.json is damaged"):
        study_folder.read_spec(study)
    with pytest.raises(BadInput, match="is no study"):
        study_folder.read_spec(tmp_path)


def test_a_newer_one_is_refused(tmp_path: Path) -> None:
    study = make(tmp_path)
    document = json.loads((study / "study.json").read_bytes())
    (study / "study.json").write_text(json.dumps(document | {"format_version": 99}))
    with pytest.raises(BadInput, match="newer version"):
        study_folder.read_spec(study)


def test_settings_are_the_recommended_ones_without_a_reader() -> None:
    config = study_config(60)
    assert (config.method, config.num_train_epochs, config.learning_rate) == ("lora", 4.0, 2e-4)
    assert (config.eval_samples, config.stop_at_kl, config.stop_at_repetition) == (0, 0.0, 0.0)
    assert study_config(60, 5, {"num_train_epochs": 1.0}).num_train_epochs == 1.0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"method": "full"}, "method is full"),
        ({"load_best_model_at_end": True}, "load_best_model_at_end"),
        ({"early_stopping_patience": 2}, "early_stopping_patience is 2"),
    ],
)
def test_what_a_study_cannot_do_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        study_config(60, 5, changes)


def test_a_config_that_did_not_come_from_here_is_checked_too(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="method is full"):
        study_folder.create(
            tmp_path, policy="starter", config=TrainConfig(method="full"), pairs=some_pairs(6, 3)
        )
