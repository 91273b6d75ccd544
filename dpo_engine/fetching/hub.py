"""Models from the Hugging Face hub: only the files that are safe to read, from the cache where it has them.

A download runs in a process of its own (`hub_child`), so that it can be cancelled. The cache has a model
only when it has all its files: what was cut off is never taken for one, and the next try goes on from it.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from dpo_engine.errors import EngineError, FetchFailed, ModelUnusable
from dpo_engine.events import Event, ModelFetched, Progress
from dpo_engine.fetching.child import Child, Told

Work = Iterator[Event | None]
Tell = Callable[[int, int], None]
"""How many bytes of how many are there."""
Start = Callable[[str], Child]
"""Begin to download a hub id."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_WANTED = ["*.json", "*.safetensors", "*.jinja", "tokenizer.model", "vocab.txt", "merges.txt"]
_UNWANTED = ["*/*"]
"""Files in subfolders are other formats of the same weights."""
_RAISED: dict[str, type[EngineError]] = {one.code: one for one in (FetchFailed, ModelUnusable)}


def is_hub_id(reference: str) -> bool:
    return _HUB_ID.fullmatch(reference) is not None


def cached(hub_id: str) -> Path | None:
    """The folder of a model that was fetched before, whole; nobody is asked for it."""
    from huggingface_hub import errors, snapshot_download

    try:
        folder = snapshot_download(
            hub_id, allow_patterns=_WANTED, ignore_patterns=_UNWANTED, local_files_only=True
        )
    except (errors.LocalEntryNotFoundError, errors.HFValidationError, OSError):
        return None
    return Path(folder)


def snapshot(hub_id: str) -> Path:
    """The folder with the files of `hub_id`, fetched where the cache has not all of them; it waits for that.

    Raises `ModelUnusable` where there is no such model or it may not be had, and `FetchFailed` where the
    hub cannot be reached.
    """
    found = cached(hub_id)
    if found is not None:
        return found
    *_, last = fetch(hub_id, "fetch")
    if not isinstance(last, ModelFetched):
        raise FetchFailed(f"The download of {hub_id} ended early. Try again.")
    return Path(last.path)


def fetch(hub_id: str, request_id: str, *, start: Start | None = None) -> Work:
    """Fetch the newest files of `hub_id`; `ModelFetched` comes last. Yields None where a cancel may act.

    Closing the iterator ends the download at once. Raises as `snapshot`.
    """
    progress = partial(Progress, request=request_id, stage=f"Downloading {hub_id}", unit="bytes")
    yield progress(done=0, total=0)
    folder = ""
    with (start or _start)(hub_id) as child:
        for told in child.news():
            if told is None:
                yield None
            elif "failed" in told:
                raise _RAISED.get(told["code"], FetchFailed)(told["words"])
            elif "result" in told:
                folder = str(told["result"])
            else:
                yield progress(done=int(told["done"]), total=int(told["total"]))
    if not folder:
        raise FetchFailed(f"The download of {hub_id} ended early. What was received is kept: try again.")
    yield ModelFetched(request=request_id, model=hub_id, path=folder)


def download(hub_id: str, tell: Tell) -> Path:
    """In this process, without an end from outside: `hub_child` does it. Raises as `snapshot`."""
    from huggingface_hub import errors, snapshot_download

    try:
        folder = snapshot_download(
            hub_id, allow_patterns=_WANTED, ignore_patterns=_UNWANTED, tqdm_class=_counter(tell)
        )
    except errors.GatedRepoError as error:
        raise ModelUnusable(
            f"The model {hub_id} is only given to people who accepted its terms on huggingface.co. "
            "Accept them there, run `hf auth login`, and try again."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelUnusable(
            f"{hub_id} is no folder on this machine and no model on the Hugging Face hub (or a private one). "
            "Check its name."
        ) from error
    except (errors.HFValidationError, errors.DisabledRepoError) as error:
        raise ModelUnusable(f"The model {hub_id} cannot be had from the Hugging Face hub: {error}") from error
    except Exception as error:  # whichever HTTP library the hub's client uses, it raises its own kind
        raise FetchFailed(
            f"{hub_id} is no folder on this machine, and the Hugging Face hub could not be reached for it "
            f"({type(error).__name__}). Check the network, or give a local model folder instead."
        ) from error
    return Path(folder)


def _start(hub_id: str) -> Child:
    task: Told = {"hub_id": hub_id}
    return Child("dpo_engine.fetching.hub_child", task)


def _counter(tell: Tell) -> type[Any]:
    """What the hub's client takes for a progress bar: it draws nothing and tells the bytes."""
    bar: Any = import_module("tqdm").tqdm  # has no types

    def update(self: Any, n: float | None = 1) -> None:
        self.n += n or 0
        if self.unit == "B":
            tell(int(self.n), int(self.total or 0))

    counter: type[Any] = type("Counter", (bar,), {"update": update, "display": lambda *_, **__: True})
    return counter
