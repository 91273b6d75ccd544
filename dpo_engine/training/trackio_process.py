"""trackio in a process of its own: takes a run's metrics as JSON lines on stdin; see `loggers.Trackio`.

TRACKIO_DIR=… python -m dpo_engine.training.trackio_process NAME
"""

import importlib
import json
import sys
from typing import Any

PROJECT = "dpo-studio"


def main(name: str) -> None:
    trackio: Any = importlib.import_module("trackio")
    trackio.init(project=PROJECT, name=name, embed=False, auto_log_gpu=False, auto_log_cpu=False)
    for line in sys.stdin:
        row = json.loads(line)
        trackio.log(row["metrics"], step=row["step"])
    trackio.finish()


if __name__ == "__main__":
    main(sys.argv[1])
