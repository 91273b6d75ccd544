"""The answers to a run's fixed prompts: read from its folder, heard while it trains, shown. Qt-free."""

from collections.abc import Callable
from pathlib import Path
from statistics import mean

from app.store.records import Run
from app.train.background import Background
from app.train.samples.state import Answers, SamplesState
from dpo_engine import events as told
from dpo_engine import run_folder
from dpo_engine.errors import BadInput
from dpo_engine.events import Event
from dpo_engine.run_folder import StepSamples

MOST_BYTES = 128 * 1024 * 1024
"""Of a samples file that is read: 64 answers of 128 tokens at 3,000 checks."""


class SamplesPresenter:
    """`show_run` and `hear` tell it what goes on; `state` is what is shown, `changed` is called when it is
    another one."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._changed: Callable[[], None] = lambda: None
        self._answers: dict[int, Answers] = {}
        self._run: Run | None = None
        self._reading = False
        self._problem = ""
        self._place: int | None = None
        """None: the last one, which follows a run that trains."""
        self._prompt = 0

    def listen(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    @property
    def state(self) -> SamplesState:
        run = self._run
        if run is None:
            return SamplesState()
        answers = self._answers.get(run.id)
        if answers is None or not answers.steps or not answers.prompts:
            return self._without(run)
        place = self._shown_place(answers)
        row = answers.row(place)
        prompt = min(self._prompt, len(answers.prompts) - 1)
        counted = [sample.tokens for sample in row.samples if sample.tokens]
        return SamplesState(
            case="there",
            steps=answers.steps,
            place=place,
            prompts=len(answers.prompts),
            prompt=prompt,
            asked=answers.prompts[prompt],
            reference=answers.reference(prompt),
            policy=answers.answer(place, prompt),
            distinct=row.distinct,
            kl=row.kl,
            tokens=mean(counted) if counted else None,
        )

    def show_run(self, run: Run | None) -> None:
        """Show another run, or the same one with what is known of it by now."""
        before, self._run = self._run, run
        if run is None or (before is not None and before.id == run.id):
            return
        self._place, self._prompt, self._problem = None, 0, ""
        self._answers = {id_: kept for id_, kept in self._answers.items() if id_ == run.id}
        self._reading = True
        self._background.submit(
            lambda: _read(Path(run.folder)),
            lambda rows: self._on_read(run.id, rows),
            lambda error: self._on_refused(run.id, error),
        )
        self._changed()

    def hear(self, run: Run, event: Event) -> None:
        """Follow a run that trains."""
        answers = self._answers.setdefault(run.id, Answers())
        match event:
            case told.TrainingStarted():
                # A run that begins has none yet, and a resumed one goes over some steps again.
                answers.cut(event.first_step if event.first_step else -1)
            case told.Sampled():
                answers.add(
                    StepSamples(step=event.step, samples=event.samples, distinct=event.distinct, kl=event.kl)
                )
            case _:
                return
        if self._run is not None and self._run.id == run.id:
            self._changed()

    def go_to(self, place: int) -> None:
        """Show the answers of a check by its place among them; at the last one new ones are followed."""
        answers = self._answers.get(self._run.id) if self._run else None
        if answers and answers.steps:
            last = len(answers.steps) - 1
            self._place = None if place >= last else max(0, place)
            self._changed()

    def go_to_prompt(self, prompt: int) -> None:
        """Show another prompt; beyond the last one stays there."""
        answers = self._answers.get(self._run.id) if self._run else None
        if answers and answers.prompts:
            self._prompt = min(max(0, prompt), len(answers.prompts) - 1)
            self._changed()

    def _shown_place(self, answers: Answers) -> int:
        last = len(answers.steps) - 1
        return last if self._place is None else min(self._place, last)

    def _without(self, run: Run) -> SamplesState:
        if self._reading:
            return SamplesState(case="reading")
        if self._problem:
            return SamplesState(case="unreadable", problem=self._problem)
        return SamplesState(case="waiting" if run.config.get("eval_samples") else "off")

    def _on_read(self, run_id: int, rows: list[StepSamples]) -> None:
        if self._run is None or self._run.id != run_id:
            return
        self._reading = False
        answers = self._answers.setdefault(run_id, Answers())
        heard = set(answers.steps)
        for row in rows:
            if row.step not in heard:
                answers.add(row)
        self._changed()

    def _on_refused(self, run_id: int, error: Exception) -> None:
        if self._run is not None and self._run.id == run_id:
            self._reading, self._problem = False, str(error)
            self._changed()


def _read(folder: Path) -> list[StepSamples]:
    """Raises `BadInput` where the file is damaged or far too large to be what its name says."""
    file = folder / "samples.jsonl"
    if file.exists() and file.stat().st_size > MOST_BYTES:
        raise BadInput(f"{file} is too large to be shown. The run itself is not affected.")
    return run_folder.read_samples(folder)
