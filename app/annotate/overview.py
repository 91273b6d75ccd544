"""What the objects behind the Annotate page come to, as the one record that it shows. Qt-free."""

from app.annotate.assembly import Parts
from app.annotate.state import AnnotateState, Phase


def state_of(parts: Parts, *, begun: bool, failure: str) -> AnnotateState:
    """`begun`: the project was read; `failure`: why it cannot be, else empty."""
    models, ahead, writers = parts.writers.models, parts.ahead, parts.writers
    asking, shown, choices = parts.line.asking, parts.line.shown, parts.choices
    stopped = models.problem or (ahead.trouble.sentence if ahead.trouble else "")
    return AnnotateState(
        phase=_phase(parts, begun=begun, failure=failure),
        comparison=shown,
        draft=ahead.draft,
        can_judge_draft=shown is None and parts.judging.can_be_judged(ahead.draft),
        message=failure or stopped,
        stage="Trying the model" if models.trying else models.stage,
        trying=models.trying,
        done=models.done,
        total=models.total,
        waiting=parts.line.waiting,
        target=parts.pace.target,
        behind=ahead.behind,
        writing_stopped=stopped if shown is not None else "",
        counts=parts.figures.counts,
        meter=parts.figures.meter,
        left_streak=parts.figures.left_streak,
        policy=writers.policy,
        sampling=writers.sampling,
        opponent=writers.opponent,
        writers=choices.around.writers,
        known_tags=choices.around.tags,
        order=asking.order,
        random_share=asking.random_share,
        margins=parts.margins.words,
        repeat_every=asking.repeat_every,
        overlap=asking.overlap,
        goal=choices.goal,
        annotator=asking.annotator,
        annotators=choices.annotators,
        needs_annotator=choices.needs_annotator,
        last=parts.judging.last,
        undo_label=parts.history.undo_label,
        redo_label=parts.history.redo_label,
        notice=parts.voice.notice,
        problem=parts.voice.problem,
    )


def _phase(parts: Parts, *, begun: bool, failure: str) -> Phase:
    if parts.line.shown is not None:
        return "saving" if parts.judging.busy else "ready"
    if failure:
        return "trouble"
    if not begun:
        return "opening"
    if parts.choices.needs_annotator:
        return "who"
    if parts.writers.models.fetching:
        return "fetching"
    if parts.writers.models.problem:
        return "no_model"
    if parts.ahead.trouble is not None:
        return "trouble"
    if parts.ahead.held:
        return "held"
    return "empty" if parts.ahead.no_prompts else "writing"
