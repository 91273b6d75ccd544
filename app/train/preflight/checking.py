"""One check under way: pairs read, snapshot written, the engine asked, its columns gathered. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass

from app.store.errors import StoreError
from app.train.preflight.facts import FactsComing
from app.train.preflight.material import Asked, Material, Scratch, read_material
from app.train.preflight.report import Report
from app.train.tools import Tools
from dpo_engine import events as told
from dpo_engine.errors import EngineError
from dpo_engine.preflight import Measured
from dpo_engine.requests import Cancel, Preflight


@dataclass(frozen=True, kw_only=True)
class Checked:
    asked: Asked
    version: str
    scratch: Scratch
    report: Report


class Checking:
    """`changed` is called with news, then once `done` or `failed` (with a sentence), unless it was cancelled.

    The scratch folder is the caller's once `done` has it; otherwise it goes when this ends.
    """

    def __init__(
        self,
        tools: Tools,
        asked: Asked,
        request_id: str,
        *,
        changed: Callable[[], None],
        done: Callable[[Checked], None],
        failed: Callable[[str], None],
    ) -> None:
        self.stage, self.finished, self.total = "Reading the pairs", 0, 0
        self.asked = asked
        self._tools, self._id = tools, request_id
        self._changed, self._done, self._failed = changed, done, failed
        self._coming = FactsComing()
        self._notes: list[str] = []
        self._ended: told.PreflightDone | None = None
        self._scratch: Scratch | None = None
        self._version = ""
        self._over = False
        self._give_up: Callable[[], None] | None = None

    def begin(self) -> None:
        selection = self.asked.selection
        self._give_up = self._tools.reader.submit(
            lambda project: read_material(project, selection), self._on_read, self._on_store_failed
        )

    def cancel(self) -> None:
        """End early; nothing stays."""
        if not self._over:
            self._over = True
            if self._give_up is not None:
                self._give_up()
            if self._scratch is not None:
                self._tools.engine.control(Cancel(target=self._id))
            self._let_go()

    def _on_read(self, material: Material) -> None:
        if self._over:
            return
        self._version = material.version
        self._tools.background.submit(
            lambda: Scratch(material.pairs), self._on_written, self._on_write_failed
        )

    def _on_written(self, scratch: Scratch) -> None:
        self._scratch = scratch
        if self._over:
            self._let_go()
            return
        self.stage, self.total = "Waiting for the engine", len(scratch)
        self._tools.engine.submit(
            Preflight(
                id=self._id, policy=self.asked.policy, pairs=str(scratch.path), config=self.asked.config
            ),
            self._on_event,
        )
        self._changed()

    def _on_event(self, event: told.Event) -> None:
        if self._over:
            return
        match event:
            case told.Progress():
                self.stage, self.finished, self.total = event.stage, event.done, event.total
                self._changed()
            case told.Note(message=message):
                self._notes.append(message)
            case told.PairsLookedAt(facts=facts, refused=refused):
                self._coming.take(facts, refused)
            case told.PreflightDone():
                self._ended = event
            case told.RequestFinished():
                self._finish()
            case told.RequestFailed(message=message):
                self._fail(message)
            case _:
                pass

    def _finish(self) -> None:
        if self._ended is None or self._scratch is None:
            self._fail("The engine ended the check without a result. Nothing was changed; check again.")
            return
        self._over = True
        report = Report(
            config=self.asked.config,
            table=self._coming.table(),
            summary=self._ended.summary,
            needs=self._ended.needs,
            notes=tuple(self._notes),
        )
        self._done(Checked(asked=self.asked, version=self._version, scratch=self._scratch, report=report))

    def _fail(self, sentence: str) -> None:
        self._over = True
        self._let_go()
        self._failed(sentence)

    def _on_store_failed(self, error: StoreError) -> None:
        if not self._over:
            self._fail(str(error))

    def _on_write_failed(self, error: Exception) -> None:
        if not self._over:
            known = isinstance(error, EngineError)
            said = str(error) if known else f"The pairs could not be written for the check: {error}."
            self._fail(said if known else f"{said} Nothing was changed; free some space and check again.")

    def _let_go(self) -> None:
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            self._tools.background.submit(scratch.close, lambda _: None, lambda _: None)


class Measuring:
    """The longest pairs computed for real. Calls as `Checking` does."""

    def __init__(
        self,
        tools: Tools,
        checked: Checked,
        request_id: str,
        *,
        changed: Callable[[], None],
        done: Callable[[Measured], None],
        failed: Callable[[str], None],
    ) -> None:
        self.stage, self.finished, self.total = "Waiting for the engine", 0, 0
        self._tools, self._id = tools, request_id
        self._changed, self._done, self._failed = changed, done, failed
        self._measured: Measured | None = None
        self._over = False
        asked = checked.asked
        tools.engine.submit(
            Preflight(
                id=request_id,
                policy=asked.policy,
                pairs=str(checked.scratch.path),
                config=asked.config,
                facts=False,
                measure=True,
            ),
            self._on_event,
        )

    def cancel(self) -> None:
        if not self._over:
            self._over = True
            self._tools.engine.control(Cancel(target=self._id))

    def _on_event(self, event: told.Event) -> None:
        if self._over:
            return
        match event:
            case told.Progress():
                self.stage, self.finished, self.total = event.stage, event.done, event.total
                self._changed()
            case told.PreflightMeasured(measured=measured):
                self._measured = measured
            case told.RequestFinished() if self._measured is not None:
                self._over = True
                self._done(self._measured)
            case told.RequestFinished():
                self._over = True
                self._failed("The engine ended without a result. Nothing was changed; measure again.")
            case told.RequestFailed(code="out_of_memory"):
                self._over = True
                self._done(Measured(peak=0, fits=False, longest_pair="", seconds_a_pair=0.0))
            case told.RequestFailed(message=message):
                self._over = True
                self._failed(message)
            case _:
                pass
