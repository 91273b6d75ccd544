"""Makes sure that the policy is on this disk before anything is written with it. Qt-free."""

from collections.abc import Callable
from itertools import count

from app.engine_host.protocol import Engine
from dpo_engine import events as told
from dpo_engine.catalogue import CATALOGUE
from dpo_engine.config import SamplingConfig
from dpo_engine.errors import Cancelled
from dpo_engine.events import Event
from dpo_engine.preferences import Message
from dpo_engine.requests import Cancel, FetchModel, Generate

_CANCELLED = "Getting the model was cancelled. What was downloaded is kept: trying again goes on from there."


class ModelSupply:
    """`want` a model: `there` is called when it can be used; else `problem` says why it cannot."""

    def __init__(self, *, engine: Engine, there: Callable[[], None], changed: Callable[[], None]) -> None:
        self.problem = ""
        self.stage = ""
        self.done = 0
        self.total = 0
        self._engine, self._there, self._changed = engine, there, changed
        self._fetching: str | None = None
        self._trying: str | None = None
        self._numbers = count(1)

    @property
    def fetching(self) -> bool:
        return self._fetching is not None

    @property
    def trying(self) -> bool:
        """A model chosen by hand is being tried."""
        return self._trying is not None

    def want(self, reference: str) -> None:
        """A model of the catalogue is fetched if it must be; any other reference is taken as it is."""
        self.problem = ""
        known = CATALOGUE.get(reference)
        if known is None or known.path is not None:
            self._give_up_fetching()
            self._there()
            return
        if self._fetching is not None:
            return
        self._fetching = f"fetch-{next(self._numbers)}"
        self.stage, self.done, self.total = f"Getting {known.title}", 0, 0
        self._engine.submit(FetchModel(id=self._fetching, model=reference), self._on_fetch_event)
        self._changed()

    def cancel(self) -> None:
        for request in (self._fetching, self._trying):
            if request is not None:
                self._engine.control(Cancel(target=request))

    def try_out(self, reference: str, works: Callable[[str], None], fails: Callable[[str], None]) -> None:
        """Have the model write a word: `works` is called if it can, else `fails` with a sentence."""
        if self._trying is not None:
            return
        request = f"try-model-{next(self._numbers)}"
        self._trying = request

        def hear(event: Event) -> None:
            match event:
                case told.RequestFinished():
                    self._trying = None
                    self._give_up_fetching()
                    works(reference)
                case told.RequestFailed():
                    self._trying = None
                    cancelled = event.code == Cancelled.code
                    fails("" if cancelled else event.message)
                case _:
                    pass

        sampling = SamplingConfig(max_new_tokens=1)
        prompt = (Message("user", "Hello"),)
        self._engine.submit(
            Generate(id=request, policy=reference, prompt=prompt, n=1, sampling=sampling), hear
        )
        self._changed()

    def _give_up_fetching(self) -> None:
        fetching, self._fetching = self._fetching, None
        if fetching is not None:
            self._engine.control(Cancel(target=fetching))

    def _on_fetch_event(self, event: Event) -> None:
        if getattr(event, "request", None) != self._fetching:
            return
        match event:
            case told.Progress():
                self.stage, self.done, self.total = event.stage, event.done, event.total
                self._changed()
            case told.RequestFinished():
                self._fetching = None
                self._there()
            case told.RequestFailed():
                self._fetching = None
                self.problem = _CANCELLED if event.code == Cancelled.code else event.message
                self._changed()
            case _:
                pass
