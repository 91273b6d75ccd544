"""Each rule on a run that truly has the condition, and on one that has not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.train.curves import up_to
from app.train.health.finding import KeepStep, ShowCheck, StartAgain, StopAndKeep
from app.train.health.rules import judge
from dpo_engine.conversations import Pair
from tests.app.train.health.conftest import Gym, Trained, pair, pairs_by_chance, same_pairs
from tests.helpers.training_runs import some_pairs

PUSHED: dict[str, Any] = {
    "method": "full",
    "loss_mix": "sft 2",
    "learning_rate": 1e-2,
    "num_train_epochs": 20.0,
    "per_device_train_batch_size": 10,
    "eval_steps": 10,
    "eval_samples": 4,
    "eval_sample_tokens": 64,
}
"""Far too much of everything."""


def named(trained: Trained, kind: Any) -> dict[str, str]:
    return {figure.name: figure.value for figure in trained.finding(kind).figures}


@pytest.fixture
def uneven() -> list[Pair]:
    """Short pairs, and a single one that is a hundred times as long."""
    short = [pair(n, "ab" + "cd"[n % 2], "ba" + "dc"[n % 2]) for n in range(19)]
    return [*short, pair(19, "xyz " * 60, "wvu " * 50)]


class TestHealthy:
    def test_nothing_is_wrong_with_a_run_that_learns(self, healthy: Trained) -> None:
        assert not {kind for kind, level in healthy.kinds.items() if level != "quiet"}

    def test_nor_at_any_of_its_steps(self, healthy: Trained) -> None:
        for step in range(healthy.facts.total_steps + 1):
            found = judge(up_to(healthy.columns, step), replace(healthy.facts, trains=True))
            assert not [finding for finding in found if finding.level != "quiet"], f"after step {step}"

    def test_a_run_without_any_step_says_nothing(self, healthy: Trained) -> None:
        assert judge({}, healthy.facts) == ()


class TestBothFall:
    def test_a_little_is_normal_and_said_quietly(self, gym: Gym, own_pairs: tuple[Pair, ...]) -> None:
        """Drawn from the reference itself: any move away from it makes both less likely."""
        trained = gym(own_pairs, learning_rate=2e-4, num_train_epochs=4.0)
        finding = trained.finding("both_fall")
        assert finding.level == "quiet" and finding.action is None
        assert "normal so far" in finding.sentence
        assert -0.1 < float(named(trained, "both_fall")["Chosen, a token"].split()[0].replace("−", "-")) < 0

    def test_far_is_too_far_and_leads_back(self, gym: Gym, own_pairs: tuple[Pair, ...]) -> None:
        trained = gym(own_pairs, learning_rate=1e-3, num_train_epochs=6.0, save_steps=2, save_total_limit=20)
        finding = trained.finding("both_fall")
        assert finding.level == "warning" and "too far" in finding.sentence
        assert isinstance(finding.action, KeepStep) and 0 < finding.action.step < 10
        back = judge(up_to(trained.columns, finding.action.step), trained.facts)
        assert [found.level for found in back if found.kind == "both_fall"] in ([], ["quiet"])

    def test_a_loss_without_a_reference_has_no_such_finding(
        self, gym: Gym, own_pairs: tuple[Pair, ...]
    ) -> None:
        trained = gym(own_pairs, learning_rate=1e-3, num_train_epochs=6.0, loss_type="simpo", beta=2.0)
        assert "both_fall" not in trained.kinds

    def test_a_run_whose_chosen_ones_rise_has_none(self, healthy: Trained) -> None:
        assert healthy.columns["rewards/chosen"][1][-1] > 0
        assert "both_fall" not in healthy.kinds


class TestSaturated:
    def test_a_run_that_goes_on_after_all_is_won(self, gym: Gym) -> None:
        trained = gym(learning_rate=1e-2, num_train_epochs=20.0)
        finding = trained.finding("saturated")
        since = int(finding.sentence.removesuffix(".").rsplit(" ", 1)[1])
        assert 4 <= since < 20
        assert isinstance(finding.action, StartAgain)
        assert 1 < float(str(finding.action.changes["num_train_epochs"])) < 10
        running = judge(trained.columns, replace(trained.facts, trains=True))
        assert [found.action for found in running if found.kind == "saturated"] == [StopAndKeep()]

    def test_what_the_mix_does_is_said(self, gym: Gym) -> None:
        trained = gym(learning_rate=1e-2, num_train_epochs=20.0, loss_mix="sft 0.4")
        assert "sft 0.4" in trained.finding("saturated").cause

    def test_a_run_that_still_learns_is_not(self, healthy: Trained) -> None:
        """Its pairs are won, but not by so much that they have no weight."""
        assert healthy.facts.config.loss_type == "sigmoid" and not healthy.facts.config.label_smoothing
        assert healthy.columns["rewards/accuracies"][1][-1] == 1
        assert "saturated" not in healthy.kinds

    def test_another_loss_is_not_judged_so(self, gym: Gym) -> None:
        trained = gym(learning_rate=1e-2, num_train_epochs=20.0, loss_type="hinge")
        assert "saturated" not in trained.kinds


class TestStuck:
    def test_too_small_a_learning_rate(self, gym: Gym) -> None:
        trained = gym(learning_rate=1e-9, num_train_epochs=6.0)
        finding = trained.finding("stuck")
        assert "0.693" in finding.sentence and "1e-9" in finding.cause
        assert finding.action == StartAgain(changes={"learning_rate": 2e-4})

    def test_identical_sides(self, gym: Gym) -> None:
        finding = gym(same_pairs("yes yes", "yes yes")).finding("stuck")
        assert "same text" in finding.cause
        assert finding.action == ShowCheck()

    def test_an_adapter_without_influence(self, gym: Gym) -> None:
        """Queries decide where attention looks, of which nothing is left where its output is times 0."""
        import torch
        from transformers import AutoModelForCausalLM

        folder = gym.spoiled("deaf")
        model: Any = AutoModelForCausalLM.from_pretrained(folder)
        with torch.no_grad():
            for layer in model.model.layers:
                layer.self_attn.o_proj.weight.zero_()
        model.save_pretrained(folder)
        finding = gym(model=folder, lora_target_modules="q_proj", num_train_epochs=3.0).finding("stuck")
        assert "exactly 0" in finding.cause and "q_proj alone" in finding.cause
        assert finding.action == StartAgain(changes={"lora_target_modules": "all-linear"})

    @pytest.mark.parametrize(
        ("method", "said"), [("lora", "adapter seems to be frozen"), ("full", "cut off")]
    )
    def test_weights_that_nothing_reaches(self, gym: Gym, method: str, said: str) -> None:
        """Times 0 at the very end, every answer is as likely whatever the layers say."""
        import torch
        from transformers import AutoModelForCausalLM

        folder = gym.spoiled(f"mute-{method}")
        model: Any = AutoModelForCausalLM.from_pretrained(folder)
        with torch.no_grad():
            model.model.norm.weight.zero_()
            model.lm_head.weight.zero_()
        model.save_pretrained(folder)
        finding = gym(model=folder, method=method, num_train_epochs=3.0).finding("stuck")
        assert "exactly 0" in finding.cause and said in finding.cause
        assert finding.action is None

    def test_a_run_that_learns_is_not_stuck(self, healthy: Trained) -> None:
        assert "stuck" not in healthy.kinds

    def test_a_long_warm_up_is_not_called_stuck(self, gym: Gym) -> None:
        trained = gym(learning_rate=1e-3, num_train_epochs=20.0, warmup_steps=30)
        early = judge(up_to(trained.columns, 5), replace(trained.facts, trains=True))
        assert abs(trained.columns["rewards/margins"][1][4]) < 0.2
        assert "stuck" not in {finding.kind for finding in early}


class TestMemorised:
    def test_words_of_chance_are_learned_by_heart(self, gym: Gym) -> None:
        trained = gym(
            pairs_by_chance(12, 24), learning_rate=3e-3, num_train_epochs=10.0, eval_steps=4, save_steps=4
        )
        finding = trained.finding("memorised")
        assert "100 %" in finding.sentence
        low, high = (
            named(trained, "memorised")["Held-out pairs"].split("95 %: ")[1].split(" %")[0].split(" to ")
        )
        assert int(low) <= 50 and int(high) < 76

    @pytest.mark.parametrize("accuracy", [1.5, -0.5, float("nan"), float("inf")])
    def test_a_damaged_metrics_file_is_no_error(self, healthy: Trained, accuracy: float) -> None:
        columns = dict(healthy.columns)
        for name in ("rewards/accuracies", "eval_rewards/accuracies"):
            steps, values = columns[name]
            columns[name] = steps, np.full_like(values, accuracy)
        assert "memorised" not in {finding.kind for finding in judge(columns, healthy.facts)}

    def test_few_held_out_pairs_are_no_evidence(self, gym: Gym) -> None:
        trained = gym(pairs_by_chance(12, 3), learning_rate=3e-3, num_train_epochs=10.0, eval_steps=4)
        assert trained.columns["rewards/accuracies"][1][-4:].mean() == 1
        assert "memorised" not in trained.kinds

    def test_a_run_that_generalises_has_none(self, healthy: Trained) -> None:
        assert healthy.columns["eval_rewards/accuracies"][1][-1] == 1
        assert "memorised" not in healthy.kinds


class TestSpikes:
    def test_once_in_an_epoch_and_clipped_is_harmless(self, gym: Gym, uneven: list[Pair]) -> None:
        trained = gym(uneven, learning_rate=1e-4, per_device_train_batch_size=1)
        finding = trained.finding("spikes")
        assert finding.level == "notice" and "harmless so far" in finding.sentence
        assert finding.action is None

    def test_without_clipping_it_is_a_warning(self, gym: Gym, uneven: list[Pair]) -> None:
        trained = gym(uneven, learning_rate=1e-4, per_device_train_batch_size=1, max_grad_norm=0.0)
        finding = trained.finding("spikes")
        assert finding.level == "warning"
        assert finding.action == StartAgain(changes={"max_grad_norm": 1.0})

    def test_pairs_alike_have_none(self, gym: Gym, uneven: list[Pair]) -> None:
        trained = gym(uneven[:19], learning_rate=1e-4, per_device_train_batch_size=1)
        assert "spikes" not in trained.kinds


class TestSkipped:
    def test_a_step_that_gave_no_number(self, gym: Gym) -> None:
        """One letter of the model's alphabet has no number; one pair has that letter."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = gym.spoiled("holed", "qwen2")
        (letter,) = AutoTokenizer.from_pretrained(folder)("~", add_special_tokens=False)["input_ids"]
        model: Any = AutoModelForCausalLM.from_pretrained(folder)
        with torch.no_grad():
            model.model.embed_tokens.weight[letter] = float("nan")
        model.save_pretrained(folder)
        pairs = [*some_pairs(9, 0), pair(99, "~yes", "no")]
        trained = gym(pairs, model=folder, per_device_train_batch_size=2)
        finding = trained.finding("skipped")
        assert "2 steps" in finding.sentence  # once in each epoch
        assert trained.findings[0].kind == "skipped"
        assert finding.action == StartAgain(changes={"learning_rate": 5e-4})
        low = judge(trained.columns, replace(trained.facts, dtype="bfloat16"))
        assert low[0].action == StartAgain(changes={"dtype": "float32"})

    def test_a_sound_run_has_none(self, healthy: Trained) -> None:
        assert "skipped" not in healthy.kinds


