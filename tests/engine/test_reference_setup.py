"""Each run gets the reference that its settings ask for, and a key of its own where numbers differ."""

from pathlib import Path
from typing import Any

import pytest

from dpo_engine import run_folder
from dpo_engine.forward.log_probs import LogProbs
from dpo_engine.models.loading import load_for_training
from dpo_engine.reference.cache import FOLDER
from dpo_engine.reference.kinds import NoReference, Reference
from dpo_engine.reference.setup import cache_key, make_reference, tokenizer_hash
from dpo_engine.reference.sync import FollowingReference
from dpo_engine.reference.table import TableReference
from dpo_engine.training.setup import Setup, set_up
from tests.helpers.tiny_model import CHATML_TEMPLATE, byte_tokenizer
from tests.helpers.training_runs import new_run


def set_up_run(run: Path) -> Setup:
    spec = run_folder.read_spec(run)
    return set_up(run, spec, load_for_training(spec.policy, spec.config))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, TableReference),
        ({"method": "full"}, TableReference),
        ({"method": "full", "sync_ref_model": True}, FollowingReference),
        ({"loss_type": "simpo"}, NoReference),
        ({"loss_type": "simpo", "loss_mix": "sigmoid 0.5"}, TableReference),
    ],
)
def test_the_settings_decide_what_the_reference_is(
    tmp_path: Path, tiny_model_folder: Path, changes: dict[str, Any], kind: type[Reference]
) -> None:
    setup = set_up_run(new_run(tmp_path, tiny_model_folder, **changes))
    loaded = setup.loaded
    scorer = LogProbs(loaded.model, device=loaded.device, forward_dtype=loaded.dtype)
    assert type(make_reference(setup, scorer, use_cache=True)) is kind
    assert not (tmp_path / FOLDER).exists()  # nothing is written before there is something to keep


def test_what_bends_the_policy_but_not_its_reference_is_not_in_the_key(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    plain = cache_key(set_up_run(new_run(tmp_path, tiny_model_folder)))
    others: list[dict[str, Any]] = [
        {"lora_r": 4, "lora_alpha": 4},
        {"beta": 0.5, "loss_type": "ipo"},
        {"per_device_train_batch_size": 1, "seed": 1},
        {"method": "full"},  # both in float32
    ]
    for other in others:
        assert cache_key(set_up_run(new_run(tmp_path, tiny_model_folder, **other))) == plain
    assert plain.model == set_up_run(new_run(tmp_path, tiny_model_folder)).spec.fingerprint
    assert (plain.forward, plain.device, plain.max_length) == ("float32", "cpu", 1024)


def test_a_length_over_the_model_s_own_is_the_model_s_own(tmp_path: Path, tiny_model_folder: Path) -> None:
    keys = [
        cache_key(set_up_run(new_run(tmp_path, tiny_model_folder, max_length=length)))
        for length in (2048, 4096)
    ]
    assert keys[0] == keys[1]


def test_a_tokenizer_s_hash_knows_its_template_and_its_rules() -> None:
    plain = tokenizer_hash(byte_tokenizer())
    assert plain == tokenizer_hash(byte_tokenizer(CHATML_TEMPLATE))
    others = [byte_tokenizer(None), byte_tokenizer(CHATML_TEMPLATE + " "), byte_tokenizer(adds_bos=True)]
    more = byte_tokenizer()
    more.add_tokens(["hello"])
    assert len({plain, *map(tokenizer_hash, [*others, more])}) == 5
