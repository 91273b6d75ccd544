"""`python -m app.store.exchange.hub_child`: one data set from the hub, told on stdin, its files on stdout.

Files are fetched, code never is (`datasets` runs none); what is cut off in the middle keeps the names by
which the libraries know it as unfinished.
"""

import threading
from pathlib import Path
from typing import Any

from app.store.exchange.quiet import no_progress_bars
from app.store.exchange.values import split_of
from dpo_engine.fetching.child import Tell, Told, serve

_SECONDS_BETWEEN = 0.5


def work(task: Told, tell: Tell) -> list[dict[str, Any]]:
    """The data set's files as `SourceFile`s. Raises what the library, its readers and the network raise."""
    from datasets import DatasetDict, load_dataset

    name = task["dataset"]
    ended = threading.Event()
    counter = threading.Thread(target=_tell_bytes, args=(name, tell, ended), daemon=True)
    counter.start()
    try:
        with no_progress_bars():
            loaded = load_dataset(name, task["config"], token=task["token"])
    finally:
        ended.set()
        counter.join()
    splits = loaded if isinstance(loaded, DatasetDict) else DatasetDict(train=loaded)
    return [
        {
            "path": str(path),
            "name": f"{split}/{path.name}",
            "split": split_of(split),
            "size": path.stat().st_size,
        }
        for split, table in splits.items()
        for path in (Path(file["filename"]) for file in table.cache_files)
    ]


def _tell_bytes(name: str, tell: Tell, ended: threading.Event) -> None:
    """What lies in the hub's cache of this data set, now and then, while it grows."""
    from huggingface_hub import constants

    received = Path(constants.HF_HUB_CACHE) / f"datasets--{name.replace('/', '--')}" / "blobs"
    while not ended.wait(_SECONDS_BETWEEN):
        tell({"done": sum(size_of(path) for path in received.glob("*")), "total": 0})


def size_of(path: Path) -> int:
    """In bytes; 0 for what was there a moment ago."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


if __name__ == "__main__":
    serve(work)
