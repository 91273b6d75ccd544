"""The exact tokens of one pair: read from the snapshot, asked of the engine. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.train.preflight.checking import Checked
from app.train.tools import Tools
from dpo_engine import events as told
from dpo_engine.conversations import Pair
from dpo_engine.preflight import TokenColumns
from dpo_engine.requests import Cancel, TokenizePair


@dataclass(frozen=True, kw_only=True)
class PairTokens:
    """`problem`: why there are none, or why training leaves the pair out, as a sentence."""

    name: str
    prompt: TokenColumns = field(default_factory=TokenColumns)
    chosen: TokenColumns = field(default_factory=TokenColumns)
    rejected: TokenColumns = field(default_factory=TokenColumns)
    problem: str = ""


class TokensOfPair:
    """`shown` is called once, unless it was cancelled."""

    def __init__(
        self,
        tools: Tools,
        checked: Checked,
        name: str,
        request_id: str,
        *,
        shown: Callable[[PairTokens], None],
    ) -> None:
        self.name = name
        self._tools, self._checked, self._id, self._shown = tools, checked, request_id, shown
        self._found: PairTokens | None = None
        self._over = False
        self._asked = False

    def begin(self) -> None:
        scratch, name = self._checked.scratch, self.name
        self._tools.background.submit(lambda: scratch.pair(name), self._on_read, self._on_read_failed)

    def cancel(self) -> None:
        if not self._over and self._asked:
            self._tools.engine.control(Cancel(target=self._id))
        self._over = True

    def _on_read(self, pair: Pair) -> None:
        if self._over:
            return
        asked, self._asked = self._checked.asked, True
        self._tools.engine.submit(
            TokenizePair(id=self._id, policy=asked.policy, pair=pair, max_length=asked.config.max_length),
            self._on_event,
        )

    def _on_event(self, event: told.Event) -> None:
        if self._over:
            return
        match event:
            case told.PairTokenized():
                self._found = PairTokens(
                    name=self.name,
                    prompt=event.prompt,
                    chosen=event.chosen,
                    rejected=event.rejected,
                    problem=event.refused,
                )
            case told.RequestFinished() if self._found is not None:
                self._end(self._found)
            case told.RequestFailed(message=message):
                self._end(PairTokens(name=self.name, problem=message))
            case _:
                pass

    def _on_read_failed(self, _error: Exception) -> None:
        if not self._over:
            sentence = "This pair is no longer part of the check. Check again to look at it."
            self._end(PairTokens(name=self.name, problem=sentence))

    def _end(self, tokens: PairTokens) -> None:
        self._over = True
        self._shown(tokens)
