"""Work in the background: it makes room for what is short and ends for what is long."""

from collections.abc import Iterator

from dpo_engine.events import Event, Note
from dpo_engine.requests import Generate, Score, Train
from dpo_engine.service.job import Job
from dpo_engine.session import Session
from tests.engine.test_session import HELLO, Script, _run, _short_form, _training


def score(name: str, *, background: bool = False) -> Score:
    return Score(id=name, policy="m", reference="m", pairs="p", background=background)


def scoring(*asked: Score | Generate | Train) -> Script:
    """Two batches, with something asked for in the middle of the first."""

    def script(session: Session, job: Job) -> Iterator[Event | None]:
        for request in asked:
            session.put(request)
        yield Note(request=job.id, message="first batch")
        yield Note(request=job.id, message="second batch")

    return script


def test_it_is_begun_when_nothing_else_waits() -> None:
    lines = _short_form(_run([score("back", background=True), Train(id="train", run="r")], {}))
    assert lines == ["started train", "finished train", "started back", "finished back"]


def test_a_short_one_is_answered_inside_it() -> None:
    asked = Generate(id="short", policy="m", prompt=HELLO)
    lines = _short_form(_run([score("back", background=True)], {"back": scoring(asked)}, later="short"))
    assert lines == ["started back", "started short", "finished short", "finished back"]


def test_it_ends_for_a_training_and_for_a_scoring_that_somebody_waits_for() -> None:
    for asked in (Train(id="other", run="r"), score("other")):
        lines = _short_form(_run([score("back", background=True)], {"back": scoring(asked)}, later="other"))
        assert lines == ["started back", "failed back gave_way", "started other", "finished other"]


def test_it_does_not_end_for_more_of_its_kind() -> None:
    asked = score("next", background=True)
    lines = _short_form(_run([score("back", background=True)], {"back": scoring(asked)}, later="next"))
    assert lines == ["started back", "finished back", "started next", "finished next"]


def test_a_training_does_not_stop_for_it() -> None:
    ask = {1: lambda session: session.put(score("back", background=True))}
    lines = _short_form(_run([Train(id="train", run="r")], {"train": _training(3, ask)}, later="back"))
    assert lines[:5] == ["started train", "step 1", "step 2", "step 3", "finished train"]
    assert lines[5:] == ["started back", "finished back"]
