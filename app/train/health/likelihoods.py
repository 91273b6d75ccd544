"""Both log-probs fall while the margin grows: mostly as it must be, at some point too much. Qt-free."""

import math

from app.train.health.curves import Curves, last_within
from app.train.health.finding import Figure, Finding
from app.train.wording import figure

TOO_FAR = 0.1
"""Nats that a token of the chosen responses may lose on average.

Candidates are drawn from the reference, so the mean log-ratio of a response that was neither pushed up nor
down is −KL(π_ref‖π) (arXiv 2404.12358, section 5.2): it falls as soon as the policy moves at all, and the
chosen one is dragged along by the words that it shares with the rejected one (arXiv 2402.13228, 2410.08847).
The loss asks for the difference alone. 0.1 nats a token is the KL from which on text began to break in what
`dpo_engine.recommendations` measured; a response that the loss pushes *up* and that still lost more is a sign
that the mass goes to words of neither side. In a run of 50 verdicts whose text stayed whole the chosen ones
lost 0.05 at most in any pass, and the rejected ones 0.27.
"""
WORTH_SAYING = 0.005
"""Nats a token."""


def both_fall(curves: Curves) -> Finding | None:
    if not curves.has_reference:
        return None
    chosen, rejected = curves.change_per_token("chosen"), curves.change_per_token("rejected")
    margin = curves.recent("rewards/margins")
    if chosen is None or rejected is None or margin is None:
        return None
    if margin <= 0 or chosen > -WORTH_SAYING or rejected > -WORTH_SAYING:
        return None
    figures = (
        Figure(name="Chosen, a token", value=figure("{:+.3f} nats", chosen)),
        Figure(name="Rejected, a token", value=figure("{:+.3f} nats", rejected)),
        *_held_out(curves),
        Figure(name="Margin", value=figure("{:+.3f}", margin)),
        *_kl(curves),
        Figure(name="Too far from", value=figure("{:+.2f} nats a chosen token", -TOO_FAR)),
    )
    if -chosen <= TOO_FAR:
        return Finding(
            kind="both_fall",
            level="quiet",
            sentence="Both log-probs fall and the margin grows: normal so far.",
            cause="Both responses were drawn from the reference, so any move away from it makes them less "
            "likely. DPO only asks that the rejected one falls more, and it does.",
            figures=figures,
        )
    return Finding(
        kind="both_fall",
        level="warning",
        sentence=f"Chosen tokens became {_less(chosen)} less likely: too far.",
        cause="The margin grows because the rejected responses fall faster, while the probability goes to "
        f"texts that nobody chose. Beyond {TOO_FAR:g} nats a token the text itself tends to suffer.",
        figures=figures,
        action=curves.back_to(_last_good_step(curves), curves.gentler()),
    )


def _held_out(curves: Curves) -> tuple[Figure, ...]:
    before = curves.at_start("eval_logps/chosen_per_token")
    now = curves.last("eval_logps/chosen_per_token")
    if before is None or now is None or len(curves.values("eval_logps/chosen_per_token")) < 2:
        return ()
    return (Figure(name="Chosen, held out", value=figure("{:+.3f} nats a token", now - before)),)


def _kl(curves: Curves) -> tuple[Figure, ...]:
    kl = curves.last("samples/kl")
    return (
        () if kl is None else (Figure(name="KL to the reference", value=figure("{:.3f} nats a token", kl)),)
    )


def _last_good_step(curves: Curves) -> int:
    tokens = curves.tokens("chosen") or 1.0
    steps, rewards = curves.smoothed("rewards/chosen")
    return last_within(steps, -rewards / curves.beta / tokens, TOO_FAR)


def _less(change: float) -> str:
    """A change of a log-prob as a share of the probability: 0.1 nats less is 10 % less."""
    share = -math.expm1(change)
    return f"{share:.0%}".replace("%", " %")
