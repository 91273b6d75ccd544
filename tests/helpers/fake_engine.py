"""A stand-in for the engine in presenter and page tests: no Qt, no torch, no threads, no clock.

    engine = FakeEngine()                       # implements app.engine_host.protocol.Engine
    presenter = SomePresenter(engine=engine)
    ...
    engine.requests                             # every submitted request, in order
    engine.controls                             # every control, in order
    engine.last(Generate)                       # the newest request of a kind
    engine.open                                 # ids of requests that have not ended yet
    engine.emit(TextDelta(request=..., ...))    # now: to the request's listener, then to the subscribers
    engine.finish("id"); engine.fail("id", code="out_of_memory", message="…")
    engine.die()                                # every open request fails with code engine_died

Scripts answer requests by themselves, between `RequestStarted` and the end:

    engine.auto_generate(["left text", "right text"])      # word by word
    engine.auto_train(steps=4, evaluate_every=2)           # steps, evaluations, checkpoints, result
    engine.auto_score([PairScore(...), ...])               # or a function from the Score to its scores
    engine.auto_fetch(size=1000)
    engine.script(Train, my_function)                      # Train -> iterable of events

As with the real engine nothing is heard inside `submit` or `control`: what a script says waits until
`deliver()`, which goes on until nothing is left, or `deliver(3)` for three events (to look at half a text).
Requests are answered one after another. Cancel, Pause, Resume, StopAndKeep and Shutdown act on scripted
requests as on real ones. A request of a kind without a script stays open until the test ends it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, TypeVar

from app.engine_host.protocol import Listener
from dpo_engine import requests as ask
from dpo_engine.events import (
    CandidateDone,
    CheckpointSaved,
    Evaluated,
    Event,
    ModelFetched,
    PairsScored,
    Progress,
    RequestFailed,
    RequestFinished,
    RequestStarted,
    StepDone,
    TextDelta,
    TrainingFinished,
    TrainingPaused,
    TrainingResumed,
    TrainingStarted,
)
from dpo_engine.pair_math import PairScore
from dpo_engine.requests import Control, FetchModel, Generate, GenerateMany, Request, Score, Train

Script = Callable[[Any], Iterable[Event]]
Kind = TypeVar("Kind", bound=Request)


class FakeEngine:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.controls: list[Control] = []
        self._listeners: dict[str, Listener] = {}
        self._subscribers: list[Listener] = []
        self._scripts: dict[type[Any], Script] = {}
        self._running: dict[str, Iterator[Event]] = {}
        self._paused: set[str] = set()
        self._steps: dict[str, int] = {}
        self._pending: deque[Event] = deque()

    # --- the protocol -------------------------------------------------------------------------------

    def submit(self, request: Request, listener: Listener) -> None:
        assert request.id not in self._listeners, f"request id {request.id!r} is still in use"
        self.requests.append(request)
        self._listeners[request.id] = listener
        script = self._scripts.get(type(request))
        if script is not None:
            self._running[request.id] = _whole(request, script)

    def control(self, control: Control) -> None:
        self.controls.append(control)
        match control:
            case ask.Cancel(target=target) if target in self._running:
                self._end(target, _failed(target, "cancelled", "Cancelled."))
            case ask.Pause(target=target) if target in self._running:
                self._paused.add(target)
                self._pending.append(TrainingPaused(request=target, step=self._steps.get(target, 0)))
            case ask.Resume(target=target) if target in self._paused:
                self._paused.discard(target)
                self._pending.append(TrainingResumed(request=target, step=self._steps.get(target, 0)))
            case ask.StopAndKeep(target=target) if target in self._running:
                run = next(r.run for r in self.requests if r.id == target and isinstance(r, Train))
                step = self._steps.get(target, 0)
                self._pending.append(_training_finished(target, run, step=step, stopped=True))
                self._end(target, RequestFinished(request=target))
            case ask.Shutdown():
                for target in list(self._running):
                    self._end(target, _failed(target, "cancelled", "The engine was shut down."))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._subscribers.append(listener)
        return lambda: self._subscribers.remove(listener) if listener in self._subscribers else None

    # --- what tests look at and do --------------------------------------------------------------------

    @property
    def open(self) -> list[str]:
        """Ids of the requests that have not ended, oldest first."""
        return list(self._listeners)

    def last(self, kind: type[Kind]) -> Kind:
        """The newest request of this kind; the test fails when there is none."""
        found = [request for request in self.requests if isinstance(request, kind)]
        assert found, f"no {kind.__name__} was submitted"
        return found[-1]

    def emit(self, event: Event) -> None:
        """Say `event` now: to the listener of its request, then to every subscriber."""
        request: str | None = getattr(event, "request", None)
        listener = self._listeners.get(request) if request is not None else None
        if isinstance(event, StepDone):
            self._steps[event.request] = event.step
        if request is not None and isinstance(event, (RequestFinished, RequestFailed)):
            self._forget(request)
        for hear in [listener, *self._subscribers]:
            if hear is not None:
                hear(event)

    def finish(self, request: str) -> None:
        self.emit(RequestFinished(request=request))

    def fail(self, request: str, *, code: str, message: str, detail: str = "") -> None:
        self.emit(RequestFailed(request=request, code=code, message=message, detail=detail))

    def die(self, message: str = "The engine stopped unexpectedly. It was started again.") -> None:
        """What a death of the engine looks like to those who wait."""
        for request in self.open:
            self.fail(request, code="engine_died", message=message, detail="exit code -9")

    def script(self, kind: type[Any], events_for: Script) -> None:
        """From now on answer requests of this kind with `events_for(request)`."""
        self._scripts[kind] = events_for

    def deliver(self, limit: int | None = None) -> int:
        """Say at most `limit` of the events that wait (all of them without a limit); how many it were."""
        said = 0
        while limit is None or said < limit:
            event = self._next()
            if event is None:
                break
            self.emit(event)
            said += 1
        return said

    def auto_generate(self, texts: Sequence[str], *, fingerprint: str = "f" * 64) -> None:
        """Candidate i of every prompt is `texts[i % len(texts)]`, streamed word by word, side by side.

        Of a `GenerateMany` one prompt is answered after the other.
        """
        self.script(Generate, lambda request: _generation(request, texts, fingerprint))
        self.script(GenerateMany, lambda request: _generations(request, texts, fingerprint))

    def auto_train(self, steps: int = 4, *, evaluate_every: int = 0, save_every: int = 0) -> None:
        """Every `Train` takes `steps` steps of falling loss; 0 leaves evaluations or checkpoints out."""
        self.script(Train, lambda request: _training(request, steps, evaluate_every, save_every))

    def auto_score(self, scores: Sequence[PairScore] | Callable[[Score], Sequence[PairScore]]) -> None:
        """Every `Score` is answered with these scores, two an event."""
        self.script(Score, lambda request: _scoring(request, scores))

    def auto_fetch(self, size: int = 1000) -> None:
        """Every `FetchModel` downloads `size` bytes in four parts."""
        self.script(FetchModel, lambda request: _fetching(request, size))

    # --- inside ---------------------------------------------------------------------------------------

    def _next(self) -> Event | None:
        if self._pending:
            return self._pending.popleft()
        for request, events in list(self._running.items()):
            if request not in self._paused:
                event = next(events, None)
                if event is not None:
                    return event
                del self._running[request]
        return None

    def _end(self, request: str, last: Event) -> None:
        self._running.pop(request)
        self._paused.discard(request)
        self._pending.append(last)

    def _forget(self, request: str) -> None:
        self._listeners.pop(request, None)
        self._running.pop(request, None)
        self._paused.discard(request)


def _failed(request: str, code: str, message: str) -> RequestFailed:
    return RequestFailed(request=request, code=code, message=message)


def _whole(request: Request, script: Script) -> Iterator[Event]:
    yield RequestStarted(request=request.id)
    yield from script(request)
    yield RequestFinished(request=request.id)


def _generation(request: Generate, texts: Sequence[str], fingerprint: str) -> Iterator[Event]:
    chosen = [texts[index % len(texts)] for index in range(request.n)]
    words = [text.split(" ") for text in chosen]
    for position in range(max(map(len, words))):
        for index, parts in enumerate(words):
            if position < len(parts):
                text = parts[position] if position == 0 else " " + parts[position]
                yield TextDelta(request=request.id, index=index, text=text)
    for index, text in enumerate(chosen):
        yield CandidateDone(
            request=request.id,
            index=index,
            text=text,
            tokens=len(words[index]),
            seed=request.seed + index,
            finish_reason="end",
            seconds=0.1,
            fingerprint=fingerprint,
        )


def _generations(request: GenerateMany, texts: Sequence[str], fingerprint: str) -> Iterator[Event]:
    for place, asked in enumerate(request.prompts):
        one = Generate(
            id=request.id, policy=request.policy, prompt=asked.prompt, n=request.n, seed=asked.seed
        )
        for event in _generation(one, texts, fingerprint):
            assert isinstance(event, (TextDelta, CandidateDone))
            yield replace(event, index=place * request.n + event.index)


def _training(request: Train, steps: int, evaluate_every: int, save_every: int) -> Iterator[Event]:
    yield TrainingStarted(
        request=request.id,
        run=request.run,
        first_step=0,
        total_steps=steps,
        train_pairs=4 * steps,
        held_out_pairs=4 if evaluate_every else 0,
        learning_rate=2e-4,
        device="cpu",
        dtype="float32",
        trainable_parameters=1000,
    )
    for step in range(1, steps + 1):
        yield StepDone(
            request=request.id,
            step=step,
            total_steps=steps,
            metrics=training_metrics(step, steps),
            seconds_left=float(steps - step),
        )
        if evaluate_every and step % evaluate_every == 0:
            metrics = {f"eval_{name}": value for name, value in training_metrics(step, steps).items()}
            yield Evaluated(request=request.id, step=step, metrics=metrics)
        if save_every and step % save_every == 0:
            path = str(PurePosixPath(request.run, "checkpoints", f"step-{step:06d}"))
            yield CheckpointSaved(request=request.id, step=step, path=path)
    yield _training_finished(request.id, request.run, step=steps, stopped=False)


def training_metrics(step: int, steps: int) -> dict[str, float]:
    """A plausible row of metrics for `step` of `steps`: the loss falls from ln 2, the margin grows from 0."""
    done = (step - 1) / max(1, steps)
    return {
        "loss": 0.6931471805599453 - 0.3 * done,
        "rewards/chosen": 0.5 * done,
        "rewards/rejected": -0.5 * done,
        "rewards/margins": done,
        "rewards/accuracies": min(1.0, 0.5 + done),
        "logps/chosen": -40.0 + 5.0 * done,
        "logps/rejected": -42.0 - 5.0 * done,
        "grad_norm": 1.5,
        "learning_rate": 2e-4 * (1.0 - done),
        "num_tokens": 100.0 * step,
        "epoch": step / max(1, steps),
        "step_seconds": 1.0,
        "tokens_per_second": 100.0,
    }


def _training_finished(request: str, run: str, *, step: int, stopped: bool) -> TrainingFinished:
    policy = str(PurePosixPath(run, "policy"))
    return TrainingFinished(request=request, run=run, step=step, policy=policy, stopped=stopped)


def _scoring(
    request: Score, scores: Sequence[PairScore] | Callable[[Score], Sequence[PairScore]]
) -> Iterator[Event]:
    rows = scores(request) if callable(scores) else scores
    for start in range(0, len(rows), 2):
        yield PairsScored(request=request.id, scores=tuple(rows[start : start + 2]))


def _fetching(request: FetchModel, size: int) -> Iterator[Event]:
    for part in range(5):
        yield Progress(
            request=request.id,
            stage="Downloading the model",
            done=size * part // 4,
            total=size,
            unit="bytes",
        )
    yield ModelFetched(request=request.id, model=request.model, path=f"/models/{request.model}")
