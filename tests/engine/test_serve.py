"""The engine as a child process behind a pipe."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpo_engine import wire
from dpo_engine.config import SamplingConfig
from dpo_engine.events import CandidateDone, EngineReady, Event, RequestFailed, RequestFinished
from dpo_engine.preferences import Message
from dpo_engine.requests import Generate, Shutdown

ROOT = Path(__file__).resolve().parents[2]


class _Served:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self.stdin, self.stdout = process.stdin, process.stdout

    def say(self, line: bytes) -> None:
        self.stdin.write(line)
        self.stdin.flush()

    def hear_until(self, kind: type[Event]) -> list[Event]:
        """Every line must be an event: whatever else came through would not decode."""
        heard: list[Event] = []
        for line in self.stdout:
            heard.append(wire.decode_event(line))
            if isinstance(heard[-1], kind):
                return heard
        raise AssertionError(f"the engine ended before {kind}: {heard}")


@pytest.fixture
def served() -> Iterator[_Served]:
    process = subprocess.Popen(
        [sys.executable, "-m", "dpo_engine", "serve"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    with process:
        yield _Served(process)
        process.kill()


def _generate(folder: Path, tokens: int) -> Generate:
    return Generate(
        id="g",
        policy=str(folder),
        prompt=(Message("user", "hello"),),
        sampling=SamplingConfig(max_new_tokens=tokens),
        device="cpu",
        dtype="float32",
    )


def test_requests_are_answered_and_bad_lines_are_refused(served: _Served, tiny_model_folder: Path) -> None:
    served.hear_until(EngineReady)
    served.say(b"this is not a message\n\n" + b'{"type": "Nonsense", "body": {}}\n')
    first = served.hear_until(RequestFailed)[-1]
    second = served.hear_until(RequestFailed)[-1]
    for failed in (first, second):
        assert isinstance(failed, RequestFailed)
        assert (failed.request, failed.code) == ("", "bad_input")
    served.say(wire.encode(_generate(tiny_model_folder, 5)))
    heard = served.hear_until(RequestFinished)
    assert len([one for one in heard if isinstance(one, CandidateDone)]) == 2
    served.say(wire.encode(Shutdown()))
    assert served.process.wait(60) == 0


def test_the_end_of_stdin_ends_the_engine_in_the_middle_of_work(
    served: _Served, tiny_model_folder: Path
) -> None:
    served.say(wire.encode(_generate(tiny_model_folder, 1500)))
    served.hear_until(EngineReady)
    served.stdin.close()
    assert served.process.wait(60) == 0


@pytest.mark.skipif(os.name == "nt", reason="signals are another matter there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_engine(served: _Served, number: signal.Signals) -> None:
    served.hear_until(EngineReady)
    served.process.send_signal(number)
    assert served.process.wait(60) == 0


def test_what_a_library_prints_does_not_get_onto_the_wire() -> None:
    script = (
        "import os; from dpo_engine.service.serve import _take_stdout; out = _take_stdout();"
        "print('from Python', flush=True); os.write(1, b'from C'); out.write(b'a message'); out.flush()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b"a message"
    assert b"from Python" in done.stderr
    assert b"from C" in done.stderr
