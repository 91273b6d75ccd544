"""Has the engine score what waits, so that what the policy is least sure of can come first. Qt-free.

The margin of a comparison is the policy's log-ratio to its reference for left, less that for right. Scoring
is what the engine does last: a few pairs at a time, only while nothing is to be written and nobody waits,
and not during a training, after which another policy is asked anyway.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from app.annotate import desk
from app.engine_host.protocol import Engine
from app.store.access import StoreAccess
from app.store.collecting import comparisons, ordering
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import Comparison
from dpo_engine import events as told
from dpo_engine.errors import Cancelled
from dpo_engine.events import Event
from dpo_engine.requests import Cancel, Score

FEWEST, MOST = 4, 64
"""Pairs in one request."""
_SECONDS = 1.0
"""So long may a request take: whoever asks for something to be written meanwhile waits that long at most."""
_UNTRAINED = "This policy is not trained yet, so it prefers neither response: nothing to order by."
_MOST_FAILURES = 3


@dataclass(frozen=True)
class _Batch:
    """What one request is for."""

    policy: str
    reference: str
    pairs: Path
    ids: tuple[int, ...]


class Margins:
    """`want` a policy's margins; `scored` is called when more of them are on the disk."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        reader: StoreAccess,
        clock: Callable[[], float],
        may_score: Callable[[], bool],
        scored: Callable[[], None],
    ) -> None:
        """`clock` counts seconds from any start. `may_score`: is the engine free, and does nobody wait?"""
        self.words = ""
        """Why nothing is scored, as a sentence; else empty."""
        self._engine, self._store, self._reader = engine, store, reader
        self._clock, self._may_score, self._scored = clock, may_score, scored
        self._size = FEWEST
        self._asked_at = 0.0
        self._policy = ""
        self._turn = 0
        self._busy = False
        self._more = False
        self._failures = 0
        self._request = ""
        self._margins: dict[int, float] = {}
        self._trainings: set[str] = set()
        self._names = (f"margins-{number}" for number in count(1))
        self._handed_over: Path | None = None
        self._unsubscribe = engine.subscribe(self._on_any_event)

    def want(self, policy: str) -> None:
        """The margins of this policy from now on; of none with ""."""
        if policy != self._policy:
            self._policy, self.words, self._failures = policy, "", 0
            self._give_up()
            self.news()

    def news(self) -> None:
        """There may be something to score: something was written, or judged."""
        self._more = True
        self.go_on()

    def go_on(self) -> None:
        """The engine may be free now."""
        wanted = self._policy and self._more and self._failures < _MOST_FAILURES
        if self._busy or not wanted or self._trainings or not self._may_score():
            return
        self._busy = True
        turn, policy, size = self._turn, self._policy, self._size
        self._reader.submit(
            lambda project: _gather(project, policy, size),
            lambda batch: self._ask(turn, batch),
            lambda _error: self._stop(turn, ""),
        )

    def close(self) -> None:
        self._policy = ""
        self._give_up()
        self._unsubscribe()

    def _give_up(self) -> None:
        """What is under way is for nothing."""
        self._turn += 1
        self._busy = False
        request, self._request = self._request, ""
        if request:
            self._engine.control(Cancel(target=request))
        self._clear_away()

    def _clear_away(self) -> None:
        """The texts are on the disk only while the engine reads them."""
        path, self._handed_over = self._handed_over, None
        if path is not None:
            path.unlink(missing_ok=True)

    def _stop(self, turn: int, words: str) -> None:
        if turn == self._turn:
            self._busy = self._more = False
            self.words = words

    # --- one batch --------------------------------------------------------------------------------------

    def _ask(self, turn: int, batch: _Batch | str) -> None:
        if isinstance(batch, str):
            self._stop(turn, batch)
            return
        if turn != self._turn:
            batch.pairs.unlink(missing_ok=True)
            return
        self._handed_over = batch.pairs
        if self._trainings or not self._may_score():
            self._busy = False
            self._clear_away()
            return
        self._request, self._margins = next(self._names), {}
        self._asked_at = self._clock()
        request = Score(
            id=self._request,
            policy=batch.policy,
            reference=batch.reference,
            pairs=str(batch.pairs),
            dtype="auto",  # as for writing, so that the model that is loaded serves both
        )
        self._engine.submit(request, lambda event: self._on_event(turn, batch, event))

    def _on_event(self, turn: int, batch: _Batch, event: Event) -> None:
        if turn != self._turn:
            return
        match event:
            case told.PairsScored(scores=scores):
                for score in scores:
                    margin = score.chosen_log_ratio - score.rejected_log_ratio
                    self._margins[int(score.pair)] = margin
            case told.RequestFinished():
                self._request = ""
                self._clear_away()
                self._keep(turn, batch)
            case told.RequestFailed(code=code, message=message):
                self._request = ""
                self._clear_away()
                self._on_failed(turn, code, message)
            case _:
                pass

    def _keep(self, turn: int, batch: _Batch) -> None:
        """Those that the engine left out (too long, empty) are kept as having none."""
        margins = {one: self._margins.get(one, float("nan")) for one in batch.ids}
        self._failures = 0
        self._fit(self._clock() - self._asked_at)

        def kept(_nothing: None) -> None:
            if turn == self._turn:
                self._busy = False
                self._scored()
                self.go_on()

        self._store.submit(
            lambda project: ordering.keep_margins(project, batch.policy, margins),
            kept,
            lambda error: self._stop(turn, str(error)),
        )

    def _fit(self, seconds: float) -> None:
        """The next request takes about as long as one may."""
        if seconds > _SECONDS:
            self._size = max(FEWEST, self._size // 2)
        elif seconds < _SECONDS / 2:
            self._size = min(MOST, 2 * self._size)

    def _on_failed(self, turn: int, code: str, message: str) -> None:
        self._stop(turn, "")
        if code != Cancelled.code:
            self._failures += 1
        if self._failures >= _MOST_FAILURES:
            self.words = message
        # Else the next news has it tried again: at once would be while what made it fail goes on.

    def _on_any_event(self, event: Event) -> None:
        match event:
            case told.TrainingStarted(request=request):
                self._trainings.add(request)
            case told.RequestFinished(request=request) | told.RequestFailed(request=request):
                if request in self._trainings:
                    self._trainings.discard(request)
                    self.go_on()
            case _:
                pass


def _gather(project: Project, policy: str, size: int) -> _Batch | str:
    """The next pairs as a file that the engine reads; or a sentence, or nothing, where there are none."""
    reference = desk.reference_of(project, policy)
    if reference is None:
        return _UNTRAINED
    ids = tuple(ordering.to_score(project, policy, size))
    if not ids:
        return ""
    rows = "".join(_row(comparisons.get(project, one)) for one in ids)
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="dpo-studio-", suffix=".jsonl", delete=False
        ) as file:
            file.write(rows)
    except OSError as error:
        raise StoreError(f"The responses could not be handed to the engine: {error.strerror}.") from error
    return _Batch(policy, reference, Path(file.name), ids)


def _row(comparison: Comparison) -> str:
    turns = [{"role": turn.role, "content": turn.content} for turn in comparison.prompt.messages]
    sides = {
        name: [{"role": "assistant", "content": side.text}]
        for name, side in (("chosen", comparison.left), ("rejected", comparison.right))
    }
    return json.dumps({"id": str(comparison.id), "prompt": turns, **sides}) + "\n"