class TestAnswers:
    def test_a_sound_run_has_nothing_of_it(self, healthy: Trained) -> None:
        for name in ("samples/distinct", "samples/kl", "samples/tokens"):
            assert healthy.columns[name][0][-1] == healthy.facts.total_steps, "the answers were looked at"
        assert not {"repetition", "distance", "length"} & set(healthy.kinds)

    def test_a_policy_that_repeats_itself(self, gym: Gym) -> None:
        trained = gym(same_pairs("no " * 20, "yes maybe perhaps certainly " * 2), **PUSHED, save_steps=1)
        finding = trained.finding("repetition")
        assert trained.columns["samples/distinct"][1][-1] < 0.5
        assert isinstance(finding.action, StartAgain)  # no check after the start was sound
        assert "repetition" not in {found.kind for found in judge(up_to(trained.columns, 5), trained.facts)}

    def test_answers_that_become_shorter_as_the_verdicts_ask(self, gym: Gym) -> None:
        trained = gym(same_pairs("a", "b c d e " * 6), **{**PUSHED, "learning_rate": 3e-3})
        finding = trained.finding("length")
        assert "shorter" in finding.sentence and "ask for" in finding.cause
        assert "do not" not in finding.cause

    def test_answers_that_become_longer_as_the_verdicts_ask(self, gym: Gym) -> None:
        """A policy that was taught to say next to nothing is taught to say more."""
        terse = gym(same_pairs("a", "b c d e " * 6), **PUSHED)
        trained = gym(same_pairs("b c d e f g h i j k", "a"), model=terse.policy, **PUSHED)
        finding = trained.finding("length")
        tokens = trained.columns["samples/tokens"][1]
        assert tokens[-1] > 1.5 * tokens[0]
        assert "longer" in finding.sentence
        assert "longer" in finding.cause and "do not ask" not in finding.cause

    def test_answers_that_become_shorter_for_no_reason(self, gym: Gym) -> None:
        trained = gym(same_pairs("abcd", "efgh"), **PUSHED)
        finding = trained.finding("length")
        assert finding.level == "warning" and "do not ask" in finding.cause
        assert finding.action == StartAgain(changes={"learning_rate": 5e-3})

    def test_a_policy_far_from_its_reference_leads_back(self, gym: Gym) -> None:
        trained = gym(
            same_pairs("abcd efgh", "bbcd ffgh"),
            learning_rate=2e-3,
            num_train_epochs=20.0,
            eval_steps=2,
            eval_samples=4,
            eval_sample_tokens=32,
            save_steps=2,
            save_total_limit=50,
        )
        finding = trained.finding("distance")
        steps, kl = trained.columns["samples/kl"]
        assert kl[-1] > 0.1
        assert isinstance(finding.action, KeepStep)
        within = {int(step) for step, value in zip(steps, kl, strict=True) if value <= 0.1}
        assert finding.action.step in within and finding.action.step == max(within)

    def test_a_bound_of_the_run_itself_holds(self, healthy: Trained) -> None:
        assert 0 < healthy.columns["samples/kl"][1][-1] <= 0.1
        config = replace(healthy.facts.config, stop_at_kl=0.001)
        found = judge(healthy.columns, replace(healthy.facts, config=config))
        assert "distance" in {finding.kind for finding in found}

    def test_what_was_kept_already_is_not_offered_again(self, healthy: Trained) -> None:
        config = replace(healthy.facts.config, stop_at_kl=0.001)
        facts = replace(healthy.facts, config=config, checkpoints=(), policy_step=0)
        (finding,) = [one for one in judge(healthy.columns, facts) if one.kind == "distance"]
        assert finding.action is None
