"""The command line's grammar. Torch-free, so that `--help` and a mistyped flag answer at once.

argparse rather than tyro: a wrong flag must be one sentence on stderr, and tyro either draws a box of
several lines around its errors or says nothing at all. The flags of settings come from the config
dataclasses all the same, so each is described in one place.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from dpo_engine import __version__
from dpo_engine.catalogue import CATALOGUE
from dpo_engine.command_line import PROGRAM
from dpo_engine.config import Option, SamplingConfig, TrainConfig, options_of
from dpo_engine.errors import BadInput
from dpo_engine.options import plain_kinds
from dpo_engine.settings_file import given_settings
from dpo_engine.suspects.settings import FOLDS

MODEL_HELP = "a catalogue name (starter), a folder, a hub id, or the folder of a run or checkpoint"

Config = TypeVar("Config")

_METAVARS = {int: "N", float: "NUMBER", str: "NAME"}


class _Parser(argparse.ArgumentParser):
    """Raises `BadInput` instead of printing a usage text and ending the process."""

    def error(self, message: str) -> NoReturn:
        sentence = message[:1].upper() + message[1:].rstrip(".")
        raise BadInput(f"{sentence}. `{self.prog} --help` lists what can be given.")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Raises `BadInput` for what is no command line; `--help` and `--version` end the process."""
    return _parser().parse_args(arguments)


def settings(arguments: argparse.Namespace, config: type[Config]) -> dict[str, Any]:
    """The config's settings that were given: in the file of `--config`, and over those the flags'."""
    given = vars(arguments)
    file: Path | None = given.get("config")
    flags = {name: given[name] for name in options_of(config) if name in given and given[name] is not None}
    return {**({} if file is None else given_settings(file)), **flags}


def _parser() -> _Parser:
    parser = _Parser(prog=PROGRAM, description="The engine of DPO Studio.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"dpo_engine {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        if name != "serve":
            added.add_argument("--json", action="store_true", help="JSON lines on stdout")
        return added

    command("models", "The models known by name, and what of them is on this disk.")
    fetch = command("fetch", "Get a model onto this disk and check its SHA-256.")
    fetch.add_argument("model", help=f"one of: {', '.join(CATALOGUE)}; or a hub id")
    _add_generate(command("generate", "Write responses to prompts."))
    _add_score(command("score", "Log-probs of preference pairs under a policy and its reference."))
    _add_train(command("train", "Train a policy with DPO, or go on with a run."))
    _add_memory(command("estimate", "How much memory training would need, without loading the model."))
    _add_memory(command("preflight", "Look at every pair, and measure memory and time on the longest ones."))
    _add_suspects(command("suspects", "Verdicts that policies trained on the others disagree with."))
    command("serve", "Take requests as JSON lines on stdin and answer with events on stdout.")
    return parser


def _add_generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", required=True, metavar="M", help=MODEL_HELP)
    parser.add_argument(
        "--prompts", required=True, type=Path, metavar="FILE", help="text (a prompt a line), JSONL or Parquet"
    )
    parser.add_argument("-n", type=int, default=2, metavar="N", help="responses to each prompt (default 2)")
    _add_settings(parser, SamplingConfig)
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of the first response; every further one counts on from it (default 0)",
    )
    _add_device(parser, "auto")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a JSON line a prompt into this file")


def _add_score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", required=True, metavar="M", help=MODEL_HELP)
    parser.add_argument("--reference", required=True, metavar="M", help="likewise")
    parser.add_argument(
        "--pairs", required=True, type=Path, metavar="FILE", help="JSONL, JSON or Parquet; or a run's folder"
    )
    parser.add_argument(
        "--beta", type=float, default=0.1, metavar="NUMBER", help="of the margin (default 0.1)"
    )
    parser.add_argument(
        "--max-length",
        type=int,
        default=1024,
        metavar="N",
        help="tokens of a prompt and response (1024)",
    )
    parser.add_argument("--tokens", action="store_true", help="also each response token with its log-probs")
    _add_device(parser, "float32")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a JSON line a pair into this file")


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, type=Path, metavar="DIR", help="its folder, new or begun")
    parser.add_argument("--policy", metavar="M", help=f"of a new run: {MODEL_HELP}")
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="of a new run: JSONL, JSON or Parquet")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    parser.add_argument(
        "--keep-step",
        type=int,
        metavar="N",
        help="train nothing: make the policy in the checkpoint of step N the run's result",
    )
    parser.add_argument(
        "--no-reference-cache",
        dest="reference_cache",
        action="store_false",
        help="compute all reference log-probs anew, and keep none for later runs",
    )
    _add_settings(parser, TrainConfig)


def _add_memory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", required=True, metavar="M", help=MODEL_HELP)
    parser.add_argument(
        "--pairs", required=True, type=Path, metavar="FILE", help="JSONL, JSON or Parquet; or a run's folder"
    )
    _add_settings(parser, TrainConfig)


def _add_suspects(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", required=True, metavar="M", help=MODEL_HELP)
    parser.add_argument(
        "--pairs", required=True, type=Path, metavar="FILE", help="JSONL, JSON or Parquet; or a run's folder"
    )
    parser.add_argument(
        "--folds", type=int, default=FOLDS, metavar="N", help=f"trainings, each without its N-th ({FOLDS})"
    )
    parser.add_argument(
        "--study",
        type=Path,
        metavar="DIR",
        help="its folder, new or begun; else beside --out, and gone when that is written",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a JSON line a pair into this file")
    _add_settings(parser, TrainConfig)


def _add_device(parser: argparse.ArgumentParser, dtype: str) -> None:
    described = options_of(TrainConfig)
    parser.add_argument("--device", default="auto", choices=described["device"].choices, help="default auto")
    parser.add_argument("--dtype", default=dtype, choices=described["dtype"].choices, help=f"default {dtype}")


def _add_settings(parser: argparse.ArgumentParser, config: type[Any]) -> None:
    """A flag for every setting. None stands for "not given": the config knows its defaults and limits."""
    kinds = plain_kinds(config)
    defaults = {entry.name: entry.default for entry in dataclasses.fields(config)}
    group = parser.add_argument_group("settings")
    if config is TrainConfig:
        group.add_argument(
            "--config", type=Path, metavar="FILE", help="a TOML file with settings; a flag overrides it"
        )
    for name, described in options_of(config).items():
        flag = f"--{name.replace('_', '-')}"
        if kinds[name] is bool:
            group.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=None, help=_help(described, None)
            )
            continue
        group.add_argument(
            flag,
            type=kinds[name],
            metavar="|".join(described.choices) or _METAVARS[kinds[name]],
            help=_help(described, defaults[name]),
        )


def _help(described: Option, default: object) -> str:
    facts = [described.unit] if described.unit else []
    if default is not None:
        facts.append(f"default {default}")
    return f"{described.help} [{'; '.join(facts)}]".replace("%", "%%") if facts else described.help
