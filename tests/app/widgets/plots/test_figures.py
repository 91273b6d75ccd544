"""What needs no window: spread over seeds, heights, marks of an axis, rows of a table, figures in words."""

import math

import pytest

from app.widgets.plots.chart import Chart, Trace
from app.widgets.plots.height import fitted
from app.widgets.plots.rows import rows_of
from app.widgets.plots.series import Series
from app.widgets.plots.spread import Spread
from app.widgets.plots.ticks import log_ticks, words_of_ticks


def series(*points: tuple[float, float]) -> Series:
    made = Series()
    made.extend(points)
    return made


def test_a_spread_is_mean_lowest_and_highest_of_the_steps_that_several_have() -> None:
    runs = [series((1, 1.0), (2, 2.0), (3, 3.0)), series((1, 3.0), (2, 6.0)), series((2, 1.0), (4, 9.0))]
    spread = Spread(runs)
    spread.refresh()
    assert spread.mean.x.tolist() == [1.0, 2.0]
    assert spread.mean.y.tolist() == [2.0, 3.0]
    assert spread.low.y.tolist() == [1.0, 1.0]
    assert spread.high.y.tolist() == [3.0, 6.0]
    runs[2].append(5, 0.0)
    runs[0].append(5, 4.0)
    spread.refresh()
    assert spread.mean.last == (5.0, 2.0)


def test_one_run_alone_is_no_band() -> None:
    spread = Spread([series((1, 1.0)), Series()])
    spread.refresh()
    assert len(spread.mean) == 0


def test_heights_stand_still_while_they_will_do() -> None:
    first = fitted([(0.2, 0.6)], level=None, limits=None, present=None)
    assert first is not None
    assert first[0] < 0.2
    assert first[1] > 0.6
    assert fitted([(0.21, 0.6)], level=None, limits=None, present=first) is None
    assert fitted([(0.2, 0.9)], level=None, limits=None, present=first) is not None
    assert fitted([(0.5, 0.51)], level=None, limits=None, present=first) is not None, "much smaller"


def test_a_level_and_its_words_are_in_view() -> None:
    low, high = fitted([(0.1, 0.2)], level=math.log(2), limits=None, present=None, words=0.2) or (0, 0)
    assert (high - math.log(2)) / (high - low) == pytest.approx(0.2, abs=0.02)


def test_natural_limits_hold() -> None:
    fixed = fitted([(0.4, 0.5)], level=None, limits=(0.0, 1.0), present=None)
    assert fixed == pytest.approx((-0.08, 1.08))
    assert fitted([(0.4, 0.5)], level=None, limits=(0.0, 1.0), present=fixed) is None


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (-4.0, 0.2, (1e-4, 1e-3, 1e-2, 1e-1, 1.0)),
        (math.log10(0.3), math.log10(9), (0.5, 1, 2, 5)),
        (math.log10(0.19), math.log10(0.81), (0.2, 0.4, 0.6, 0.8)),
        (-9.0, 9.0, (1e-9, 1e-5, 1e-1, 1e3, 1e7)),
    ],
)
def test_marks_of_a_logarithmic_axis(low: float, high: float, marks: tuple[float, ...]) -> None:
    assert log_ticks(low, high) == pytest.approx(marks)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.0, 0.5, 1.0], ["0.0", "0.5", "1.0"]),
        ([-150.0, -100.0], ["−150", "−100"]),
        ([0.0, 5e-5, 1e-4], ["0", "5e−5", "1e−4"]),
        ([20_000.0, 40_000.0], ["20,000", "40,000"]),
        ([0.5, 1.0, 2.0, 5.0], ["0.5", "1", "2", "5"]),
        ([], []),
    ],
)
def test_marks_in_words(values: list[float], words: list[str]) -> None:
    assert words_of_ticks(values) == words


def test_curves_as_rows_have_a_column_each_and_gaps() -> None:
    rows = list(rows_of({"loss": series((1, 0.5), (2, 0.25)), "eval_loss": series((2, 0.75), (4, 0.5))}))
    assert rows[0] == ["step", "loss", "eval_loss"]
    assert rows[2] == [2, 0.25, 0.75]
    assert [row[0] for row in rows[1:]] == [1, 2, 4]
    assert math.isnan(float(rows[1][2] or 0))


def test_rows_are_those_of_the_moment_they_were_asked_for() -> None:
    curve = series((1, 0.5))
    rows = rows_of({"loss": curve})
    curve.append(2, 0.1)
    assert list(rows) == [["step", "loss"], [1, 0.5]]


def test_no_curves_are_a_heading() -> None:
    assert list(rows_of({"loss": Series()})) == [["step"]]


def test_a_value_in_words() -> None:
    trace = Trace(key="x", words="x", colour="accent")
    chart = Chart(key="x", title="x", help="x", traces=(trace,), number="{:.2e}")
    assert chart.figure(-2e-6) == "−2.00e−6"
    memory = Chart(key="x", title="x", help="x", traces=(trace,), number="{:.2f}", scale=1e-9)
    assert memory.figure(1.4e9) == "1.40"
