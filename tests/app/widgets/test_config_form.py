"""Forms made from config dataclasses."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from app.shell.theme import Theme
from app.widgets.config_form import ConfigForm
from app.widgets.field_values import fields_of, parse, text_of
from dpo_engine.config import SamplingConfig, TrainConfig
from dpo_engine.options import option


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def form(qtbot: QtBot, theme: Theme) -> ConfigForm:
    form = ConfigForm(TrainConfig, theme)
    qtbot.addWidget(form)
    form.show()
    return form


def type_into(form: ConfigForm, name: str, text: str) -> None:
    field = form.field(name).field
    assert isinstance(field, QLineEdit)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)


def test_the_defaults_come_back_as_they_are(form: ConfigForm) -> None:
    assert TrainConfig(**form.values()) == TrainConfig()
    assert form.errors() == {}


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(beta=1e-7, learning_rate=5e-6, method="full", seed=2**32 - 1),
        TrainConfig(learning_rate=1 / 3, lora_target_modules="q_proj,v_proj", lr_scheduler_type="cosine"),
    ],
)
def test_any_config_goes_in_and_out_unchanged(form: ConfigForm, config: TrainConfig) -> None:
    form.set_values({name: getattr(config, name) for name in fields_of(TrainConfig)})
    back = TrainConfig(**form.values())
    assert back.learning_rate == pytest.approx(config.learning_rate, rel=1e-11)
    assert replace(back, learning_rate=None) == replace(config, learning_rate=None)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("beta", "0", "above 0"),
        ("beta", "abc", "no number"),
        ("beta", "", "empty"),
        ("beta", "nan", "finite"),
        ("per_device_train_batch_size", "2.5", "whole number"),
        ("per_device_train_batch_size", "0", "at least 1"),
        ("label_smoothing", "0.7", "at most 0.499"),
        ("seed", "1e400", "finite"),
    ],
)
def test_an_error_stands_beside_the_field_as_typed(form: ConfigForm, name: str, text: str, says: str) -> None:
    field = form.field(name).field
    assert isinstance(field, QLineEdit)
    field.setText(text)
    assert says in form.field(name).shown_error
    assert says in form.errors()[name]
    assert name not in form.values()
    assert field.property("invalid") is True
    assert says in field.accessibleDescription()
    form.set_values({name: getattr(TrainConfig(), name)})
    assert form.field(name).shown_error == ""
    assert form.errors() == {}
    assert field.property("invalid") is False


def test_typing_is_told_and_setting_is_not(form: ConfigForm, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(form.edited):
        form.set_values({"beta": 0.5})
    with qtbot.waitSignal(form.edited):
        type_into(form, "beta", "0.25")
    assert form.values()["beta"] == 0.25


def test_empty_means_recommended_where_that_is_a_value(form: ConfigForm) -> None:
    form.set_placeholder("learning_rate", "2e-4")
    field = form.field("learning_rate").field
    assert isinstance(field, QLineEdit)
    assert field.placeholderText() == "2e-4"
    assert form.values()["learning_rate"] is None
    type_into(form, "learning_rate", "1e-3")
    assert form.values()["learning_rate"] == 1e-3
    field.clear()
    assert form.values()["learning_rate"] is None
    assert form.errors() == {}


def test_choices_are_chosen_by_key(form: ConfigForm) -> None:
    box = form.field("lr_scheduler_type").field
    assert isinstance(box, QComboBox)
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert form.values()["lr_scheduler_type"] == "cosine"


def test_settings_of_another_method_are_left_out(form: ConfigForm) -> None:
    type_into(form, "lora_r", "0")
    assert "lora_r" in form.errors()
    form.set_context({**form.chosen(), "method": "full"})
    assert form.errors() == {}
    assert "lora_r" not in form.values()
    assert form.field("lora_r").isHidden()
    form.set_context(form.chosen())
    assert "lora_r" in form.errors()


def test_a_setting_of_a_loss_is_there_when_the_mix_names_that_loss(form: ConfigForm) -> None:
    form.set_context(form.chosen())
    assert form.field("simpo_gamma").isHidden()
    type_into(form, "loss_mix", "sft 0.2, simpo")
    form.set_context(form.chosen())
    assert not form.field("simpo_gamma").isHidden()
    assert form.field("discopop_tau").isHidden()


def test_help_is_told_for_the_field_with_the_keyboard(form: ConfigForm, qtbot: QtBot) -> None:
    heard: list[str] = []
    form.described.connect(heard.append)
    form.activateWindow()
    form.field("beta").focus_field()
    qtbot.waitUntil(lambda: bool(heard) and "(beta, default 0.1)" in heard[-1])
    assert "default 4 pairs" in form.field("per_device_train_batch_size").help_text()
    assert "default recommended" in form.field("learning_rate").help_text()


def test_every_field_has_an_accessible_name(form: ConfigForm) -> None:
    for name in fields_of(TrainConfig):
        assert form.field(name).field.accessibleName()


def test_only_the_named_settings(qtbot: QtBot, theme: Theme) -> None:
    form = ConfigForm(SamplingConfig, theme, ["top_p", "temperature"])
    qtbot.addWidget(form)
    assert list(form.values()) == ["top_p", "temperature"]
    form.set_values({"top_k": 3})
    assert "top_k" not in form.values()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.1, "0.1"), (2e-4, "0.0002"), (5e-6, "5e-6"), (3.0, "3"), (16, "16"), ("auto", "auto")],
)
def test_how_values_are_written(value: Any, text: str) -> None:
    assert text_of(value) == text


@dataclass(frozen=True, kw_only=True)
class Odd:
    whole: int = option(3, label="Whole", help="h", minimum=1)


@pytest.mark.parametrize(("text", "value"), [(" 4 ", 4), ("4.0", 4), ("1e2", 100), ("٣", 3)])
def test_whole_numbers(text: str, value: int) -> None:
    parsed = parse(text, fields_of(Odd)["whole"])
    assert (parsed.value, parsed.problem) == (value, "")
    assert isinstance(parsed.value, int)


def test_a_decimal_comma_and_a_proper_minus_are_understood() -> None:
    spec = fields_of(TrainConfig)["beta"]
    assert parse("0,25", spec).value == 0.25
    assert "above 0" in parse("−1", spec).problem
