"""A check with a real project and a fake engine that counts a token for each letter."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.store.collecting import comparisons, prompts, verdicts
from app.train.preflight.presenter import PreflightPresenter
from app.train.presenter import TrainPresenter
from dpo_engine.conversations import Message, Pair, Split
from dpo_engine.events import (
    Event,
    Note,
    PairsLookedAt,
    PairTokenized,
    PreflightDone,
    PreflightMeasured,
    Progress,
)
from dpo_engine.pairs.snapshots import read_snapshot
from dpo_engine.preflight import (
    Measured,
    Needs,
    PairFacts,
    RefusedPair,
    Tally,
    TokenColumns,
    TokenMark,
    columns_of,
)
from dpo_engine.requests import Preflight, TokenizePair
from tests.app.train.conftest import Room, _candidate

NEEDS = Needs(
    device="cpu",
    dtype="float32",
    parts={"weights": 3_000_000_000, "optimizer": 500_000_000},
    room=8_000_000_000,
    token_budget=512,
    checkpoint_activations=False,
    steps=6,
    seconds=240.0,
)
MEASURED = Measured(
    peak=2_500_000_000, fits=True, longest_pair="comparison-1", seconds_a_pair=0.5, seconds_a_token=0.01
)


class CountingEngine:
    """What the fake engine answers; change its parts before a check."""

    def __init__(self) -> None:
        self.needs = NEEDS
        self.measured = MEASURED
        self.notes: tuple[str, ...] = ()
        self.folders: list[str] = []

    def preflight(self, request: Preflight) -> Iterator[Event]:
        self.folders.append(request.pairs)
        yield Progress(request=request.id, stage="Reading the pairs", done=0, total=0)
        if request.facts:
            for note in self.notes:
                yield Note(request=request.id, message=note)
            yield from self._facts(request)
        if request.measure:
            yield PreflightMeasured(request=request.id, measured=self.measured)

    def _facts(self, request: Preflight) -> Iterator[Event]:
        tally, facts = Tally(), []
        refused = []
        for pair in read_snapshot(Path(request.pairs) / "pairs"):
            if pair.chosen.startswith("unusable"):
                refused.append(RefusedPair(pair=pair.id, reason="Nothing is left of it."))
                continue
            facts.append(_facts_of(pair, facts, request.config.max_length))
            tally.add(facts[-1])
        yield PairsLookedAt(request=request.id, facts=columns_of(facts), refused=tuple(refused))
        summary = tally.summary(refused=len(refused), most_tokens=request.config.max_length)
        yield PreflightDone(request=request.id, summary=summary, needs=self.needs)

    def tokens(self, request: TokenizePair) -> Iterator[Event]:
        yield PairTokenized(
            request=request.id,
            pair=request.pair.id,
            prompt=_letters(request.pair.prompt[-1].content, TokenMark(0)),
            chosen=_letters(request.pair.chosen, TokenMark.SCORED),
            rejected=_letters(request.pair.rejected, TokenMark.SCORED),
        )


def _facts_of(pair: Pair, before: Sequence[PairFacts], most: int) -> PairFacts:
    prompt = len(pair.prompt[-1].content)
    return PairFacts(
        id=pair.id,
        split=pair.split,
        prompt_tokens=min(prompt, most),
        chosen_tokens=len(pair.chosen),
        rejected_tokens=len(pair.rejected),
        has_bos=False,
        prompt_cut=prompt > most,
        chosen_cut=False,
        rejected_cut=False,
        identical_sides=pair.chosen == pair.rejected,
        contradicts=next((one.id for one in before if pair.chosen == f"not {one.id}"), ""),
    )


def _letters(text: str, mark: TokenMark) -> TokenColumns:
    return TokenColumns(
        texts=tuple(text), ids=tuple(map(ord, text)), marks=(int(mark),) * len(text), gap=len(text)
    )


class Check:
    def __init__(self, room: Room, train: TrainPresenter, counting: CountingEngine) -> None:
        self.room, self.train, self.engine = room, train, counting
        self.presenter = PreflightPresenter(train.tools)
        train.listen(self.follow)
        self.follow()

    def follow(self) -> None:
        self.presenter.follow(self.train.state)

    def settle(self) -> None:
        """Let the time pass after which it looks by itself, and the engine answer."""
        self.room.clock.advance(1.0)
        self.room.engine.deliver()

    def asked(self) -> int:
        return sum(isinstance(one, Preflight) for one in self.room.engine.requests)


def judge(
    room: Room, chosen: str, rejected: str = "no", *, prompt: str | None = None, split: Split = "train"
) -> None:
    text = prompt or f"Question {prompts.counts(room.project).total}?"
    asked = prompts.add_prompt(room.project, (Message("user", text),), source="test", split=split)
    pair = (_candidate(chosen, "starter"), _candidate(rejected, "starter"))
    comparison = comparisons.add_comparison(room.project, asked.id, pair, swapped=False)
    verdicts.give_verdict(room.project, comparison.id, "left", strength=1, annotator="me", seconds=2.0)


@pytest.fixture
def check(ready: Room) -> Check:
    """Six pairs to train on and two held out; nobody looks yet."""
    counting = CountingEngine()
    ready.engine.script(Preflight, counting.preflight)
    ready.engine.script(TokenizePair, counting.tokens)
    return Check(ready, ready.presenter, counting)
