"""Gets the tokens of the pair that is looked at: from the project where they are kept, else from the engine.

Qt-free. One pair at a time: showing another one gives up what was asked for the last.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal, NamedTuple, Protocol

from app.engine_host.protocol import Engine
from app.inspector.tokens.values import PairTokens, SideTokens
from app.store.access import StoreAccess, StoreReader
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import ScoredPair
from app.store.training.token_details import PairDetails, keep_token_details, token_details
from dpo_engine.events import (
    Event,
    ModelLoaded,
    Progress,
    RequestFailed,
    RequestFinished,
    RequestStarted,
    TokensScored,
)
from dpo_engine.preferences import Pair
from dpo_engine.requests import Cancel, ScoreTokens

Phase = Literal["nothing", "reading", "asking", "ready", "failed"]

_AT_HAND = 12_000
"""Tokens, of all pairs that are at hand for going back and forth."""
_CLOSE = 0.01
"""Nats by which tokens may miss the scores they belong to: other weights miss by more, rounding by less."""


class Source(Protocol):
    """The models behind the scores that are looked at, as the engine is asked for them."""

    @property
    def policy(self) -> str: ...
    @property
    def reference(self) -> str: ...
    @property
    def max_length(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class TokensState:
    phase: Phase = "nothing"
    tokens: PairTokens | None = None
    """Of the pair that is shown."""
    stage: str = ""
    """What is waited for, as a short phrase."""
    message: str = ""
    """Why there are none, or what there is to know of them, as sentences."""


class _Kept(NamedTuple):
    tokens: PairTokens
    ranked: bool


class TokensPresenter:
    """Listeners hear that `state` is another one."""

    def __init__(self, *, engine: Engine, store: StoreAccess, reader: StoreReader) -> None:
        self.state = TokensState()
        self._engine, self._store, self._reader = engine, store, reader
        self._listeners: list[Callable[[], None]] = []
        self._pair: ScoredPair | None = None
        self._source: Source | None = None
        self._at_hand: OrderedDict[tuple[int, str, str], PairTokens] = OrderedDict()
        self._numbers = count(1)
        self._request = ""
        """The id of what the engine was asked last; empty when that has ended."""
        self._parts: list[TokensScored] = []
        self._give_up: Callable[[], None] = _nothing

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def show(self, pair: ScoredPair | None, source: Source | None) -> None:
        """Get this pair's tokens; None for none. `source` None: the models are not there any more."""
        if pair == self._pair and source == self._source:
            return
        self._drop()
        self._pair, self._source = pair, source
        if pair is None:
            self._say(TokensState())
        elif (kept := self._at_hand.get(_key(pair))) is not None and _fits(kept, pair):
            self._at_hand.move_to_end(_key(pair))
            self._say(TokensState(phase="ready", tokens=kept))
        else:
            self._say(TokensState(phase="reading"))
            self._give_up = self._reader.submit(
                lambda project: _read(project, pair),
                lambda kept: self._on_read(pair, kept),
                lambda _error: self._on_read(pair, None),
            )

    def retry(self) -> None:
        """Ask the engine again for the tokens of the pair that is shown."""
        if self._pair is not None and not self._request:
            self._ask(self._pair)

    def close(self) -> None:
        self._listeners.clear()
        self._drop()

    # --- what is kept -----------------------------------------------------------------------------------

    def _on_read(self, pair: ScoredPair, kept: _Kept | None) -> None:
        if pair is not self._pair:
            return
        self._give_up = _nothing
        if kept is None or not _fits(kept.tokens, pair):
            self._ask(pair)
        elif kept.ranked:
            self._have(pair, kept.tokens)
        else:
            # The log-probs at once; ranks and alternatives when the engine has found them.
            self._say(TokensState(phase="ready", tokens=kept.tokens))
            self._ask(pair)

    def _have(self, pair: ScoredPair, tokens: PairTokens) -> None:
        self._at_hand[_key(pair)] = tokens
        self._at_hand.move_to_end(_key(pair))
        while len(self._at_hand) > 1 and sum(map(len, self._at_hand.values())) > _AT_HAND:
            self._at_hand.popitem(last=False)
        message = "" if _fits(tokens, pair) else _OTHER_WEIGHTS
        self._say(TokensState(phase="ready", tokens=tokens, message=message))

    # --- the engine -------------------------------------------------------------------------------------

    def _ask(self, pair: ScoredPair) -> None:
        source = self._source
        if source is None:
            self._fail("The models behind these scores are not on this computer, so there are no tokens.")
            return
        self._parts.clear()
        request = self._request = f"tokens-{next(self._numbers)}"
        self._wait("Waiting for the engine")
        self._engine.submit(
            ScoreTokens(
                id=request,
                policy=source.policy,
                reference=source.reference,
                pair=Pair(
                    id=pair.pair,
                    prompt=pair.prompt,
                    chosen=pair.chosen,
                    rejected=pair.rejected,
                    split=pair.split,
                ),
                max_length=source.max_length,
            ),
            lambda event: self._on_event(pair, event) if request == self._request else None,
        )

    def _on_event(self, pair: ScoredPair, event: Event) -> None:
        match event:
            case RequestStarted() | ModelLoaded():
                self._wait("Reading the tokens under both models")
            case Progress(stage=stage):
                self._wait(stage)
            case TokensScored():
                self._parts.append(event)
                if event.last:
                    self._on_scored(pair, _put_together(self._parts))
            case RequestFinished():
                self._request = ""
            case RequestFailed(message=message):
                self._request = ""
                self._fail(message)

    def _on_scored(self, pair: ScoredPair, details: PairDetails) -> None:
        tokens = _tokens(details)
        if tokens is None:
            self._fail("The models gave a log-prob that is not a number. Look at an earlier checkpoint.")
            return
        self._have(pair, tokens)
        if _fits(tokens, pair):
            self._store.submit(
                lambda project: keep_token_details(project, pair.run_id, pair.checkpoint, pair.pair, details),
                lambda _nothing: None,
                lambda error: self._on_not_kept(pair, error),
            )

    def _on_not_kept(self, pair: ScoredPair, error: StoreError) -> None:
        if pair is self._pair and self.state.phase == "ready":
            self._say(replace(self.state, message=f"These tokens were not kept in the project. {error}"))

    def _drop(self) -> None:
        """Nobody wants any more what was asked for."""
        self._give_up()
        self._give_up = _nothing
        request, self._request = self._request, ""
        if request:
            self._engine.control(Cancel(target=request))

    # --- small things -----------------------------------------------------------------------------------

    def _wait(self, stage: str) -> None:
        if self.state.phase != "ready":  # log-probs without ranks stay in view meanwhile
            self._say(TokensState(phase="asking", stage=stage))

    def _fail(self, message: str) -> None:
        if self.state.phase == "ready":
            self._say(replace(self.state, message=message))
        else:
            self._say(TokensState(phase="failed", message=message))

    def _say(self, state: TokensState) -> None:
        if state == self.state:
            return
        self.state = state
        for listener in tuple(self._listeners):
            listener()


