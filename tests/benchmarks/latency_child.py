"""The measured side of `app_latency`: the real app, driven and watched from inside."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QElapsedTimer, QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

TICK_MS = 5


def measure_start(mark: str) -> None:
    """Seconds from the start of the process (told by the parent) to the first painted window."""
    from app.main import Studio
    from app.options import parse

    app = QApplication([])
    studio = Studio(app, parse(["--project", str(project_file("start"))]))
    studio.start()
    while not studio.window.isVisible():
        app.processEvents()
    studio.window.repaint()
    shown = time.time()
    print(mark + json.dumps({"window_s": shown - float(os.environ["LATENCY_STARTED"])}), flush=True)
    os._exit(0)


def measure_work(mark: str, model: str, verdicts: int) -> None:
    """Judge `verdicts` waiting comparisons by key, then train on them while the engine writes ahead."""
    from app.main import Studio
    from app.options import parse

    app = QApplication([])
    project = project_file("work")
    _fill(project, model, verdicts + 4)
    studio = Studio(app, parse(["--project", str(project), "--size", "1280x800"]))
    studio.start()
    until(lambda: studio.workspace is not None, 30)
    workspace = studio.workspace
    assert workspace is not None
    until(lambda: workspace.annotate.state.phase == "ready", 30)
    studio.window.show_place("train")
    studio.window.show_place("annotate")
    spin(0.5)
    waits = [_judge(studio.window, workspace.annotate) for _ in range(verdicts)]
    studio.window.show_place("train")
    until(lambda: workspace.train.state.can_start, 30)
    workspace.train.form.configure({"num_train_epochs": 1.0})
    workspace.train.start()
    until(lambda: (progress := workspace.train.state.progress) and progress.step >= 1, 900)
    began = time.monotonic()
    gaps = Gaps()
    until(lambda: workspace.train.state.progress is None, 1800)
    step = workspace.train.state.runs[0].run.step
    gaps.stop()
    figures = {
        "verdicts": len(waits),
        "next_median_ms": sorted(waits)[len(waits) // 2],
        "next_worst_ms": max(waits),
        "gap_p99_ms": sorted(gaps.found)[int(len(gaps.found) * 0.99)],
        "gap_worst_ms": max(gaps.found),
        "ticks": len(gaps.found),
        "steps": step,
        "training_s": time.monotonic() - began,
    }
    print(mark + json.dumps(figures), flush=True)
    studio.close()
    app.exec()


def _judge(window: object, presenter: object) -> float:
    """Milliseconds from the key to the next comparison, painted."""
    before = presenter.state.comparison.id  # type: ignore[attr-defined]
    clock = QElapsedTimer()
    clock.start()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_1)  # type: ignore[attr-defined]

    def next_is_there() -> bool:
        state = presenter.state  # type: ignore[attr-defined]
        return state.phase == "ready" and state.comparison.id != before

    until(next_is_there, 10)
    window.repaint()  # type: ignore[attr-defined]
    waited = clock.nsecsElapsed() / 1e6
    spin(0.05)
    return waited


class Gaps:
    """Time between two turns of the event loop beyond the timer's own period, in milliseconds."""

    def __init__(self) -> None:
        self.found: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=TICK_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _look(self) -> None:
        now = time.perf_counter()
        self.found.append((now - self._last) * 1000 - TICK_MS)
        self._last = now


def _fill(path: Path, model: str, count: int) -> None:
    """A project with `count` comparisons waiting, as if written ahead."""
    from app.store import settings
    from app.store.collecting import comparisons, prompts
    from app.store.project import create_project
    from app.store.records import NewCandidate

    project = create_project(path)
    settings.set_setting(project, "policy", model)
    settings.set_setting(project, "sampling", {"max_new_tokens": 48})
    words = "A sentence that a model might have written about this. "
    for number, prompt in enumerate(prompts.prompts_needing_comparisons(project, count)):
        first, second = (
            NewCandidate(
                text=f"{words * (1 + (number + side) % 7)}({number}, {side})",
                model=model,
                fingerprint="",
                sampling={},
                seed=number,
                finish_reason="end",
                tokens=12,
                seconds=1.0,
            )
            for side in (0, 1)
        )
        comparisons.add_comparison(project, prompt.id, (first, second), swapped=number % 2 == 0)
    project.close()


def project_file(name: str) -> Path:
    return Path(os.environ["DPO_STUDIO_HOME"]) / f"{name}.dpo"


def until(happened: Callable[[], object], seconds: float, *, every_ms: int = 2) -> None:
    deadline = time.monotonic() + seconds
    beat = _heartbeat(every_ms)
    while not happened():
        if time.monotonic() > deadline:
            raise SystemExit("what was waited for did not happen")
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    beat.stop()


def spin(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    beat = _heartbeat(2)
    while time.monotonic() < deadline:
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    beat.stop()


def _heartbeat(milliseconds: int) -> QTimer:
    """Wakes a loop that waits for events, so that it looks at its condition without spinning."""
    timer = QTimer(interval=milliseconds)
    timer.start()
    return timer
