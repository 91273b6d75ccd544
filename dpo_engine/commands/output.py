"""What the commands print: sentences and lines for people, JSON lines for programs. Torch-free."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from dpo_engine import wire
from dpo_engine.errors import BadInput, from_os_error
from dpo_engine.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    ModelFetched,
    Note,
    Progress,
    Sample,
    Sampled,
    StepDone,
    TrainingFinished,
    TrainingStarted,
)
from dpo_engine.files import TEMPORARY_PREFIX

BAR_WIDTH = 30


def one_line(text: str) -> str:
    return " ".join(text.split())


def json_line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


class Rows:
    """Takes a command's rows: into its file when it has one, onto stdout as JSON when asked."""

    def __init__(self, file: TextIO | None, as_json: bool) -> None:
        self._file = file
        self._as_json = as_json
        self.count = 0

    @property
    def for_people(self) -> bool:
        """Nobody else gets the rows, so they should be shown in words."""
        return self._file is None and not self._as_json

    def add(self, row: dict[str, Any]) -> None:
        self.count += 1
        line = json_line(row)
        if self._file is not None:
            self._file.write(line + "\n")
        if self._as_json:
            print(line, flush=True)


@contextmanager
def rows_into(path: Path | None, *, as_json: bool) -> Iterator[Rows]:
    """Rows for `path`, which is replaced only when the block ends well. Raises `BadInput` or `DiskFull`."""
    if path is None:
        yield Rows(None, as_json)
        return
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise BadInput(f"{path} cannot be written: give a file in a folder that exists.")
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}-{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            yield Rows(file, as_json)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise from_os_error(error, f"writing {path}") from error
    finally:
        temporary.unlink(missing_ok=True)


class Narrator:
    """Tells of events: JSON lines on stdout, or for people, news on stdout and progress on stderr."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._bar_is_open = False
        self._stage = ""

    def tell(self, event: Event | None) -> None:
        if event is None:
            return
        if self._as_json:
            print(wire.encode(event).decode().rstrip("\n"), flush=True)
            return
        if isinstance(event, Progress):
            self.progress(event)
            return
        said = _in_words(event)
        if said:
            self.close_bar()
            print(said, file=sys.stderr if isinstance(event, Note) else sys.stdout, flush=True)

    def progress(self, event: Progress) -> None:
        """A bar that moves on a terminal; elsewhere a line a stage."""
        if not sys.stderr.isatty():
            if event.stage != self._stage:
                print(f"{event.stage} …", file=sys.stderr, flush=True)
            self._stage = event.stage
            return
        if event.stage != self._stage:
            self.close_bar()
        self._stage = event.stage
        print(f"\r\033[K{_bar(event)}", end="", file=sys.stderr, flush=True)
        self._bar_is_open = True

    def close_bar(self) -> None:
        if self._bar_is_open:
            print(file=sys.stderr, flush=True)
            self._bar_is_open = False


def _bar(event: Progress) -> str:
    if not event.total:
        return f"{event.stage} …"
    share = min(event.done / event.total, 1.0)
    filled = round(share * BAR_WIDTH)
    amount = f"{event.done} of {event.total} {event.unit}"
    if event.unit == "bytes":
        amount = f"{event.done / 1e6:.0f} of {event.total / 1e6:.0f} MB"
    return f"{event.stage}  [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {share:4.0%}  {amount}"


def _in_words(event: Event) -> str:
    match event:
        case Note():
            return one_line(event.message)
        case ModelFetched():
            return f"{event.model} is at {event.path}"
        case TrainingStarted():
            return _start_in_words(event)
        case StepDone():
            return _step_in_words(event)
        case Evaluated():
            figures = event.metrics
            if "eval_loss" not in figures:
                return ""  # the answers to the fixed prompts alone, which were shown themselves
            return (
                f"held out after step {event.step}  loss {figures['eval_loss']:.4f}  "
                f"margin {figures.get('eval_rewards/margins', 0.0):+.4f}  "
                f"accuracy {figures.get('eval_rewards/accuracies', 0.0):.2f}"
            )
        case Sampled():
            return "\n".join(_sample_in_words(event.step, sample) for sample in event.samples)
        case CheckpointSaved():
            return f"checkpoint {event.path}"
        case TrainingFinished():
            how = "stopped" if event.stopped else "finished"
            whose = "" if event.policy_step is None else f" of step {event.policy_step}"
            return f"{how} after step {event.step}; the policy{whose} is at {event.policy}"
        case _:
            return ""


def _sample_in_words(step: int, sample: Sample) -> str:
    asked, answer = one_line(sample.prompt[-1].content), one_line(sample.text)
    cut = " …" if sample.finish_reason == "length" else ""
    return f"after step {step}, asked: {asked}\n    {answer}{cut}"


def _start_in_words(event: TrainingStarted) -> str:
    refused = f", {len(event.refused)} pairs left out" if event.refused else ""
    begin = f"from step {event.first_step} " if event.first_step else ""
    return (
        f"training {begin}to step {event.total_steps}: {event.train_pairs} pairs, "
        f"{event.held_out_pairs} held out{refused}, {event.trainable_parameters:,} trained parameters, "
        f"learning rate {event.learning_rate:g}, {event.dtype} on {event.device}"
    )


def _step_in_words(event: StepDone) -> str:
    figures = event.metrics
    return (
        f"step {event.step}/{event.total_steps}  loss {figures.get('loss', 0.0):.4f}  "
        f"margin {figures.get('rewards/margins', 0.0):+.4f}  "
        f"accuracy {figures.get('rewards/accuracies', 0.0):.2f}  "
        f"gradient {figures.get('grad_norm', 0.0):.3g}  "
        f"rate {figures.get('learning_rate', 0.0):.2e}  {event.seconds_left:.0f} s left"
    )
