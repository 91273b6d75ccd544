"""The explorer by keys and mouse, painted at every extreme, and opened from the table."""

import csv
import math
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QSlider, QWidget
from pytestqt.qtbot import QtBot

from app.inspector.explorer.curves import AXES, curves
from app.inspector.explorer.explored import Explored, worked_example
from app.inspector.explorer.panel import ExplorerPanel
from app.inspector.explorer.presenter import ExplorerPresenter, OpenedPair
from app.inspector.page import InspectorPage
from app.inspector.presenter import InspectorPresenter
from app.shell.theme import Theme
from app.store.handle import Project
from app.widgets.plot_export import export_plot
from dpo_engine.loss_values import LOSSES, LossOptions
from tests.app.inspector.explorer.points import EXTREME, ORDINARY
from tests.app.inspector.scenes import add_scene_run, make_pairs, make_scores
from tests.helpers.fake_engine import FakeEngine

PAIRS = make_pairs(12)
SCORES = make_scores(PAIRS)


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def held() -> ExplorerPresenter:
    return ExplorerPresenter()


@pytest.fixture
def panel(qtbot: QtBot, theme: Theme, held: ExplorerPresenter) -> ExplorerPanel:
    panel = ExplorerPanel(held, theme)
    panel.resize(1024, 640)
    qtbot.addWidget(panel)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def test_it_opens_on_the_worked_example(panel: ExplorerPanel) -> None:
    assert panel.title.text() == "Worked example"
    assert panel.lines.text_of("margin") == "Margin: 0.169 = 0.1 · (0.847 − (−0.847))"
    assert panel.settings.log_probs["policy_chosen"].aside.text() == "p 0.70"
    assert panel.settings.log_probs["reference_chosen"].aside.text() == "p 0.30"
    assert not panel.back.isVisible()


def test_sliders_go_by_keys(panel: ExplorerPanel, held: ExplorerPresenter) -> None:
    slider = panel.settings.log_probs["policy_chosen"].slider
    before = held.explored.point.policy_chosen
    QTest.keyClick(slider, Qt.Key.Key_PageDown)
    after = held.explored.point.policy_chosen
    assert -1 < after - before < -0.2
    assert panel.settings.log_probs["policy_chosen"].field.text() == f"−{abs(after):.3f}"
    assert panel.title.text() == "Worked example, moved"
    QTest.keyClick(panel.settings.beta.slider, Qt.Key.Key_End)
    assert held.explored.beta == 10.0
    QTest.keyClick(panel.settings.beta.slider, Qt.Key.Key_Home)
    assert held.explored.beta == 0.01
    QTest.keyClick(panel.worked, Qt.Key.Key_Space)
    assert held.explored == worked_example()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("-2.5", -2.5), ("−40", -40.0), ("0.25", math.log(0.25)), ("0", 0.0), ("-0,5", -0.5)],
)
def test_a_log_prob_or_a_probability_can_be_typed(
    panel: ExplorerPanel, held: ExplorerPresenter, typed: str, expected: float
) -> None:
    field = panel.settings.log_probs["reference_rejected"].field
    field.setFocus()
    field.selectAll()
    field.insert(typed)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert held.explored.point.reference_rejected == pytest.approx(expected)


@pytest.mark.parametrize("typed", ["much", "2", "nan", "inf", ""])
def test_what_is_no_log_prob_changes_nothing(
    panel: ExplorerPanel, held: ExplorerPresenter, typed: str
) -> None:
    field = panel.settings.log_probs["policy_rejected"].field
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_Delete)
    field.insert(typed)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert held.explored == worked_example()
    assert field.text() == "−1.204"


def test_only_what_acts_is_offered(panel: ExplorerPanel, held: ExplorerPresenter) -> None:
    def offered() -> set[str]:
        return {name for name, knob in panel.settings.options.items() if knob.isVisible()}

    assert offered() == {"label_smoothing"} and not panel.settings.tokens["chosen"].isVisible()
    held.set_loss("simpo")
    assert offered() == {"simpo_gamma"} and panel.settings.tokens["chosen"].isVisible()
    held.set_loss("discopop")
    assert offered() == {"discopop_tau"}


def test_losses_are_chosen_by_keys(panel: ExplorerPanel, held: ExplorerPresenter) -> None:
    QTest.keyClick(panel.settings.losses, Qt.Key.Key_Down)
    assert held.explored.loss == "ipo"
    assert "2310.12036" in panel.settings.paper.text()
    assert "|y" in panel.settings.formula.text()
    assert panel.lines.text_of("loss").startswith("Loss: 10.926 = (0.847 / 1 −")


