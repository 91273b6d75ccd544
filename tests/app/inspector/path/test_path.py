"""One pair over the checkpoints: read from a project, and shown."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.inspector.ledger.marks import Mark, Target, write_mark
from app.inspector.material import InspectableRun, load_runs
from app.inspector.path.chart import Side, border_middles, charts
from app.inspector.path.points import PathPoint, load_history, load_path
from app.inspector.path.view import PathView
from app.shell.theme import Theme
from app.store.handle import Project
from app.store.training.scores import record_scores
from dpo_engine import run_folder
from dpo_engine.run_folder import RunState
from tests.app.inspector.scenes import add_scene_run, make_pairs, make_scores

PAIRS = make_pairs(5)


@pytest.fixture
def entry(project: Project) -> InspectableRun:
    """Scored at its result and at steps 10 and 20, of which 10 is no longer on the disk."""
    run = add_scene_run(project, "brave-otter", PAIRS, checkpoints=(20,), step=30)
    weights = load_runs(project).inspectable[0].weights("policy")
    for seed, name in enumerate(("step-000010", "step-000020", "policy"), start=1):
        record_scores(project, run.id, name, make_scores(PAIRS, seed=seed))
        write_mark(project, Target(run.id, name), Mark(weights=weights, pairs=5, complete=True))
    return load_runs(project).inspectable[0]


def test_a_path_begins_at_the_reference_and_knows_its_steps(project: Project, entry: InspectableRun) -> None:
    path = load_path(project, entry, PAIRS[2].id)
    assert [(point.step, point.checkpoint) for point in path] == [
        *((0, ""), (10, "step-000010"), (20, "step-000020"), (30, "policy")),
    ]
    assert path[0].margin(0.5) == 0 and path[0].chosen_log_ratio == 0
    for seed, point in enumerate(path[1:], start=1):
        assert point.margin(0.5) == make_scores(PAIRS, seed=seed)[2].margin(0.5)


def test_a_result_that_is_the_best_and_not_the_last_stands_at_its_step(
    project: Project, entry: InspectableRun
) -> None:
    run_folder.write_state(Path(entry.run.folder), RunState(status="finished", step=30, policy_step=15))
    assert [point.step for point in load_path(project, entry, PAIRS[0].id)] == [0, 10, 15, 20]


def test_scores_of_other_weights_are_no_part_of_it(project: Project, entry: InspectableRun) -> None:
    folder = Path(entry.run.folder) / "checkpoints" / "step-000020" / "policy"
    (folder / "model.safetensors").write_bytes(b"other")
    assert [point.step for point in load_path(project, entry, PAIRS[0].id)] == [0, 10, 30]


def test_the_history_has_the_same_margins(project: Project, entry: InspectableRun) -> None:
    told = load_history(project, entry)
    assert told.steps == (10, 20, 30)
    for number, seed in enumerate((1, 2, 3)):
        expected = [score.margin(1.0) for score in make_scores(PAIRS, seed=seed)]
        assert list(told.differences[number]) == pytest.approx(expected, abs=1e-12)


def points(*chosen: float) -> list[PathPoint]:
    return [
        PathPoint(
            step=10 * number,
            checkpoint=f"step-{10 * number:06d}" if number else "",
            policy_chosen=value,
            policy_rejected=-30.0,
            reference_chosen=chosen[0],
            reference_rejected=-30.0,
        )
        for number, value in enumerate(chosen)
    ]


def test_both_log_probs_have_axes_of_one_length() -> None:
    chosen, rejected, _margin = charts(points(-40, -20, -60), 0.1)
    assert chosen.scale.length == pytest.approx(rejected.scale.length)
    for chart in charts(points(-40, -20, -60), 0.1):
        for line in chart.lines:
            assert all(chart.scale.low <= value <= chart.scale.high for value in line.values)


def test_no_axis_goes_on_where_no_log_prob_is() -> None:
    chosen, rejected, _margin = charts(points(-400, -20, -3), 0.1)
    assert 0 <= chosen.scale.high < 0.13 * chosen.scale.length
    assert chosen.scale.length == pytest.approx(rejected.scale.length)
    assert rejected.scale.high < 0.13 * chosen.scale.length


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication) -> PathView:
    view = PathView(Theme(qapp, "light"))
    view.resize(900, 220)
    qtbot.addWidget(view)
    return view


def test_keys_go_from_checkpoint_to_checkpoint(qtbot: QtBot, view: PathView) -> None:
    view.show_path(points(-40, -20, -60), 0.1)
    with qtbot.waitExposed(view):
        view.show()
    assert view.words() == "Margin from 0.00 to −2.00 over 3 points, at most 2.00 at step 10."
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.words().startswith("Untrained: log-prob of the chosen −40.00 (reference −40.00)")
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert "Step 10" in view.words() and "margin 2.000" in view.accessibleDescription()
    QTest.keyClick(view, Qt.Key.Key_End)
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert "Step 20" in view.words()
    view.show_path(points(-40, -20), 0.1)
    assert "Step 10" in view.words(), "the cursor stays within a shorter path"
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert view.words().startswith("Margin from")


def test_the_mouse_finds_the_nearest_step(qtbot: QtBot, view: PathView) -> None:
    view.show_path(points(-40, -20, -60), 0.1)
    with qtbot.waitExposed(view):
        view.show()
    qtbot.mouseMove(view, view.rect().center())
    qtbot.waitUntil(lambda: "Step 10" in view.words())


@pytest.mark.parametrize("number", [0, 1, 2, 40])
def test_any_number_of_points_is_painted(view: PathView, number: int) -> None:
    view.show_path(points(*(-40.0 - place % 7 for place in range(number))), 0.1)
    before = view.grab().toImage()
    assert not before.isNull()
    assert len(list(view.csv_rows())) == number + 1
    assert view.words()


BORDERS: tuple[Side, ...] = ("above", "", "below")


@pytest.mark.parametrize("gap", [0.0, 0.5, 3.0, 9.0, 17.0, 40.0, 90.0])
@pytest.mark.parametrize("middle", [20.0, 60.0, 100.0, 118.0])
def test_what_is_said_of_the_borders_is_never_written_over_anything(gap: float, middle: float) -> None:
    downs = (middle - gap, middle, middle + gap)
    found = border_middles(list(zip(downs, BORDERS, strict=True)), 16.0, 10.0, 120.0)
    assert found[1] is None
    said = [one for one in found if one is not None]
    assert all(one - 8 >= 10.0 and one + 8 <= 120.0 for one in said)
    assert all(abs(one - down) > 8 for one in said for down in downs)
    assert len(said) < 2 or abs(said[0] - said[1]) >= 16.0
    if middle == 60.0 and gap <= 17.0:
        assert len(said) == 2 and said[0] < downs[0] and said[1] > downs[2]


def test_words_go_to_the_other_side_of_their_border_where_there_is_room() -> None:
    assert border_middles([(40.0, "above"), (115.0, "below")], 16.0, 10.0, 120.0) == [31.0, 106.0]
    assert border_middles([(12.0, "above")], 16.0, 10.0, 120.0) == [21.0]
    assert border_middles([(12.0, "above")], 16.0, 10.0, 20.0) == [None]


def test_words_are_not_written_over_the_curve() -> None:
    border: list[tuple[float, Side]] = [(60.0, "below")]
    assert border_middles(border, 16.0, 10.0, 120.0, (62.0, 90.0)) == [51.0]
    assert border_middles(border, 16.0, 10.0, 120.0, (20.0, 90.0)) == [None]
    assert border_middles(border, 16.0, 10.0, 120.0, (100.0, 110.0)) == [69.0]
