"""Notes, pins, search, comparing, details and the trash, through the Train presenter."""

import shutil
from pathlib import Path

import pytest

from app.store.errors import StoreFull
from app.store.records import Run
from app.train.presenter import TrainPresenter
from app.train.runs.desk import Details
from dpo_engine.events import StepDone
from dpo_engine.requests import Train
from tests.app.train.conftest import Room
from tests.app.train.playing import Curves, begin, step


@pytest.fixture
def filled(ready: Room) -> Room:
    """Three finished runs: two seeds of one setting, and another setting."""
    ready.engine.auto_train(steps=2)
    for changes in ({"seed": 1}, {"seed": 2}, {"beta": 0.5}):
        ready.presenter.form.configure(changes)
        ready.presenter.start()
        ready.engine.deliver()
    return ready


@pytest.fixture
def three(filled: Room) -> list[Run]:
    """Oldest first."""
    return filled.runs()[::-1]


def notice(presenter: TrainPresenter) -> str:
    shown = presenter.state.desk.notice
    return shown.text if shown else ""


def listed(presenter: TrainPresenter) -> list[int]:
    return [line.run.id for line in presenter.state.listed]


def details(presenter: TrainPresenter) -> Details:
    found = presenter.state.desk.details
    assert found is not None
    return found


def test_a_note_is_kept_and_undone_from_anywhere(filled: Room, three: list[Run]) -> None:
    filled.presenter.runs.note(three[0].id, "too strong")
    assert [line.run.notes for line in filled.presenter.state.runs] == ["", "", "too strong"]
    assert filled.history.undo_label == f"note on {three[0].name}"
    filled.history.undo()
    assert [line.run.notes for line in filled.presenter.state.runs] == ["", "", ""]


def test_pinned_runs_come_first(filled: Room, three: list[Run]) -> None:
    first, second, third = (run.id for run in three)
    assert listed(filled.presenter) == [third, second, first]
    filled.presenter.runs.pin(first, True)
    assert listed(filled.presenter) == [first, third, second]
    filled.engine.script(Train, lambda request: [])
    filled.presenter.start()
    assert listed(filled.presenter)[1:] == [first, third, second], "what trains is above all"


def test_search_goes_over_names_notes_states_and_settings(filled: Room, three: list[Run]) -> None:
    first, second, third = (run.id for run in three)
    filled.presenter.runs.note(second, "The Careful one")
    for words, found in (
        ("careful", [second]),
        ("finished seed=1", [first]),
        ("beta=0.5", [third]),
        (three[0].name.split("-")[-1].upper(), [first]),
        ("careful beta=0.5", []),
        ("  ", [third, second, first]),
    ):
        filled.presenter.runs.search(words)
        assert listed(filled.presenter) == found, words


def test_compared_runs_have_their_curves_loaded(filled: Room, three: list[Run]) -> None:
    curves = Curves()
    filled.presenter.draw_on(curves)
    curves.loaded.clear()
    filled.presenter.compare(three[0].id, True)
    assert [run_id for run_id, _, _ in curves.loaded] == [three[0].id]
    assert [line.compared for line in filled.presenter.state.runs] == [False, False, True]
    filled.presenter.compare(three[0].id, False)
    assert filled.presenter.state.desk.compared == ()


def test_a_view_that_comes_late_gets_all_points(ready: Room) -> None:
    ready.presenter.start()
    request = begin(ready)
    for number in (1, 2, 3):
        step(ready, request, number)
    curves = Curves()
    ready.presenter.draw_on(curves)
    ((_, columns, _),) = curves.loaded
    assert columns["loss"][0].tolist() == [1.0, 2.0, 3.0]


def test_who_listens_hears_each_event_of_the_run(ready: Room) -> None:
    heard: list[tuple[int, int]] = []
    stop = ready.presenter.hear(
        lambda run, event: heard.append((run.id, event.step)) if isinstance(event, StepDone) else None
    )
    ready.presenter.start()
    request = begin(ready)
    step(ready, request, 1)
    stop()
    step(ready, request, 2)
    (run,) = ready.runs()
    assert heard == [(run.id, 1)]


def test_seeds_of_one_setting_are_one_band(filled: Room, three: list[Run]) -> None:
    curves = Curves()
    filled.presenter.select(three[0].id)
    filled.presenter.draw_on(curves)
    curves.loaded.clear()
    desk = filled.presenter.state.desk
    assert desk.seeds_of(three[0].id) == (three[0].id, three[1].id)
    assert desk.seeds_of(three[2].id) == ()
    filled.presenter.show_band(True)
    assert {run_id for run_id, _, _ in curves.loaded} == {three[0].id, three[1].id}


def test_other_pairs_are_another_setting(filled: Room, three: list[Run]) -> None:
    comparison = filled.project.db["comparisons"]
    assert comparison.count == 8
    filled.project.db.execute("UPDATE candidates SET text = 'Another answer.' WHERE id = 1")
    filled.presenter.form.configure({"seed": 3})
    filled.presenter.start()
    filled.engine.deliver()
    newest = filled.runs()[0]
    assert newest.train_pairs == three[0].train_pairs
    assert filled.presenter.state.desk.seeds_of(newest.id) == ()


