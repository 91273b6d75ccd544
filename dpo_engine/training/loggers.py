"""Local loggers beside a run's own metrics: TensorBoard and trackio, each an optional extra.

What they hold follows from `metrics.jsonl` and is made anew from it whenever a run begins or goes on, so it
never shows a step twice and can be deleted at any time. Same metric names, same step numbers. Nothing
leaves the machine.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

from dpo_engine.config import Logger
from dpo_engine.errors import BadInput, EngineError
from dpo_engine.run_folder import StepMetrics

_SECONDS_TO_END = 60.0


class MetricLogger(Protocol):
    """Raises whatever it likes: a run goes on without it."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


def check_available(name: Logger) -> None:
    """Raise `BadInput` where the logger is not installed: before a run begins."""
    if name != "none" and not is_installed(name):
        raise BadInput(
            f"report_to is {name}, but {name} is not installed. Leave report_to at none, or install it: "
            f'pip install "dpo-studio[{name}]".'
        )


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def open_logger(name: Logger, run: Path, rows: Iterable[StepMetrics]) -> MetricLogger | None:
    """The logger, with everything in `rows`; None for "none". Its files are in the run's folder, under its
    name."""
    if name == "none":
        return None
    folder = run / name
    shutil.rmtree(folder, ignore_errors=True)
    logger = _MAKERS[name](folder, run.name)
    for row in rows:
        logger.log(row.step, row.metrics)
    return logger


class TensorBoard:
    """Look at it with `tensorboard --logdir RUN/tensorboard`, or at a folder of runs."""

    def __init__(self, folder: Path, _name: str) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(log_dir=str(folder))

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class Trackio:
    """Look at it with `TRACKIO_DIR=RUN/trackio trackio show`.

    trackio fixes its folder when it is imported, can be sent elsewhere by variables of the environment, and
    leaves threads behind. So it lives in a process of its own (`trackio_process`), one a run, with an
    environment that knows no address but the run's folder.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir()
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TRACKIO_")}
        environment |= {"TRACKIO_DIR": str(folder), "HF_HUB_OFFLINE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dpo_engine.training.trackio_process", name],
            env=environment,
            stdin=subprocess.PIPE,
            bufsize=0,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is for the training, which ends this one after its last word
        )

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._tell({"step": step, "metrics": dict(metrics)})

    def close(self) -> None:
        """Wait until everything is written; a process that does not end is ended."""
        self._stdin.close()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def _stdin(self) -> IO[bytes]:
        if self._process.stdin is None:
            raise EngineError("trackio's process was started without a pipe.")
        return self._process.stdin

    def _tell(self, line: dict[str, Any]) -> None:
        self._stdin.write(json.dumps(line).encode() + b"\n")


_MAKERS: dict[str, Callable[[Path, str], MetricLogger]] = {"tensorboard": TensorBoard, "trackio": Trackio}
