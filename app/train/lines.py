"""What the page shows of the project and its runs, put together from its parts. Qt-free.

The page asks for the state after every event, with hundreds of runs in it: what only changes with the list of
runs, the policy or the search is kept from one time to the next.
"""

from dataclasses import replace

from app.train.book import Book
from app.train.form import Form
from app.train.ingredients import advice, obstacle, plan
from app.train.runs.desk import DeskState
from app.train.runs.listing import listed
from app.train.runs.queue import QueueState
from app.train.starting_points import StartingPoint, names_of, root_of, starting_points, title_of
from app.train.state import RunLine, TrainState
from app.train.training import TrainingProgress
from dpo_engine.presets import matching
from dpo_engine.recommendations import recommended_learning_rate


class Lines:
    """Builds `TrainState`s; one of them for each presenter."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._names: dict[str, str] = {}
        self._points: tuple[StartingPoint, ...] = ()
        self._back_to: StartingPoint | None = None
        self._resting: tuple[RunLine, ...] = ()
        self._listed: tuple[RunLine, ...] = ()

    def state(
        self,
        *,
        book: Book,
        policy: str,
        form: Form,
        desk: DeskState,
        queue: QueueState,
        preparing: bool,
        progress: TrainingProgress | None,
        selected: int | None,
        on_battery: bool,
        problem: str,
    ) -> TrainState:
        self._renew(book, policy, form, desk, queue, progress)
        names, found = self._names, book.ingredients
        return TrainState(
            loading=False,
            ingredients=found,
            written_by=tuple((title_of(model, names), n) for model, n in found.policies),
            obstacle=obstacle(found) or form.problem or form.device_problem,
            advice=advice(found),
            plan=plan(found, form.config),
            starting_points=self._points,
            start_from=form.start_from or policy,
            config=form.config,
            preset=matching(form.config, found.train),
            form_number=form.number,
            recommended_rate=recommended_learning_rate(form.config.method, found.train),
            preparing=preparing,
            progress=progress,
            runs=_with_progress(self._resting, progress),
            listed=_with_progress(self._listed, progress),
            desk=desk,
            queue=queue,
            selected=selected,
            policy_title=title_of(policy, names),
            back_to=self._back_to,
            on_battery=on_battery,
            problem=problem,
        )

    def _renew(
        self,
        book: Book,
        policy: str,
        form: Form,
        desk: DeskState,
        queue: QueueState,
        progress: TrainingProgress | None,
    ) -> None:
        under_way = progress.run.id if progress else None
        key = (book, policy, form.folders, desk.search, desk.compared, desk.facts, queue, under_way)
        if len(key) == len(self._key) and all(a is b or a == b for a, b in zip(key, self._key, strict=True)):
            return
        self._key = key
        self._names = names_of(book.runs)
        self._points = starting_points(policy, book.runs, form.folders)
        root = root_of(policy, book.runs)
        below = starting_points(root, book.runs) if root != policy else ()
        self._back_to = next(iter(below), None)
        places = {run_id: place for place, run_id in enumerate(queue.waiting, 1)}
        self._resting = tuple(
            RunLine(
                run=run,
                margin=book.margins.get(run.id),
                phase=progress.phase if progress and run.id == under_way else None,
                in_use=run.folder == policy,
                started_from=title_of(run.policy, self._names),
                place=places.get(run.id, 0),
                compared=run.id in desk.compared,
                disk=desk.facts[run.folder].size if run.folder in desk.facts else None,
            )
            for run in book.runs
        )
        self._listed = listed(self._resting, desk.search)


def _with_progress(lines: tuple[RunLine, ...], progress: TrainingProgress | None) -> tuple[RunLine, ...]:
    """The same with how far the run under way is."""
    if progress is None:
        return lines
    return tuple(
        replace(
            line,
            run=replace(line.run, step=progress.step, total_steps=progress.total_steps),
            margin=line.margin if progress.margin is None else progress.margin,
            phase=progress.phase,
        )
        if line.run.id == progress.run.id
        else line
        for line in lines
    )
