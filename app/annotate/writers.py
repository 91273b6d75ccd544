"""Who writes: the policy, with or without an opponent, and what is written ahead for the person. Qt-free."""

from collections.abc import Callable

from app.annotate import desk
from app.annotate.drafts import Author
from app.annotate.line import Line
from app.annotate.model_supply import ModelSupply
from app.annotate.state import Opponent
from app.annotate.voice import Voice
from app.annotate.write_ahead import WriteAhead
from app.engine_host.protocol import Engine
from app.store.access import StoreAccess
from app.store.errors import StoreError
from dpo_engine.config import SamplingConfig


class Writers:
    """Keeps the models at hand and the queue filled by whom the person chose."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        ahead: WriteAhead,
        line: Line,
        voice: Voice,
        changed: Callable[[], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        self.policy = ""
        self.sampling = SamplingConfig()
        self.opponent: Opponent | None = None
        self.models = ModelSupply(engine=engine, there=self._on_models_there, changed=changed)
        self._store, self._ahead, self._line, self._voice = store, ahead, line, voice
        self._changed, self._failed = changed, failed
        self._listeners: list[Callable[[str], None]] = []
        self._begun = False

    def listen(self, listener: Callable[[str], None]) -> None:
        """Hear which model is the policy, now and whenever it is another one."""
        self._listeners.append(listener)
        if self.policy:
            listener(self.policy)

    def begin(self, policy: str, sampling: SamplingConfig, opponent: Opponent | None) -> None:
        """As the project was left; a policy that was set meanwhile stays."""
        self._begun = True
        self.sampling, self.opponent = sampling, opponent
        if not self.policy:
            self.policy = policy
            self._tell()
        self._want()

    def set_policy(self, policy: str) -> None:
        """Another model writes from now on; what waits by others leaves the queue."""
        if policy == self.policy and not (self.models.problem or self.models.fetching):
            return
        self.policy = policy
        self._tell()
        self._change()

    def set_opponent(self, opponent: Opponent | None) -> None:
        """Compare what two different authors write, or (None) two draws of the policy."""
        if opponent != self.opponent:
            self.opponent = opponent
            self._change()
            self._voice.say(
                "Two draws of the policy from now on."
                if opponent is None
                else "Two different authors from now on; which is which is not shown."
            )

    def set_sampling(self, sampling: SamplingConfig) -> None:
        """How the policy draws what is written from now on."""
        if sampling == self.sampling:
            return
        self.sampling = sampling
        self._ahead.set_authors(self._authors)
        self._store.submit(
            lambda project: desk.keep_sampling(project, sampling),
            lambda _: self._voice.say("New sampling settings for what is written next."),
            self._voice.complain,
        )
        self._changed()

    def use_model(self, reference: str) -> None:
        """Try a model (a folder, a hub id, the starter); it becomes the policy only if it can write."""

        def fails(sentence: str) -> None:
            if sentence:
                self._voice.complain(sentence)
            self._changed()

        self._voice.hush()
        self.models.try_out(reference, self.set_policy, fails)

    def try_again(self) -> None:
        self._ahead.stand_by()
        self._want()

    def author_of(self, model: str) -> Author:
        """Who writes in place of what this model wrote: itself if it still writes, else the policy."""
        own, *others = self._authors
        return next((one for one in others if one.policy == model != own.policy), own)

    @property
    def _authors(self) -> tuple[Author, ...]:
        own = Author(policy=self.policy, sampling=self.sampling)
        return (own,) if self.opponent is None else (own, self.opponent)

    def _change(self) -> None:
        policy, opponent = self.policy, self.opponent
        self._line.forget()
        self._store.submit(
            lambda project: desk.change_authors(project, policy, opponent),
            lambda _retired: self._line.look_ahead(),
            self._failed,
        )
        self._ahead.stand_by()
        self._want()
        self._changed()

    def _want(self) -> None:
        self.models.want(*(author.policy for author in self._authors))

    def _on_models_there(self) -> None:
        if self._begun:
            self._ahead.begin(self._authors, self._line.waiting)
        self._changed()

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener(self.policy)
