"""Presets, settings as a file and as a command line: through the presenter and through the page's menu."""

import shlex
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.shell.settings import SettingsFile
from app.shell.theme import Theme
from app.train.page import TrainPage
from app.train.presenter import LAST_RUN
from dpo_engine.commands.parser import parse, settings
from dpo_engine.config import TrainConfig, options_of
from dpo_engine.events import EngineReady
from dpo_engine.preferences import read_pairs
from dpo_engine.presets import PRESETS, Preset
from dpo_engine.settings_file import read_settings
from tests.app.train.conftest import Room


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


def test_a_new_project_begins_with_the_recommended_settings(ready: Room) -> None:
    preset = ready.presenter.state.preset
    assert preset is not None and preset.key == "recommended"


def test_more_pairs_bring_other_recommendations_unless_something_was_changed(ready: Room) -> None:
    assert ready.presenter.state.config.num_train_epochs == 6
    ready.judge(60)
    ready.presenter.refresh()
    state = ready.presenter.state
    assert state.preset is not None and state.preset.key == "recommended"
    assert state.config.num_train_epochs == 3
    ready.presenter.form.change({"beta": 0.2})
    ready.judge(60)
    ready.presenter.refresh()
    assert ready.presenter.state.config.num_train_epochs == 3
    assert ready.presenter.state.preset is None


def test_what_this_machine_cannot_do_is_said_before_the_start(ready: Room) -> None:
    ready.presenter.form.change({"method": "qlora"})
    assert ready.presenter.state.can_start, "nobody knows yet"
    for device, can in (("cpu", False), ("cuda", True)):
        ready.engine.emit(EngineReady(version="1", device=device, device_name="", memory_total=0))
        assert ready.presenter.state.can_start is can
    ready.presenter.form.change({"method": "lora"})
    ready.engine.emit(EngineReady(version="1", device="cpu", device_name="", memory_total=0))
    assert ready.presenter.state.can_start


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_fills_the_form_and_is_named(ready: Room, preset: Preset) -> None:
    before = ready.presenter.state.form_number
    ready.presenter.use_preset(preset.key)
    state = ready.presenter.state
    assert state.preset is preset
    assert state.config == preset.make("lora", 6)
    assert state.form_number > before, "the fields are filled again"
    ready.presenter.form.change({"beta": 0.77})
    assert ready.presenter.state.preset is None


def test_the_last_runs_settings_come_back(ready: Room) -> None:
    ready.presenter.form.change({"beta": 0.33, "seed": 5})
    ready.presenter.start()
    ready.presenter.use_preset("careful")
    ready.presenter.use_preset(LAST_RUN)
    config = ready.presenter.state.config
    assert (config.beta, config.seed, config.loss_mix) == (0.33, 5, "sft 0.4")


def test_settings_go_through_a_file(ready: Room, tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "mine.toml"
    ready.presenter.form.change({"beta": 0.33})
    ready.presenter.form.save(path, said.append)
    assert read_settings(path) == ready.presenter.state.config
    ready.presenter.use_preset("recommended")
    ready.presenter.form.load(path, said.append)
    assert ready.presenter.state.config.beta == 0.33
    assert said == ["Saved as mine.toml.", "These are the settings of mine.toml."]


def test_a_file_that_is_none_is_a_sentence_and_changes_nothing(ready: Room, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text("[train]\nbetta = 3\n")
    before = ready.presenter.state.config
    ready.presenter.form.load(path, lambda _: pytest.fail("it was taken"))
    assert "betta" in ready.presenter.state.problem
    assert ready.presenter.state.config == before


def test_the_command_line_trains_on_the_same_pairs_with_the_same_settings(ready: Room) -> None:
    ready.presenter.form.change({"beta": 0.25, "loss_mix": "sft 0.2, ipo 0.5", "use_dora": True})
    written: list[str] = []
    for _ in range(2):
        ready.presenter.write_command(written.append)
    assert not ready.presenter.state.problem
    words = shlex.split(written[0])
    arguments = parse(words[3:])
    assert words[:3] == ["python", "-m", "dpo_engine"] and arguments.command == "train"
    assert TrainConfig(**settings(arguments, TrainConfig)) == ready.presenter.state.config
    assert not arguments.run.exists() and arguments.run.parent == ready.project.runs_dir
    pairs = read_pairs(arguments.pairs).pairs
    assert [pair.split for pair in pairs] == ["train"] * 6 + ["held_out"] * 2
    assert all("Good" in pair.chosen and "Bad" in pair.rejected for pair in pairs)
    assert parse(shlex.split(written[1])[3:]).pairs == arguments.pairs, "the same pairs are kept once"


def test_without_pairs_there_is_no_command(room: Room) -> None:
    room.presenter.write_command(lambda _: pytest.fail("there is nothing to train on"))
    assert "no pair to train on" in room.presenter.state.problem


def test_the_page_shows_the_preset_and_copies_the_command(
    qtbot: QtBot, ready: Room, theme: Theme, tmp_path: Path
) -> None:
    page = TrainPage(ready.presenter, theme, SettingsFile(tmp_path / "settings.json"))
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    bar = page.setup.bar
    qtbot.waitUntil(lambda: bar.preset.text() == "Recommended")
    assert not bar.choices[LAST_RUN].isEnabled()
    bar.choices["careful"].trigger()
    qtbot.waitUntil(lambda: bar.preset.text() == "Careful")
    assert page.setup.rest.values()["loss_mix"] == "sft 0.8"
    page.setup.main.field("beta").field.setText("0.9")  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: bar.preset.text() == "Own settings")
    page.errands.copy_command()
    qtbot.waitUntil(lambda: "--beta 0.9" in QGuiApplication.clipboard().text())
    page.setup.main.field("beta").field.setText("-1")  # type: ignore[union-attr]
    QGuiApplication.clipboard().clear()
    page.errands.copy_command()
    assert not QGuiApplication.clipboard().text(), "a wrong value is shown instead"


def test_the_settings_stand_under_headings(qtbot: QtBot, ready: Room, theme: Theme, tmp_path: Path) -> None:
    page = TrainPage(ready.presenter, theme, SettingsFile(tmp_path / "settings.json"))
    qtbot.addWidget(page)
    page.show()
    page.setup.more.click()
    groups = {option.group for option in options_of(TrainConfig).values() if option.group}
    headings = {label.text() for label in page.setup.rest.findChildren(QLabel) if label.isVisible()}
    assert groups <= headings
    page.setup.methods["full"].click()
    headings = {label.text() for label in page.setup.rest.findChildren(QLabel) if label.isVisible()}
    assert "Adapter" not in headings and "Optimizer" in headings
