"""Single steps that went wrong: gradients far above the others, and numbers that were none. Qt-free."""

import numpy as np
from numpy.typing import NDArray

from app.train.health.curves import Curves, Floats
from app.train.health.finding import Figure, Finding, StartAgain
from app.train.wording import count, figure

Places = NDArray[np.intp]

BEFORE, AT_LEAST, LOOKED_AT = 32, 8, 200
"""Steps that a gradient is compared with, at most and at least; and the last steps that are looked at."""
TIMES = 5.0
DEVIATIONS = 6.0
"""A spike is both 5 times the median before it and 6 standard deviations above it.

The deviation is 1.4826 times the median distance to the median, which for a normal spread is its standard
deviation and which a spike itself does not move (Huber, Robust Statistics, 1981); 6 of them happen by chance
once in 10^9 steps, and batches of four pairs spread more than normally, therefore also the factor: in runs of
50 verdicts single steps reached twice the median.
"""
MANY = 3


def spikes(curves: Curves) -> Finding | None:
    norms, steps = curves.values("grad_norm"), curves.steps("grad_norm")
    found = _spikes(norms[-LOOKED_AT - BEFORE :])
    if not len(found):
        return None
    offset = max(0, len(norms) - LOOKED_AT - BEFORE)
    worst = offset + int(found[np.argmax(norms[offset + found])])
    limit = curves.facts.config.max_grad_norm
    harmless = bool(limit) and len(found) < MANY
    usual = float(np.median(norms[-LOOKED_AT:]))
    happened = "Once" if len(found) == 1 else f"In {len(found)} steps"
    return Finding(
        kind="spikes",
        level="notice" if harmless else "warning",
        sentence=f"{happened} the gradient jumped to many times its usual size"
        + (", and was clipped: harmless so far." if harmless else "."),
        cause="A batch of unusual pairs does that now and then; if it keeps happening, the learning rate is "
        "too high for them." + ("" if limit else " Nothing clips the gradient in this run."),
        figures=(
            Figure(name="Largest", value=f"{norms[worst]:.3g} in step {int(steps[worst]):,}"),
            Figure(name="Usual (median)", value=f"{usual:.3g}"),
            Figure(name="Clipped to", value=f"{limit:g}" if limit else "not clipped"),
        ),
        action=None if harmless else curves.slower() if limit else StartAgain(changes={"max_grad_norm": 1.0}),
    )


def _spikes(norms: Floats) -> Places:
    """Places of the norms that stand out from those before them."""
    early = [
        place
        for place in range(AT_LEAST, min(BEFORE, len(norms)))
        if _stands_out(norms[:place], norms[place])
    ]
    if len(norms) <= BEFORE:
        return np.array(early, dtype=np.intp)
    before = np.lib.stride_tricks.sliding_window_view(norms[:-1], BEFORE)
    late = BEFORE + np.flatnonzero(_stands_out(before, norms[BEFORE:]))
    return np.concatenate((np.array(early, dtype=np.intp), late))


def _stands_out(before: Floats, norms: Floats) -> NDArray[np.bool_]:
    """`before` has the steps compared with in its last dimension."""
    median = np.median(before, axis=-1)
    deviation = 1.4826 * np.median(np.abs(before - median[..., None]), axis=-1)
    limit = np.maximum(TIMES * median, median + DEVIATIONS * deviation)
    return np.asarray((norms > limit) & (limit > 0))


def skipped(curves: Curves) -> Finding | None:
    """Steps whose loss or gradient was not finite, which the engine leaves out and counts."""
    number = int(curves.last("skipped_steps") or 0)
    if not number:
        return None
    total = max(1, int(curves.steps("skipped_steps")[-1]))
    last = curves.steps("skipped_steps")[np.searchsorted(curves.values("skipped_steps"), number)]
    low = curves.facts.dtype == "bfloat16"
    return Finding(
        kind="skipped",
        level="warning" if number >= MANY or number > 0.05 * total else "notice",
        sentence=f"{count(number, 'step')} gave numbers that are not finite and "
        f"{'was' if number == 1 else 'were'} skipped; no weight was changed by "
        f"{'it' if number == 1 else 'them'}.",
        cause="A number grew beyond what the precision holds: most often the learning rate is too high"
        + (", or bfloat16 too coarse for this model." if low else ", or one pair's text upsets the model."),
        figures=(
            Figure(name="Skipped", value=f"{number:,} of {total:,} steps"),
            Figure(name="The last in", value=f"step {int(last):,}"),
            *_norm(curves),
        ),
        action=StartAgain(changes={"dtype": "float32"}) if low else curves.slower(),
    )


def _norm(curves: Curves) -> tuple[Figure, ...]:
    norm = curves.last("grad_norm")
    return () if norm is None else (Figure(name="Gradient norm, last", value=figure("{:.3g}", norm)),)