def test_the_figure_moves_the_pair(panel: ExplorerPanel, held: ExplorerPresenter) -> None:
    held.set_axis("chosen")
    before = held.explored.point.policy_chosen
    panel.figure.setFocus()
    QTest.keyClick(panel.figure, Qt.Key.Key_Left)
    assert held.explored.point.policy_chosen == pytest.approx(before - 6 / 200)
    QTest.keyClick(panel.figure, Qt.Key.Key_Home)
    assert held.explored.point.policy_chosen == -6.0
    middle = QPoint(panel.figure.width() // 2, 40)
    QTest.mouseClick(panel.figure, Qt.MouseButton.LeftButton, pos=middle)
    assert -4 < held.explored.point.policy_chosen < -2


def test_cases_and_the_way_back(panel: ExplorerPanel, held: ExplorerPresenter) -> None:
    pair = Explored(point=ORDINARY[0], loss="apo_zero", options=LossOptions(beta=0.3))
    panel.show_pair(OpenedPair(title="Pair 7 of brave-otter", explored=pair))
    assert panel.title.text() == "Pair 7 of brave-otter"
    assert panel.back.isVisible() and not panel.back.isEnabled()
    for case, button in panel.cases.items():
        QTest.keyClick(button, Qt.Key.Key_Space)
        assert held.explored.case == case
    QTest.keyClick(panel.back, Qt.Key.Key_Space)
    assert held.explored == pair


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_draws_at_extreme_values(panel: ExplorerPanel, held: ExplorerPresenter, loss: str) -> None:
    """Warnings, Python's and Qt's, fail a test."""
    for point in EXTREME:
        for beta in (0.01, 10.0):
            options = LossOptions(beta=beta, label_smoothing=0.499, discopop_tau=0.01)
            held.show_pair(
                OpenedPair(title="Extreme", explored=Explored(point=point, loss=loss, options=options))
            )
            for axis in AXES:
                held.set_axis(axis)
                assert not panel.figure.grab().isNull()


def test_light_and_dark_differ_and_nothing_is_cut_off(
    panel: ExplorerPanel, theme: Theme, qapp: QApplication
) -> None:
    light = panel.figure.grab().toImage()
    theme.set_mode("dark")
    assert panel.figure.grab().toImage() != light
    assert panel.minimumSizeHint().width() <= 1024


def test_every_control_has_a_name(panel: ExplorerPanel) -> None:
    kinds = (QAbstractButton, QSlider, QComboBox, QLineEdit)
    for widget in panel.findChildren(QWidget):
        if isinstance(widget, kinds) and widget.isVisible():
            button_text = widget.text() if isinstance(widget, QAbstractButton) else ""
            assert widget.accessibleName() or button_text, widget
    assert "loss 0.612" in panel.figure.accessibleDescription()


@pytest.mark.parametrize("suffix", ["png", "svg", "csv"])
def test_the_figure_can_be_exported(panel: ExplorerPanel, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"figure.{suffix}"
    export_plot(panel.figure, path)
    assert path.stat().st_size > 1000
    if suffix == "csv":
        rows = list(csv.DictReader(path.read_text().splitlines()))
        along = curves(worked_example(), "both", ExplorerPresenter().spans)
        assert [float(row["loss"]) for row in rows] == pytest.approx(along.loss.tolist())
        assert rows[0]["loss_type"] == "sigmoid"


# --- on the page -----------------------------------------------------------------------------------------


@pytest.fixture
def page(
    qtbot: QtBot, theme: Theme, presenter: InspectorPresenter, project: Project, engine: FakeEngine
) -> InspectorPage:
    """All pairs scored, the keyboard in the table."""
    add_scene_run(project, "brave-otter", PAIRS)
    engine.auto_score(SCORES)
    page = InspectorPage(presenter, theme)
    page.resize(1072, 768)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    page.activateWindow()
    engine.deliver()
    page.pairs.rows.setFocus()
    return page


def test_a_pair_opens_with_the_figures_of_its_row(page: InspectorPage, presenter: InspectorPresenter) -> None:
    presenter.set_beta(0.25)
    page.pairs.choose_place(4)
    QTest.keyClick(page.focusWidget() or page, Qt.Key.Key_E)
    panel = page.explorer
    assert panel is not None and panel.isVisible() and page.top.view() == 2
    assert panel.title.text() == "Pair 5 of brave-otter"
    computed, table = panel._presenter.explored, page.pairs.model.table
    figures = table.figures
    assert computed.beta == 0.25
    for shown, column in (
        (computed.point.chosen_log_ratio, figures.chosen_log_ratio),
        (computed.point.rejected_log_ratio, figures.rejected_log_ratio),
        (computed.chosen_reward, figures.chosen_reward),
        (computed.rejected_reward, figures.rejected_reward),
        (computed.margin, figures.margin),
        (computed.preference, figures.probability),
        (computed.value.loss, figures.loss),
    ):
        assert shown == pytest.approx(float(column[4]), rel=1e-12)
    assert computed.point.chosen_tokens == SCORES[4].chosen_tokens
    assert computed.point.rejected_tokens == SCORES[4].rejected_tokens
    QTest.keyClick(panel.figure, Qt.Key.Key_Escape)
    assert page.top.view() == 0 and page.pairs.isVisible()


def test_without_a_run_the_explorer_is_there(
    qtbot: QtBot, theme: Theme, presenter: InspectorPresenter
) -> None:
    page = InspectorPage(presenter, theme)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    page.top.views.choose(2)
    assert page.explorer is not None and page.explorer.isVisible()
    assert page.explorer.title.text() == "Worked example"
    assert not page.top.runs.isVisible()
    page.top.views.choose(0)
    assert page.blank.isVisible()
