"""What the commands that compute share: getting ready, doing a request, and saying where its rows went."""

import argparse
from collections.abc import Callable
from contextlib import closing
from typing import Any

from dpo_engine.commands.output import Rows
from dpo_engine.events import Event
from dpo_engine.requests import Request


def tell_file(arguments: argparse.Namespace, rows: Rows, what: str) -> None:
    if arguments.out is not None and not arguments.json:
        print(f"{rows.count} {what}{'' if rows.count == 1 else 's'} written to {arguments.out}")


def follow(request: Request, hear: Callable[[Event], None], shelf: Any) -> None:
    """Do what is asked and hear every event of it; anything but a bug becomes an `EngineError`."""
    from dpo_engine.service.failures import engine_error
    from dpo_engine.service.jobs import work_for

    try:
        with closing(work_for(request, shelf, lambda: "go")) as events:  # type: ignore[type-var]
            for event in events:
                if event is not None:
                    hear(event)
    except BrokenPipeError:
        raise
    except Exception as error:
        raise (engine_error(error, "this") or error) from error


def quiet_shelf() -> Any:
    settle()
    from dpo_engine.service.shelf import ModelShelf

    return ModelShelf()


def settle() -> None:
    from dpo_engine.models import libraries

    libraries.quieten()
    from dpo_engine.compute import device

    device.settle_process(device.pick_device("auto"))
