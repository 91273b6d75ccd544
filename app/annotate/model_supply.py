"""Makes sure that the models that write are on this disk before anything is written with them. Qt-free."""

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
    """`want` models: `there` is called when they can be used; else `problem` says why one cannot."""

    def __init__(self, *, engine: Engine, there: Callable[[], None], changed: Callable[[], None]) -> None:
        self.problem = ""
        self.stage = ""
        self.done = 0
        self.total = 0
        self._engine, self._there, self._changed = engine, there, changed
        self._wanted: tuple[str, ...] = ()
        self._fetching: str | None = None
        self._fetched = ""
        self._trying: str | None = None
        self._numbers = count(1)

    @property
    def fetching(self) -> bool:
        return self._fetching is not None

    @property
    def trying(self) -> bool:
        """A model chosen by hand is being tried."""
        return self._trying is not None

    def want(self, *references: str) -> None:
        """Those of the catalogue are fetched if they must be; any other reference is taken as it is."""
        self.problem = ""
        self._wanted = references
        missing = next((one for one in map(CATALOGUE.get, references) if one and one.path is None), None)
        if missing is None:
            self._give_up_fetching()
            self._there()
            return
        if self._fetching is not None and self._fetched == missing.name:
            return
        self._give_up_fetching()
        self._fetching, self._fetched = f"fetch-{next(self._numbers)}", missing.name
        self.stage, self.done, self.total = f"Getting {missing.title}", 0, 0
        self._engine.submit(FetchModel(id=self._fetching, model=missing.name), self._on_fetch_event)
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
                self.want(*(one for one in self._wanted if one != self._fetched))
            case told.RequestFailed():
                self._fetching = None
                self.problem = _CANCELLED if event.code == Cancelled.code else event.message
                self._changed()
            case _:
                pass
