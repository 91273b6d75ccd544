"""Settings are checked when they are made, each with a sentence that names it."""

import dataclasses

import pytest

from dpo_engine.config import SamplingConfig, TrainConfig, options_of
from dpo_engine.errors import BadInput


@pytest.mark.parametrize("config", [TrainConfig, SamplingConfig])
def test_every_setting_presents_itself(config: type[TrainConfig] | type[SamplingConfig]) -> None:
    options = options_of(config)
    assert list(options) == [entry.name for entry in dataclasses.fields(config)]
    assert all(one.label and one.help.endswith(".") for one in options.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("beta", 0.0),
        ("beta", -1.0),
        ("beta", float("nan")),
        ("learning_rate", float("inf")),
        ("num_train_epochs", 0.0),
        ("per_device_train_batch_size", 0),
        ("label_smoothing", 0.5),
        ("max_length", 7),
        ("method", "magic"),
        ("seed", -1),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(BadInput, match=rf"^{name} is .*; it must be"):
        TrainConfig(**{name: value})  # type: ignore[arg-type]


def test_sampling_is_checked_too() -> None:
    with pytest.raises(BadInput, match="top_p"):
        SamplingConfig(top_p=1.5)


def test_a_setting_changed_where_it_has_no_effect_is_refused() -> None:
    with pytest.raises(BadInput, match=r"^lora_r is 8, but has no effect while method is full\."):
        TrainConfig(method="full", lora_r=8)
    with pytest.raises(BadInput, match=r"^label_smoothing is 0.1, but has no effect while"):
        TrainConfig(loss_type="ipo", label_smoothing=0.1)
    assert TrainConfig(method="full", lora_r=TrainConfig().lora_r).method == "full"
