"""A pair of the table as the explorer takes it up: its log-probs, its tokens, β, the run's loss. Qt-free."""

from app.inspector.explorer.explored import Explored, options_from
from app.inspector.explorer.presenter import OpenedPair
from app.inspector.pair_table import PairTable
from app.store.records import Run
from dpo_engine.loss_values import LossPoint


def pair_at(table: PairTable, place: int, run: Run) -> OpenedPair:
    """The pair at this place of the table of a checkpoint of the run, at the β that the table is shown at."""
    log_probs = table.log_probs
    loss, options = options_from(run.config, table.figures.beta)
    point = LossPoint(
        policy_chosen=float(log_probs.policy_chosen[place]),
        policy_rejected=float(log_probs.policy_rejected[place]),
        reference_chosen=float(log_probs.reference_chosen[place]),
        reference_rejected=float(log_probs.reference_rejected[place]),
        # A response of which nothing was scored has no mean; its losses per token count it as one token.
        chosen_tokens=max(1, int(table.chosen_tokens[place])),
        rejected_tokens=max(1, int(table.rejected_tokens[place])),
    )
    return OpenedPair(
        title=f"Pair {place + 1} of {run.name}", explored=Explored(point=point, loss=loss, options=options)
    )
