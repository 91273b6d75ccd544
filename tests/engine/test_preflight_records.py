"""The records of a preflight: bias, sums, columns, time."""

import numpy as np
import pytest

from dpo_engine.config import TrainConfig
from dpo_engine.preflight import PairFacts, PairsSummary, Tally, columns_of, facts_in, length_bias
from dpo_engine.run_time import Work, forward_share, seconds_of, work_of


def fact(name: str, prompt: int, chosen: int, rejected: int, **more: object) -> PairFacts:
    said: dict[str, object] = {
        "split": "train",
        "has_bos": False,
        "prompt_cut": False,
        "chosen_cut": False,
        "rejected_cut": False,
        "identical_sides": False,
    }
    return PairFacts(
        id=name,
        prompt_tokens=prompt,
        chosen_tokens=chosen,
        rejected_tokens=rejected,
        **(said | more),  # type: ignore[arg-type]
    )


def test_the_bias_is_pearsons_correlation_with_the_length_beside_the_pairs_mean() -> None:
    chosen, rejected = np.array([12, 7, 30, 9, 5]), np.array([10, 9, 11, 9, 2])
    mean = (chosen + rejected) / 2
    sides = np.concatenate([np.ones(5), np.zeros(5)])
    lengths = np.concatenate([chosen - mean, rejected - mean])
    found = length_bias((chosen - rejected).tolist())
    assert found.correlation == pytest.approx(np.corrcoef(sides, lengths)[0, 1])
    assert (found.chosen_longer, found.chosen_shorter, found.pairs) == (3, 1, 5)
    assert found.mean_difference == pytest.approx(22 / 5)


@pytest.mark.parametrize(("differences", "r"), [([3, 3, 3], 1.0), ([-2, -2], -1.0), ([0, 0], 0.0), ([], 0.0)])
def test_its_ends(differences: list[int], r: float) -> None:
    assert length_bias(differences).correlation == pytest.approx(r)


FACTS = [
    fact("a", 5, 3, 4, has_bos=True),
    fact("b", 20, 8, 2, prompt_cut=True, chosen_cut=True, duplicate_of="a"),
    fact("é", 6, 1, 1, split="held_out", identical_sides=True, contradicts="b", rejected_cut=True),
]


def test_columns_give_back_the_facts() -> None:
    assert list(facts_in(columns_of(FACTS))) == FACTS


def test_a_tally_counts_what_the_facts_say() -> None:
    tally = Tally()
    for one in FACTS:
        tally.add(one)
    found = tally.summary(refused=2, most_tokens=28)
    assert (found.train, found.held_out, found.refused, found.pairs) == (2, 1, 2, 3)
    assert (found.train_tokens, found.held_out_tokens, found.scored_tokens) == (12 + 30, 8, 7 + 10 + 2)
    assert (found.longest_length, found.longest_pair, found.median_length) == (28, "b", 9)
    assert (found.cut, found.prompts_cut, found.responses_cut) == (2, 1, 2)
    assert (found.identical, found.duplicates, found.contradictions, found.with_bos) == (1, 1, 1, 1)
    assert found.bias == length_bias([-1, 6])
    assert list(tally.packed) == [12, 30, 8]


def test_the_work_of_a_run_counts_epochs_checks_and_the_reference() -> None:
    summary = PairsSummary(train_tokens=100, held_out_tokens=10)
    config = TrainConfig(num_train_epochs=3, eval_steps=4)
    # Checked at the steps 0, 4, 8 and at the last one, 10.
    assert work_of(summary, config, 10) == Work(learned=300, looked_at=110 + 4 * 10)
    assert work_of(summary, config, 8).looked_at == 110 + 3 * 10
    assert work_of(summary, TrainConfig(loss_type="simpo", eval_steps=4), 8).looked_at == 3 * 10


def test_time_goes_forward_and_back() -> None:
    work, lora = Work(learned=100, looked_at=50), TrainConfig()
    assert forward_share(lora, checkpointed=False) == pytest.approx(1 / 2)
    assert forward_share(TrainConfig(method="full"), checkpointed=True) == pytest.approx(1 / 4)
    assert seconds_of(work, 0.1, lora, checkpointed=False) == pytest.approx(0.1 * (100 + 25))
