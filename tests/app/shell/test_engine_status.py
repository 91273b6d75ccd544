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


def _stage(
    done: int, total: int, stage: str = "Measuring the held-out pairs", request: str = "t"
) -> events.Progress:
    return events.Progress(request=request, stage=stage, done=done, total=total, unit="pairs")


def test_a_stage_is_named_inside_its_training_and_no_longer_than_it_lasts() -> None:
    fold = _ready()
    fold.on_event(_step(12))
    fold.on_event(_stage(3, 8))
    assert fold.status.words == "Measuring the held-out pairs 37 %"
    fold.on_event(_stage(8, 8))
    assert fold.status.words == "Training step 12 of 80 · 4 min left"


def test_a_stage_without_a_count_ends_with_what_it_was_for() -> None:
    fold = _ready()
    fold.on_event(_step(12))
    fold.on_event(_stage(0, 0, "Answering the sampled prompts"))
    fold.on_event(events.Evaluated(request="t", step=12, metrics={}))
    assert fold.status.words == "Training step 12 of 80 · 4 min left"
    fold.on_event(events.RequestFinished(request="t"))
    fold.on_event(events.Progress(request="s", stage="Loading step-000030", done=0, total=0))
    assert fold.status.words == "Loading step-000030"
    loaded = events.ModelLoaded(
        request="s", model="m", fingerprint="f", parameters=1, device="cpu", dtype="float32"
    )
    fold.on_event(loaded)
    assert fold.status.words == "Working"
    fold.on_event(_stage(1, 4, "Scoring pairs", "s"))
    assert fold.status.words == "Scoring pairs 25 %"
    fold.on_event(events.RequestFinished(request="s"))
    assert fold.status.words == "Idle"


def test_what_is_loaded_already_does_not_begin_anything() -> None:
    fold = _ready()
    fold.on_event(
        events.ModelLoaded(
            request="g", model="m", fingerprint="f", parameters=1, device="cpu", dtype="float32"
        )
    )
    assert fold.status.words == "Idle"


def test_a_study_that_is_through_does_not_say_a_hundred_per_cent() -> None:
    fold = _ready()
    fold.on_event(events.StudyAdvanced(request="s", fold=5, folds=5, share=1.0, seconds_left=0.0))
    assert fold.status.words == "Looking for suspect verdicts"
    fold.on_event(events.RequestFinished(request="s"))
    assert fold.status.words == "Idle"
