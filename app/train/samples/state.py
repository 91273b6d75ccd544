"""What the samples panel shows, as plain records. Qt-free."""

from dataclasses import dataclass
from typing import Literal

from dpo_engine.conversations import Message
from dpo_engine.events import Sample
from dpo_engine.run_folder import StepSamples

Case = Literal["no_run", "off", "reading", "waiting", "unreadable", "there"]


@dataclass(frozen=True, kw_only=True)
class SamplesState:
    case: Case = "no_run"
    problem: str = ""
    """Why the samples cannot be read, as a sentence."""
    steps: tuple[int, ...] = ()
    """The checks that there are answers from, ascending."""
    place: int = 0
    """Which of them is shown."""
    prompts: int = 0
    prompt: int = 0
    """Which of the prompts is shown, from 0."""
    asked: tuple[Message, ...] = ()
    reference: Sample | None = None
    """The answer before the first step, when the policy still was its reference."""
    policy: Sample | None = None
    """The answer after the step that is shown."""
    distinct: float | None = None
    kl: float | None = None
    tokens: float | None = None
    """Mean length of all answers of the step; None where an older version did not count."""

    @property
    def step(self) -> int:
        return self.steps[self.place] if self.steps else 0


class Answers:
    """The answers of one run by step and prompt."""

    def __init__(self) -> None:
        self._rows: dict[int, StepSamples] = {}
        self.steps: tuple[int, ...] = ()
        self.prompts: tuple[tuple[Message, ...], ...] = ()

    def add(self, row: StepSamples) -> None:
        self._rows[row.step] = row
        self.steps = tuple(sorted(self._rows))
        known = dict.fromkeys(self.prompts)
        self.prompts = tuple(known | dict.fromkeys(sample.prompt for sample in row.samples))

    def cut(self, after_step: int) -> None:
        """A resumed run answers again after its checkpoint."""
        self._rows = {step: row for step, row in self._rows.items() if step <= after_step}
        self.steps = tuple(sorted(self._rows))

    def row(self, place: int) -> StepSamples:
        return self._rows[self.steps[place]]

    def answer(self, place: int, prompt: int) -> Sample | None:
        """None where the prompt was not answered then: it did not fit into the model's context."""
        asked = self.prompts[prompt]
        return next((one for one in self.row(place).samples if one.prompt == asked), None)

    def reference(self, prompt: int) -> Sample | None:
        """The answer before the first step."""
        return self.answer(0, prompt) if self.steps and self.steps[0] == 0 else None
