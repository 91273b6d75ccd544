"""Settings as a TOML file and as a command line: whatever is written means the same when it is read."""

import dataclasses
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_engine.command_line import train_command
from dpo_engine.commands.parser import parse, settings
from dpo_engine.config import TrainConfig, options_of
from dpo_engine.errors import BadInput
from dpo_engine.presets import PRESETS
from dpo_engine.settings_file import changed, read_settings, settings_text, write_settings

floats = st.floats(1e-9, 1.0)


@st.composite
def configs(draw: st.DrawFn) -> TrainConfig:
    """Settings of every kind: numbers, choices, switches, text, and empty ones."""
    method = draw(st.sampled_from(["lora", "full"]))
    values: dict[str, Any] = {
        "method": method,
        "beta": draw(floats),
        "learning_rate": draw(st.none() | floats),
        "num_train_epochs": draw(st.sampled_from([1.0, 2.5, 300.0])),
        "per_device_train_batch_size": draw(st.integers(1, 4096)),
        "loss_type": draw(st.sampled_from(["sigmoid", "ipo", "hinge"])),
        "loss_mix": draw(st.sampled_from([None, "sft 0.4", "sft 0.2, nca_pair 0.5"])),
        "warmup_ratio": draw(st.floats(0, 1)),
        "seed": draw(st.integers(0, 2**32 - 1)),
        "load_best_model_at_end": draw(st.booleans()),
        "torch_compile": draw(st.sampled_from(["auto", "on", "off"])),
        "micro_batch_tokens": draw(st.none() | st.integers(1, 10_000)),
    }
    if method == "lora":
        values |= {
            "use_dora": draw(st.booleans()),
            "lora_target_modules": draw(st.sampled_from(["q", "a,b"])),
        }
    return TrainConfig(**values)


@given(config=configs())
def test_a_file_says_what_the_settings_are(config: TrainConfig, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("settings") / "mine.toml"
    write_settings(path, config)
    assert read_settings(path) == config


@given(config=configs())
def test_a_command_line_says_what_the_settings_are(config: TrainConfig) -> None:
    run, pairs = "runs/a run's folder", 'pairs "1".jsonl'
    words = shlex.split(train_command(run=run, policy="starter", pairs=pairs, config=config))
    assert words[:4] == ["python", "-m", "dpo_engine", "train"]
    arguments = parse(words[3:])
    assert (str(arguments.run), arguments.policy, str(arguments.pairs)) == (run, "starter", pairs)
    meant = TrainConfig(**settings(arguments, TrainConfig))
    for name in options_of(TrainConfig):
        got, wanted = getattr(meant, name), getattr(config, name)
        assert got == (pytest.approx(wanted, rel=1e-11) if isinstance(wanted, float) else wanted), name


def test_only_what_is_no_default_is_written_with_what_it_means() -> None:
    text = settings_text(TrainConfig(beta=0.3, loss_mix="sft 0.2"))
    assert tomllib.loads(text) == {"train": {"beta": 0.3, "loss_mix": "sft 0.2"}}
    assert "beta = 0.3 # β (strength)" in text
    assert tomllib.loads(settings_text(TrainConfig())) == {"train": {}}


def test_a_flag_stands_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    write_settings(path, TrainConfig(beta=0.3, seed=7))
    line = ["train", "--run", "r", "--config", str(path), "--beta", "0.5"]
    assert settings(parse(line), TrainConfig) == {"beta": 0.5, "seed": 7}


def test_whole_numbers_do_for_decimal_ones(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[train]\nnum_train_epochs = 2\n")
    assert read_settings(path) == TrainConfig(num_train_epochs=2.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs one table"),
        ("beta = 0.1", "needs one table"),
        ("[train]\n[other]", "needs one table"),
        ("train = 3", "needs one table"),
        ("[train]\nbetta = 0.1", "names betta"),
        ('[train]\nbeta = "0.1"', "not the kind"),
        ("[train]\nseed = true", "not the kind"),
        ("[train]\nseed = 1.5", "not the kind"),
        ("[train]\nuse_dora = 1", "not the kind"),
        ("[train]\nbeta = -1", "must be above 0"),
        ("[train]\nbeta = nan", "finite"),
        ('[train]\nloss_type = "dpo"', "must be one of"),
        ("[train", "no TOML file"),
        ("[train]\nx = " + "[" * 5000, "no TOML file|nested too deeply"),
    ],
)
def test_what_is_no_file_of_settings_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=said):
        read_settings(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_settings(tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="no TOML file"):
        read_settings(tmp_path / "bytes")
    (tmp_path / "large").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(BadInput, match="too large"):
        read_settings(tmp_path / "large")


def test_every_preset_can_be_written() -> None:
    for preset in PRESETS:
        config = preset.make("lora", 50)
        assert tomllib.loads(settings_text(config))["train"] == changed(config)
        assert dataclasses.replace(TrainConfig(), **changed(config)) == config
