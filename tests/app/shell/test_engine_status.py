"""The status bar's words, from the engine's events."""

from app.engine_host.state import EngineState
from app.shell.engine_status import EngineStatusFold
from dpo_engine import events


def _ready() -> EngineStatusFold:
    fold = EngineStatusFold()
    fold.on_state(EngineState(phase="ready", device="cpu", device_name="Some CPU"))
    return fold


def _step(step: int) -> events.StepDone:
    return events.StepDone(request="t", step=step, total_steps=80, metrics={}, seconds_left=240.0)


def test_idle_until_something_happens_and_again_after() -> None:
    fold = _ready()
    assert fold.status.words == "Idle"
    fold.on_event(events.TextDelta(request="g", index=0, text="Hi"))
    assert fold.status.words == "Writing responses"
    fold.on_event(events.RequestFinished(request="g"))
    assert fold.status.words == "Idle"


def test_training_is_named_before_what_runs_between_its_steps() -> None:
    fold = _ready()
    fold.on_event(_step(12))
    fold.on_event(events.TextDelta(request="g", index=0, text="Hi"))
    assert fold.status.words == "Training step 12 of 80 · 4 min left"
    fold.on_event(events.TrainingPaused(request="t", step=12))
    assert fold.status.words == "Training paused at step 12"
    fold.on_event(events.RequestFailed(request="t", code="cancelled", message=""))
    assert fold.status.words == "Writing responses"


def test_progress_with_and_without_an_end() -> None:
    fold = _ready()
    fold.on_event(events.Progress(request="f", stage="Downloading", done=30, total=120, unit="bytes"))
    assert fold.status.words == "Downloading 25 %"
    fold.on_event(events.Progress(request="f", stage="Converting", done=0, total=0))
    assert fold.status.words == "Converting"


def test_a_death_forgets_what_was_under_way() -> None:
    fold = _ready()
    fold.on_event(_step(3))
    fold.on_state(EngineState(phase="restarting", device="cpu", message="It died."))
    assert (fold.status.words, fold.status.problem) == ("Engine restarting", True)


def test_device_and_memory() -> None:
    fold = _ready()
    fold.on_event(events.DeviceMemory(used=3 * 2**30, total=8 * 2**30))
    assert fold.status.device_words == "CPU · 3.0 of 8.0 GB"


def test_a_study_is_told_by_its_share_and_the_time_left_once_that_is_known() -> None:
    fold = _ready()
    begun = events.StudyAdvanced(request="s", fold=1, folds=5, share=0.0, seconds_left=None)
    fold.on_event(begun)
    assert fold.status.words == "Looking for suspect verdicts 0 %"
    fold.on_event(events.StudyAdvanced(request="s", fold=2, folds=5, share=0.314, seconds_left=240.0))
    assert fold.status.words == "Looking for suspect verdicts 31 % · 4 min left"
    fold.on_event(events.RequestFinished(request="s"))
    assert fold.status.words == "Idle"