def test_disk_use_is_known_and_follows_the_run(filled: Room, three: list[Run]) -> None:
    before = {line.run.id: line.disk for line in filled.presenter.state.runs}
    folder = Path(three[0].folder)
    assert before[three[0].id] == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "weights").write_bytes(b"x" * 5000)
    filled.presenter.resume_run(three[0].id)
    filled.presenter.runs.measure_again(three[0])
    after = {line.run.id: line.disk for line in filled.presenter.state.runs}
    assert after[three[0].id] == (before[three[0].id] or 0) + 5000
    assert after[three[1].id] == before[three[1].id]


def test_looking_into_a_run(filled: Room, three: list[Run]) -> None:
    filled.judge(1)
    filled.presenter.start()
    filled.engine.deliver()
    newest = filled.runs()[0]
    filled.presenter.runs.look_into(newest.id, three[0].id)
    found = details(filled.presenter)
    assert found.lineage is not None and found.pairs is not None
    assert found.lineage.annotators == (("me", 9),)
    assert (found.pairs.same, found.pairs.only_first, found.pairs.only_second) == (8, 1, 0)
    filled.presenter.runs.look_into(None)
    assert filled.presenter.state.desk.details is None


def test_a_deleted_run_comes_back(filled: Room, three: list[Run]) -> None:
    filled.presenter.select(three[2].id)
    filled.presenter.delete_run(three[2].id)
    assert listed(filled.presenter) == [three[1].id, three[0].id]
    assert [run.id for run in filled.presenter.state.desk.trash] == [three[2].id]
    assert filled.presenter.state.selected == three[1].id
    assert notice(filled.presenter).startswith("Deleted")
    filled.history.undo()
    assert listed(filled.presenter) == [three[2].id, three[1].id, three[0].id]
    assert filled.presenter.state.desk.trash == ()
    assert Path(three[2].folder).is_dir()


def test_the_run_that_writes_the_candidates_cannot_go(filled: Room, three: list[Run]) -> None:
    filled.presenter.use_policy(three[2].id)
    filled.presenter.delete_run(three[2].id)
    assert "writes the candidates now" in notice(filled.presenter)
    assert len(filled.presenter.state.runs) == 3


def test_the_run_that_trains_cannot_go(filled: Room, three: list[Run]) -> None:
    filled.engine.script(Train, lambda request: [])
    filled.presenter.start()
    newest = filled.runs()[0]
    filled.presenter.delete_run(newest.id)
    assert len(filled.runs()) == 4


def test_a_run_that_another_one_started_from_cannot_go(filled: Room, three: list[Run]) -> None:
    filled.presenter.form.choose_start(three[0].folder)
    filled.presenter.start()
    filled.engine.deliver()
    filled.presenter.delete_run(three[0].id)
    assert "started from the policy" in notice(filled.presenter)
    assert len(filled.runs()) == 4


def test_emptying_the_trash_for_good(filled: Room, three: list[Run]) -> None:
    filled.presenter.delete_run(three[0].id)
    filled.presenter.runs.empty_trash(for_good=True)
    assert not Path(three[0].folder).exists()
    assert Path(three[1].folder).is_dir()
    assert filled.presenter.state.desk.trash == ()
    assert notice(filled.presenter) == "Emptied the trash: 1 run"
    assert not filled.history.undo_label.startswith("deletion")


def test_emptying_moves_folders_to_the_systems_trash(
    filled: Room, three: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[Path] = []

    def send(folder: Path) -> None:
        moved.append(folder)
        shutil.rmtree(folder)

    monkeypatch.setattr("send2trash.send2trash", send)
    filled.presenter.delete_run(three[0].id)
    shutil.rmtree(three[1].folder)
    filled.presenter.delete_run(three[1].id)
    filled.presenter.runs.empty_trash(for_good=False)
    assert moved == [Path(three[0].folder)]
    assert [run.id for run in filled.runs()] == [three[2].id]
    assert filled.presenter.state.desk.trash == ()


@pytest.mark.parametrize("for_good", [True, False])
def test_what_is_no_runs_folder_is_never_removed(
    filled: Room, three: list[Run], tmp_path: Path, for_good: bool
) -> None:
    """A project file that came from elsewhere may name any folder."""
    precious = tmp_path / "photos"
    precious.mkdir()
    (precious / "holiday.jpg").write_bytes(b"x")
    mixed = Path(three[1].folder)
    (mixed / "thesis").mkdir()
    link = tmp_path / "link"
    link.symlink_to(mixed)
    for run, folder in ((three[0], precious), (three[2], link)):
        filled.project.db.execute("UPDATE runs SET folder = ? WHERE id = ?", [str(folder), run.id])
    for run in three:
        filled.presenter.runs.delete(run.id)
    filled.presenter.runs.empty_trash(for_good=for_good)
    assert (precious / "holiday.jpg").exists()
    assert (mixed / "thesis").is_dir()
    assert link.is_symlink()
    assert len(filled.presenter.state.desk.trash) == 3
    assert "still in the trash" in notice(filled.presenter)


def test_a_full_disk_changes_nothing(filled: Room, three: list[Run]) -> None:
    filled.store.fail_next(StoreFull("The disk is full. Nothing was changed."))
    filled.presenter.runs.note(three[0].id, "x")
    assert notice(filled.presenter) == "The disk is full. Nothing was changed."
    assert filled.presenter.state.desk.notice is not None and filled.presenter.state.desk.notice.problem
    assert not filled.history.undo_label.startswith("note")
