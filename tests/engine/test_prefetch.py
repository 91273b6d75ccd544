"""What is expected is made ahead, on another thread; anything else when it is asked for."""

import threading
from pathlib import Path
from typing import Any

import pytest

from dpo_engine.pairs.prefetch import Prefetch
from dpo_engine.training import learner
from tests.helpers.training_runs import curve, new_run, run_it

Key = tuple[int, ...]


def test_expected_ones_are_made_once_and_elsewhere() -> None:
    made: list[tuple[Key, int]] = []
    both = threading.Barrier(2, timeout=10)

    def make(key: Key) -> int:
        made.append((key, threading.get_ident()))
        if key == (3,):
            both.wait()
        return sum(key)

    ahead = Prefetch(make)
    ahead.expect([(1, 2), (3,)])
    both.wait()  # made without being asked for
    assert (ahead((1, 2)), ahead((3,)), ahead((4,))) == (3, 3, 4)
    ahead.close()
    assert [key for key, _ in made] == [(1, 2), (3,), (4,)]
    ours = threading.get_ident()
    assert [thread == ours for _, thread in made] == [False, False, True]


def test_a_plan_that_changed_is_forgotten() -> None:
    asked: list[Key] = []
    ahead = Prefetch(lambda key: asked.append(key) or len(asked))  # type: ignore[func-returns-value]
    ahead.expect([(1,)])
    first = ahead._ready[(1,)].result()
    ahead.expect([(2,)])
    assert ahead((1,)) != first  # made anew
    ahead.close()


def test_a_failure_comes_to_whoever_asks() -> None:
    def broken(key: Key) -> int:
        raise ZeroDivisionError

    ahead = Prefetch(broken)
    ahead.expect([(1,)])
    with pytest.raises(ZeroDivisionError):
        ahead((1,))
    ahead.close()


def test_a_training_with_batches_made_ahead_has_the_same_curve(
    tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on CUDA, which alone does so; here without memory that only CUDA knows."""
    plain = run_it(new_run(tmp_path / "a", tiny_model_folder))
    made: list[str] = []

    class Ahead(Prefetch[Any]):
        def __init__(self, make: Any) -> None:
            super().__init__(make)
            made.append("ahead")

    own = learner.Learner.__init__

    def with_prefetch(self: Any, *args: Any, **kwargs: Any) -> None:
        own(self, *args, **kwargs)
        self._ahead = Ahead(self._batch)
        self.move._micro_batches.collate = self._ahead

    monkeypatch.setattr(learner.Learner, "__init__", with_prefetch)
    assert curve(run_it(new_run(tmp_path / "b", tiny_model_folder))) == curve(plain)
    assert made == ["ahead"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]
