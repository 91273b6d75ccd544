"""The window while the engine trains, and the training while the window is watched.

    python -m tests.benchmarks.frames_while_training [--steps 8] [--rounds 2] [--model FOLDER]

The real app (1280 × 800, offscreen, the Train page with all of its curves in view) trains a run with the real
engine in its worker process; the same run is trained from the command line before it, between, and after it.
Printed: the longest time in which the event loop did not run, how long a picture takes (its curves and its
pixels) and the longest single piece of work of the window's thread, each with its limit; and pairs a second
from the first to the last step, of the app (in rounds in which nothing watches it) and of the command line
in turns.

Without `--model` the starter model is used, and fetched if it must be. Nothing else should run beside.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.events import StepDone
from dpo_engine.wire import decode_event
from tests.benchmarks.app_latency import bring_starter
from tests.benchmarks.helpers.tables import middle

MARK = "FRAMES "
PAIRS_A_STEP = TrainConfig().per_device_train_batch_size


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument(
        "--rounds", type=int, default=2, help="how often the app trains, after once unmeasured"
    )
    parser.add_argument("--model", default="starter", help="a model folder; the starter model by default")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--watched", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        from tests.benchmarks.frames_child import measure

        measure(options.model, options.steps, watched=options.watched)
        return
    with tempfile.TemporaryDirectory() as home:
        if options.model == "starter":
            bring_starter(Path(home))
        _print(*_measured(home, options))


def _measured(
    home: str, options: argparse.Namespace
) -> tuple[list[dict[str, float]], list[float], list[float]]:
    """What was seen in the window, and the pairs a second of the app (unwatched) and of the command line."""
    first = _train_in_app(home, options, "--watched")
    template = Path(str(first["run"]))
    seen: list[dict[str, float]] = []
    in_app: list[float] = []
    by_hand = [_train_by_command(home, template)]
    for _ in range(options.rounds):
        seen.append(_train_in_app(home, options, "--watched"))
        in_app.append(_train_in_app(home, options)["pairs_per_second"])
        by_hand.append(_train_by_command(home, template))
    return seen, in_app, by_hand


def _train_in_app(home: str, options: argparse.Namespace, *more: str) -> dict[str, float]:
    environment = _environment(home) | {"QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}
    command = [sys.executable, "-m", "tests.benchmarks.frames_while_training", "--child"]
    command += ["--model", options.model, "--steps", str(options.steps), *more]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return dict(json.loads(line.removeprefix(MARK)))
    ended = f"The measured process gave no figures and ended with {done.returncode}."
    raise SystemExit(f"{ended}\n{done.stdout}\n{done.stderr}")


def _train_by_command(home: str, template: Path) -> float:
    """Pairs a second of the same run, trained anew.

    Like each of the app's it stands beside no other run, whose reference log-probs it would find.
    """
    spec = run_folder.read_spec(template)
    run = run_folder.create(
        Path(tempfile.mkdtemp(dir=home)),
        policy=spec.policy,
        config=spec.config,
        pairs=run_folder.read_pairs(template),
    )
    command = [sys.executable, "-m", "dpo_engine", "train", "--run", str(run), "--json"]
    moments: list[float] = []
    with subprocess.Popen(command, env=_environment(home), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if isinstance(decode_event(line.encode()), StepDone):
                moments.append(time.monotonic())
    if process.returncode or len(moments) < 2:
        raise SystemExit("The command line's run did not end well.")
    return pairs_per_second(moments)


def pairs_per_second(moments: list[float]) -> float:
    """From the end of the first step to the end of the last."""
    return PAIRS_A_STEP * (len(moments) - 1) / (moments[-1] - moments[0])


def _environment(home: str) -> dict[str, str]:
    return os.environ | {"DPO_STUDIO_HOME": home}


def _print(app: list[dict[str, float]], in_app: list[float], by_hand: list[float]) -> None:
    print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}, {len(app)} rounds (median, least–most)")
    for key, what, limit in (
        ("gap_worst_ms", "worst gap of the event loop", 50.0),
        ("gap_p99_ms", "99 % of the gaps are below", 50.0),
        ("frame_median_ms", "median picture", 16.0),
        ("frame_worst_ms", "worst picture", 50.0),
        ("turn_worst_ms", "longest piece of work", 50.0),
    ):
        figures = [one[key] for one in app]
        worst = max(figures) / limit
        print(
            f"{what:30} {middle(figures, '.1f'):>22} ms   limit {limit:4.0f} ms   worst / limit {worst:.2f}"
        )
    slower = 1 - statistics.median(in_app) / statistics.median(by_hand)
    print(
        f"the window's thread takes      {middle([one['window_share'] for one in app], '.1%'):>25} of a core"
    )
    print(f"pairs a second in the app      {middle(in_app, '.3f'):>25}   ({app[0]['frames']:.0f} pictures)")
    print(f"pairs a second by command line {middle(by_hand, '.3f'):>25}")
    print(f"slowed by                      {slower:>24.1%}   limit 3.0%")


if __name__ == "__main__":
    main()
