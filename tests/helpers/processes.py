"""Several processes that train together, started as `torchrun` starts them but without its supervision.

Run as a program this module is one of them: it trains the runs of the folders it is given, one after another.

    WORLD_SIZE=2 RANK=0 … python -m tests.helpers.processes RUN… -- RUN_TO_RESUME…
"""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def start(arguments: Sequence[str], *, processes: int = 2) -> list[subprocess.Popen[str]]:
    """`python ARGUMENTS` so many times, each with its place in the environment."""
    port = str(_free_port())
    return [
        subprocess.Popen(
            [sys.executable, *arguments],
            env=environment()
            | {"WORLD_SIZE": str(processes), "RANK": str(rank), "LOCAL_RANK": str(rank)}
            | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )
        for rank in range(processes)
    ]


def environment() -> dict[str, str]:
    return os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(_ROOT)}


def train_together(runs: Sequence[Path], resumed: Sequence[Path]) -> None:
    """Two processes train `runs` from the start, then `resumed` from their last checkpoints."""
    arguments = ["-m", "tests.helpers.processes", *map(str, runs), "--", *map(str, resumed)]
    for process in start(arguments):
        said, complained = process.communicate(timeout=200)
        assert process.returncode == 0, said + complained


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _train(arguments: Sequence[str]) -> None:
    from dpo_engine.processes.distributed import joined
    from dpo_engine.processes.launch import launched
    from dpo_engine.requests import Train
    from dpo_engine.training.run import train

    launch = launched(os.environ)
    assert launch is not None
    split = arguments.index("--")
    with joined(launch) as ranks:
        for number, run in enumerate(arguments):
            if number != split:
                request = Train(id="t", run=run, resume=number > split)
                for _ in train(request, lambda: "go", ranks=ranks):
                    pass


if __name__ == "__main__":
    _train(sys.argv[1:])