_OTHER_WEIGHTS = (
    "The pair was scored with other weights than there are now, so these tokens do not add up to its margin. "
    "Score the run again."
)


def _key(pair: ScoredPair) -> tuple[int, str, str]:
    return pair.run_id, pair.checkpoint, pair.pair


def _read(project: Project, pair: ScoredPair) -> _Kept | None:
    """What the project holds of the pair's tokens; None for nothing that could be shown."""
    details = token_details(project, pair.run_id, pair.checkpoint, pair.pair)
    tokens = _tokens(details) if details is not None else None
    return None if details is None or tokens is None else _Kept(tokens, details.ranked)


def _put_together(parts: list[TokensScored]) -> PairDetails:
    return PairDetails(
        chosen=tuple(token for part in parts for token in part.chosen),
        rejected=tuple(token for part in parts for token in part.rejected),
    )


def _tokens(details: PairDetails) -> PairTokens | None:
    """None where a log-prob is not a finite number."""
    tokens = PairTokens(SideTokens.of(details.chosen), SideTokens.of(details.rejected))
    return tokens if all(abs(total) < float("inf") for total in tokens.sums()) else None


def _fits(tokens: PairTokens, pair: ScoredPair) -> bool:
    """Do these tokens add up to the pair's scores?"""
    scored = (
        pair.policy_chosen_logp,
        pair.policy_rejected_logp,
        pair.reference_chosen_logp,
        pair.reference_rejected_logp,
    )
    return all(abs(one - other) < _CLOSE for one, other in zip(tokens.sums(), scored, strict=True))


def _nothing() -> None:
    """There is nothing to give up."""
