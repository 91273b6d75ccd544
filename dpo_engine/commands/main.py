"""The command line: models, fetch, generate, score, train, estimate, preflight, suspects and serve.

Exit codes: 0 done; 2 bad input, said in a line on stderr; 130 interrupted; 1 anything else. PyTorch is
imported only by the commands that compute, after their input was found to be readable.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from dpo_engine.catalogue import CATALOGUE
from dpo_engine.commands.doing import follow, quiet_shelf, settle
from dpo_engine.commands.output import Narrator, json_line, one_line
from dpo_engine.commands.parser import parse
from dpo_engine.errors import BadInput, Cancelled, EngineError, FetchFailed, ModelUnusable, NotFetched
from dpo_engine.fetching.hub import is_hub_id
from dpo_engine.requests import FetchModel

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    command = ""
    try:
        arguments = parse(argv)
        command = arguments.command
        return _COMMANDS[command](arguments)
    except EngineError as error:
        print(one_line(str(error)), file=sys.stderr)
        return _exit_code(error, command)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python complains once more on its way out
        return 1
    except Exception:
        traceback.print_exc()
        print("Something unexpected went wrong; please report the lines above.", file=sys.stderr)
        return 1


def _exit_code(error: EngineError, command: str) -> int:
    if isinstance(error, Cancelled):
        return INTERRUPTED
    if isinstance(error, (BadInput, ModelUnusable, NotFetched)):
        return 2
    # A model that is neither on this machine nor to be had is bad input, except to the command that fetches.
    return 2 if isinstance(error, FetchFailed) and command != "fetch" else 1


def _models(arguments: argparse.Namespace) -> int:
    for model in CATALOGUE.values():
        path = None if model.path is None else str(model.path)
        if arguments.json:
            row = {
                "name": model.name,
                "title": model.title,
                "source": f"{model.source.package}=={model.source.version} ({model.source.member})",
                "path": path,
                "parameters": model.parameters,
                "license": model.license,
            }
            print(json_line(row))
        else:
            where = path or f"not on this disk; get it with: python -m dpo_engine fetch {model.name}"
            print(f"{model.name}  {model.title}  {model.parameters:,} parameters  {model.license}\n  {where}")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    if arguments.model not in CATALOGUE and not is_hub_id(arguments.model):
        raise BadInput(
            f"There is no model {arguments.model!r} to fetch. Known: {', '.join(CATALOGUE)}, and hub ids "
            "(owner/name)."
        )
    narrator = Narrator(as_json=arguments.json)
    try:
        follow(FetchModel(id="fetch", model=arguments.model), narrator.tell, quiet_shelf())
    finally:
        narrator.close_bar()
    return 0


def _generate(arguments: argparse.Namespace) -> int:
    from dpo_engine.commands.generate import generate

    return generate(arguments)


def _score(arguments: argparse.Namespace) -> int:
    from dpo_engine.commands.score import score

    return score(arguments)


def _train(arguments: argparse.Namespace) -> int:
    from dpo_engine.commands.train import train

    settle()
    return train(arguments)


def _estimate(arguments: argparse.Namespace) -> int:
    from dpo_engine.commands.memory import estimate

    settle()
    return estimate(arguments)


def _preflight(arguments: argparse.Namespace) -> int:
    from dpo_engine.commands.memory import preflight

    settle()
    return preflight(arguments)


def _suspects(arguments: argparse.Namespace) -> int:
    from dpo_engine.commands.suspects import suspects

    return suspects(arguments)


def _serve(_arguments: argparse.Namespace) -> int:
    from dpo_engine.service.serve import serve

    return serve()


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "models": _models,
    "fetch": _fetch,
    "generate": _generate,
    "score": _score,
    "train": _train,
    "estimate": _estimate,
    "preflight": _preflight,
    "suspects": _suspects,
    "serve": _serve,
}
