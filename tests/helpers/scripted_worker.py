"""A worker process that speaks the engine's wire and does what its requests say; quick, and without torch.

    python tests/helpers/scripted_worker.py [OPTION…]

What a request asks for stands in it, as words separated by spaces: in the last message of a `Generate`'s
prompt, and in the `run` of a `Train` (whose own words are counted as steps).

    text:hello          one TextDelta (Generate)            steps:5      five StepDones (Train)
    flood:10000         so many TextDeltas as fast as possible
    hang                wait until cancelled, stopped or shut down
    die                 end with SIGKILL                     exit:3       end with that exit code
    malformed           write a line that is no message      stderr:words write to stderr
    touch:PATH          make an empty file

Options: --dead-on-arrival, --deaf (ignores Shutdown, SIGTERM and the end of stdin), --dies-before-start
(reads a request and dies before `RequestStarted`), --lives FILE N OPTION… (the options after N hold for the
first N lives counted in FILE), --spawn FILE (starts a child of its own and writes its pid).
"""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from dpo_engine import requests as ask
from dpo_engine import wire
from dpo_engine.events import (
    EngineReady,
    Event,
    RequestFailed,
    RequestFinished,
    RequestStarted,
    StepDone,
    TextDelta,
    TrainingPaused,
    TrainingResumed,
)

Inbound = ask.Request | ask.Control


class Worker:
    def __init__(self, *, deaf: bool, dies_before_start: bool) -> None:
        self.deaf = deaf
        self.dies_before_start = dies_before_start
        self.inbox: queue.Queue[Inbound] = queue.Queue()
        self.waiting: list[ask.Request] = []
        self.asked: list[ask.Control] = []

    def serve(self) -> None:
        threading.Thread(target=self.read_stdin, daemon=True).start()
        self.tell(
            EngineReady(version="scripted", device="cpu", device_name=f"pid {os.getpid()}", memory_total=1)
        )
        while True:
            while not self.waiting:
                self.take(self.inbox.get())
            self.answer(self.waiting.pop(0))

    def read_stdin(self) -> None:
        for line in sys.stdin.buffer:
            self.inbox.put(wire.decode_inbound(line))
        self.inbox.put(ask.Shutdown())

    def tell(self, event: Event) -> None:
        sys.stdout.buffer.write(wire.encode(event))
        sys.stdout.buffer.flush()

    def take(self, message: Inbound) -> None:
        """Sort what came in; a Shutdown ends the process here, in the middle of whatever it does."""
        if isinstance(message, ask.Shutdown):
            if not self.deaf:
                sys.stdout.flush()
                os._exit(0)
        elif isinstance(message, (ask.FetchModel, ask.Generate, ask.Score, ask.Train)):
            self.waiting.append(message)
        else:
            self.asked.append(message)

    def look(self, *, wait: bool = False) -> None:
        """Take in what has come; with `wait`, at least one message."""
        if wait:
            self.take(self.inbox.get())
        while not self.inbox.empty():
            self.take(self.inbox.get())

    def answer(self, request: ask.Request) -> None:
        if self.dies_before_start:
            os.kill(os.getpid(), signal.SIGKILL)
        self.look()
        if not self.is_cancelled(request):
            self.tell(RequestStarted(request=request.id))
            for event in self.do(request):
                self.tell(event)
                self.look()
                if self.is_cancelled(request):
                    break
            else:
                self.tell(RequestFinished(request=request.id))
                return
        self.asked.remove(ask.Cancel(target=request.id))
        self.tell(RequestFailed(request=request.id, code="cancelled", message="Cancelled."))

    def is_cancelled(self, request: ask.Request) -> bool:
        return ask.Cancel(target=request.id) in self.asked

    def do(self, request: ask.Request) -> Iterator[Event]:
        for word in script_of(request).split():
            name, _, value = word.partition(":")
            match name:
                case "text":
                    yield TextDelta(request=request.id, index=0, text=value)
                case "steps":
                    for step in range(1, int(value) + 1):
                        yield step_done(request.id, step, int(value))
                case "flood":
                    for number in range(int(value)):
                        yield TextDelta(request=request.id, index=0, text=f"{number} ")
                case "hang":
                    yield from self.hang(request)
                case _:
                    misbehave(name, value)

    def hang(self, request: ask.Request) -> Iterator[Event]:
        while not self.is_cancelled(request):
            self.look(wait=True)
            for control in self.asked:
                if isinstance(control, ask.StopAndKeep):
                    return
                if isinstance(control, ask.Pause):
                    yield TrainingPaused(request=request.id, step=1)
                if isinstance(control, ask.Resume):
                    yield TrainingResumed(request=request.id, step=1)
            self.asked = [control for control in self.asked if isinstance(control, ask.Cancel)]
        yield TextDelta(request=request.id, index=0, text="")


def script_of(request: ask.Request) -> str:
    if isinstance(request, ask.Generate):
        return request.prompt[-1].content
    return request.run if isinstance(request, ask.Train) else ""


def step_done(request: str, step: int, steps: int) -> StepDone:
    return StepDone(
        request=request, step=step, total_steps=steps, metrics={"loss": 0.5}, seconds_left=float(steps - step)
    )


def misbehave(name: str, value: str) -> None:
    match name:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(int(value))
        case "malformed":
            sys.stdout.buffer.write(b"Downloading: 100%|####| what a library prints\n")
            sys.stdout.buffer.flush()
            threading.Event().wait()
        case "stderr":
            print(value, file=sys.stderr, flush=True)
        case "touch":
            Path(value).touch()
        case _:
            raise ValueError(f"no such word: {name}")


def options_of_this_life(arguments: list[str]) -> list[str]:
    """With --lives FILE N the rest holds only as long as FILE has counted no more than N lives."""
    if arguments[:1] != ["--lives"]:
        return arguments
    counted, limit = Path(arguments[1]), int(arguments[2])
    lives = int(counted.read_text()) + 1 if counted.exists() else 1
    counted.write_text(str(lives))
    return arguments[3:] if lives <= limit else []


def main(arguments: list[str]) -> None:
    options = options_of_this_life(arguments)
    if "--dead-on-arrival" in options:
        print("no such device", file=sys.stderr, flush=True)
        sys.exit(7)
    if "--deaf" in options:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "--spawn" in options:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(options[options.index("--spawn") + 1]).write_text(str(child.pid))
    Worker(deaf="--deaf" in options, dies_before_start="--dies-before-start" in options).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
