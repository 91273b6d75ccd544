"""How the real app feels: the window, the next comparison, and the event loop while training.

    python -m tests.benchmarks.app_latency [--starts 5] [--model FOLDER]

Three figures, each from the real window with the real engine in its worker process, offscreen:

1. from the start of the process to the painted window (median and worst of the starts; file caches warm);
2. from a verdict's key press to the next waiting comparison on the screen, the verdict on the disk before;
3. the longest time in which the event loop did not run while the engine trained and wrote candidates.

Without `--model` the starter model is used and fetched if it must be.
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

_MARK = "LATENCY "


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--model", default="starter", help="a model folder; the starter model by default")
    parser.add_argument("--verdicts", type=int, default=40)
    parser.add_argument("--child", choices=("start", "work"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child == "start":
        from tests.benchmarks.latency_child import measure_start

        measure_start(_MARK)
        return
    if options.child == "work":
        from tests.benchmarks.latency_child import measure_work

        measure_work(_MARK, options.model, options.verdicts)
        return
    with tempfile.TemporaryDirectory() as home:
        if options.model == "starter":
            bring_starter(Path(home))
        starts = [_run_child("start", home, options)["window_s"] for _ in range(options.starts + 1)][1:]
        work = _run_child("work", home, options)
    print(f"cores {os.cpu_count()}, model {options.model}, {options.starts} starts after a warming one")
    _row("process start to window", statistics.median(starts) * 1000, max(starts) * 1000, 1500)
    _row("verdict to next comparison", work["next_median_ms"], work["next_worst_ms"], 50)
    _row("event loop gap while training", work["gap_p99_ms"], work["gap_worst_ms"], 100, "99 %")
    print(
        f"({work['verdicts']:.0f} verdicts, {work['steps']:.0f} steps in {work['training_s']:.0f} s, "
        f"{work['ticks']:.0f} looks at the event loop)"
    )


def _row(what: str, usual: float, worst: float, limit: float, name: str = "median") -> None:
    print(
        f"{what:32} {name} {usual:7.1f} ms   worst {worst:7.1f} ms   limit {limit:5.0f} ms   "
        f"worst / limit {worst / limit:5.2f}"
    )


def bring_starter(home: Path) -> None:
    environment = os.environ | {"DPO_STUDIO_HOME": str(home)}
    kept = os.environ.get("DPO_STUDIO_HOME")
    if kept and (Path(kept) / "data" / "models" / "starter").is_dir():
        (home / "data").mkdir(parents=True)
        (home / "data" / "models").symlink_to(Path(kept) / "data" / "models")
        return
    subprocess.run([sys.executable, "-m", "dpo_engine", "fetch", "starter"], env=environment, check=True)


def _run_child(kind: str, home: str, options: argparse.Namespace) -> dict[str, float]:
    """The child prints one marked line of JSON; the start is measured from here, before it exists."""
    environment = os.environ | {
        "DPO_STUDIO_HOME": home,
        "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
        "LATENCY_STARTED": repr(time.time()),
    }
    command = [sys.executable, "-m", "tests.benchmarks.app_latency", "--child", kind]
    command += ["--model", options.model, "--verdicts", str(options.verdicts)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith(_MARK):
            return dict(json.loads(line.removeprefix(_MARK)))
    raise SystemExit(f"The measured process gave no figures.\n{done.stdout}\n{done.stderr}")


if __name__ == "__main__":
    main()
