"""Around training: the computer stays awake, and who looks elsewhere hears of the end. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.store.records import Run
from app.train.presenter import TrainPresenter
from app.train.training import Outcome
from app.train.wording import count, figure, short_name


class Wakefulness(Protocol):
    """`app.shell.wakefulness.KeepAwake` is the real one."""

    def hold(self) -> None: ...

    def release(self) -> None: ...


class Notifications(Protocol):
    """`app.shell.notifications.DesktopNotifications` is the real one."""

    def notify(self, title: str, text: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the person wants of it."""

    keep_awake: bool = True
    notify: bool = True


class Attending:
    """Follows a presenter until `close`. A paused run lets the computer sleep."""

    def __init__(
        self,
        presenter: TrainPresenter,
        *,
        wakefulness: Wakefulness,
        notifications: Notifications,
        wishes: Callable[[], Wishes],
    ) -> None:
        self._presenter = presenter
        self._wakefulness, self._notifications, self._wishes = wakefulness, notifications, wishes
        self._stops = (
            presenter.listen(self._on_changed),
            presenter.listen_to_ends(self._on_ended),
        )

    def close(self) -> None:
        for stop in self._stops:
            stop()
        self._wakefulness.release()

    def _on_changed(self) -> None:
        phase = self._presenter.phase
        if phase is not None and phase != "paused" and self._wishes().keep_awake:
            self._wakefulness.hold()
        else:
            self._wakefulness.release()

    def _on_ended(self, run: Run, outcome: Outcome) -> None:
        if self._wishes().notify and not outcome.put_off and not outcome.by_person:
            waiting = len(self._presenter.queue.state.waiting)
            self._notifications.notify(*end_words(run, outcome, waiting))


def end_words(run: Run, outcome: Outcome, waiting: int) -> tuple[str, str]:
    """A title and a sentence or two about how a run ended and what is next."""
    verb = {"finished": "finished", "stopped": "stopped", "failed": "failed"}.get(
        outcome.status, "ended early"
    )
    sentences = [outcome.message] if outcome.message else []
    if outcome.status in ("finished", "stopped") and outcome.step:
        margin = "" if outcome.margin is None else figure("{:.3f}", outcome.margin)
        reached = f" with a reward margin of {margin}" if margin else ""
        sentences.append(f"{count(outcome.step, 'step')}{reached}.")
    if waiting:
        sentences.append(f"{count(waiting, 'more run')} {'waits' if waiting == 1 else 'wait'}.")
    return f"{short_name(run.name)} {verb}", " ".join(sentences)
