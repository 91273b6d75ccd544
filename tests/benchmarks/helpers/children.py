"""Measures in fresh child processes, one after another, so that what one leaves behind helps no other.

Memory that was freed, compiled code, warm caches and thread pools all stay with a process. A benchmark keeps
its own process small (no torch) and lets a function of its module run in a child:

    result = in_child(measure, {"pairs": 100})

The function gets the job and gives back a dict of plain JSON values.
"""

import importlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Job = Mapping[str, Any]
Result = dict[str, Any]


class ChildFailed(SystemExit):
    """The last lines of a child that ended without a result; uncaught, they end the benchmark."""


def in_child(function: Callable[[Job], Result], job: Job) -> Result:
    """What `function(job)` gives in a new Python. The job gets `process_started`, seconds since the epoch."""
    signal.signal(signal.SIGTERM, _end)  # else the child would go on without us
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "result.json"
        arguments = [_module_of(function), function.__qualname__]
        child = subprocess.run(
            [sys.executable, "-m", __name__, *arguments, str(answer)],
            input=json.dumps({**job, "process_started": time.time()}),
            capture_output=True,
            text=True,
            check=False,
        )
        if not answer.exists():
            last = "\n".join((child.stdout + child.stderr).splitlines()[-12:])
            raise ChildFailed(f"{arguments[1]} ended with {child.returncode}:\n{last}")
        result: Result = json.loads(answer.read_text(encoding="utf-8"))
    return result


def peak_memory() -> int:
    """Most bytes of RAM that this process held at once.

    From /proc where there is one: the system's `ru_maxrss` also counts the process that this one was forked
    from.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def forget_peak() -> bool:
    """From now on `peak_memory` counts anew; False where the system cannot do that."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def memory_now() -> int:
    """Bytes of RAM that this process holds."""
    import psutil  # type: ignore[import-untyped]

    return int(psutil.Process().memory_info().rss)


def _end(*_: object) -> None:
    raise SystemExit(143)


def _module_of(function: Callable[[Job], Result]) -> str:
    """Its name for an import, also where the benchmark itself was started with `-m`."""
    if function.__module__ != "__main__":
        return function.__module__
    spec = sys.modules["__main__"].__spec__
    if spec is None:
        raise RuntimeError("Start the benchmark as a module: python -m tests.benchmarks.NAME.")
    return spec.name


def _answer() -> None:
    from dpo_engine.models.libraries import quieten

    quieten()
    module, name, answer = sys.argv[1:]
    function: Callable[[Job], Result] = getattr(importlib.import_module(module), name)
    result = function(json.load(sys.stdin))
    Path(answer).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    _answer()
