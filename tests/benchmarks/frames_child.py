"""The measured side of `frames_while_training`: the real app trains, and its own thread is watched."""

import json
import time

import psutil  # type: ignore[import-untyped]
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from dpo_engine.conversations import Message
from dpo_engine.events import Event, StepDone
from tests.benchmarks.frames_while_training import MARK, PAIRS_A_STEP, pairs_per_second
from tests.benchmarks.latency_child import Gaps, project_file, spin, until

_WAITING = 60
"""Comparisons that wait for a verdict: more than are ever written ahead."""
_WORDS = "is a number with many sides, and here is one of them. "


class WatchedApp(QApplication):
    """Clocks what the window's thread does, from the loop's call to its return."""

    def __init__(self) -> None:
        super().__init__([])
        self.turns: list[float] = []
        """Milliseconds of each piece of work."""
        self.frames: list[float] = []
        """Milliseconds of each picture: its pixels, and the turn of painting curves right before."""
        self._inside = False
        self._drawn = 0.0

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        if self._inside:
            return super().notify(receiver, event)
        self._inside = True
        kind, started = event.type(), time.perf_counter()
        try:
            return super().notify(receiver, event)
        finally:
            self._inside = False
            self._took(kind, (time.perf_counter() - started) * 1000)

    def forget(self) -> None:
        self.turns.clear()
        self.frames.clear()

    def _took(self, kind: QEvent.Type, milliseconds: float) -> None:
        self.turns.append(milliseconds)
        if kind == QEvent.Type.Timer:
            self._drawn = milliseconds
        elif kind == QEvent.Type.UpdateRequest:
            self.frames.append(milliseconds + self._drawn)
            self._drawn = 0.0


def measure(model: str, steps: int, *, watched: bool) -> None:
    """Train a run of `steps` steps with its curves in view, and print what was seen.

    Looking every 5 ms whether the loop still runs costs the training some of the processor, so the speed is
    taken where nobody is `watched`.
    """
    from app.main import Studio
    from app.options import parse

    app = WatchedApp() if watched else QApplication([])
    project = project_file(f"frames-{time.time_ns()}")
    _fill(project, model, steps * PAIRS_A_STEP)
    studio = Studio(app, parse(["--project", str(project), "--size", "1280x800"]))
    studio.start()
    until(lambda: studio.workspace is not None, 30)
    workspace = studio.workspace
    assert workspace is not None
    moments: list[float] = []

    def hear(event: Event) -> None:
        if isinstance(event, StepDone):
            moments.append(time.monotonic())

    workspace.engine.event_received.connect(hear)
    studio.window.show_place("train")
    until(lambda: workspace.train.state.can_start, 30)
    spin(3.0)  # the plots are loaded and laid out
    workspace.train.form.configure({"num_train_epochs": 1.0})
    workspace.train.start()
    until(lambda: moments, 900, every_ms=100)
    figures: dict[str, object] = {}
    used = psutil.Process().cpu_times()
    if isinstance(app, WatchedApp):
        app.forget()
        gaps = Gaps()
        until(lambda: workspace.train.state.progress is None, 1800)
        gaps.stop()
        figures = _seen(app, gaps)
    else:
        until(lambda: workspace.train.state.progress is None, 1800, every_ms=100)
    now = psutil.Process().cpu_times()
    figures |= {
        "window_share": (now.user + now.system - used.user - used.system) / (moments[-1] - moments[0]),
        "pairs_per_second": pairs_per_second(moments),
        "run": workspace.train.state.runs[0].run.folder,
    }
    print(MARK + json.dumps(figures), flush=True)
    studio.close()
    app.exec()


def _seen(app: WatchedApp, gaps: Gaps) -> dict[str, object]:
    frames, waits = sorted(app.frames), sorted(gaps.found)
    return {
        "gap_worst_ms": waits[-1],
        "gap_p99_ms": waits[int(len(waits) * 0.99)],
        "frame_median_ms": frames[len(frames) // 2],
        "frame_worst_ms": frames[-1],
        "turn_worst_ms": max(app.turns),
        "frames": len(frames),
    }


def _fill(path: object, model: str, count: int) -> None:
    """`count` verdicts, and a full queue: the engine has nothing to write beside the training."""
    from app.store import settings
    from app.store.collecting import comparisons, prompts, verdicts
    from app.store.project import create_project
    from app.store.records import NewCandidate

    project = create_project(path, with_starter_prompts=False)  # type: ignore[arg-type]
    settings.set_setting(project, "policy", model)
    for number in range(count + _WAITING):
        prompt = prompts.add_prompt(
            project,
            (Message("user", f"Tell me about the number {number}."),),
            source="bench",
            split="train",
        )
        first, second = (
            NewCandidate(
                text=f"The number {number} " + _WORDS * repeats,
                model=model,
                fingerprint="",
                sampling={},
                seed=number,
                finish_reason="end",
                tokens=12 * repeats,
                seconds=1.0,
            )
            for repeats in (4 + number % 5, 3 + number % 7)
        )
        comparison = comparisons.add_comparison(project, prompt.id, (first, second), swapped=False)
        if number >= count:
            continue
        verdicts.give_verdict(project, comparison.id, "left", strength=1, annotator="me", seconds=2.0)
    project.close()
