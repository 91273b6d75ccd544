"""`python -m dpo_engine.fetching.hub_child`: one model from the hub, told on stdin, progress on stdout."""

import time

from dpo_engine.fetching import hub
from dpo_engine.fetching.child import Tell, Told, serve

_SECONDS_BETWEEN = 0.1


def work(task: Told, tell: Tell) -> str:
    """The folder of the model. Raises as `hub.download`."""
    last = 0.0

    def tell_bytes(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > _SECONDS_BETWEEN:
            last = time.monotonic()
            tell({"done": done, "total": total})

    return str(hub.download(task["hub_id"], tell_bytes))


if __name__ == "__main__":
    serve(work)
