"""`score`: the four log-probs of every pair of a file, and what follows from them."""

import argparse
from typing import Any

from dpo_engine.commands.doing import follow, quiet_shelf, tell_file
from dpo_engine.commands.output import Narrator, Rows, rows_into
from dpo_engine.errors import BadInput
from dpo_engine.events import Event, Note, PairsScored, Progress
from dpo_engine.pair_math import PairScore, TokenScore
from dpo_engine.preferences import read_pairs
from dpo_engine.requests import Score


def score(arguments: argparse.Namespace) -> int:
    if not 0 < arguments.beta < float("inf"):
        raise BadInput(f"--beta is {arguments.beta}; it must be above 0.")
    if arguments.max_length < 8:
        raise BadInput(f"--max-length is {arguments.max_length}; it must be at least 8.")
    read_pairs(arguments.pairs)  # a bad file should be said before a model is loaded
    request = Score(
        id="score",
        policy=arguments.policy,
        reference=arguments.reference,
        pairs=str(arguments.pairs),
        beta=arguments.beta,
        max_length=arguments.max_length,
        tokens=arguments.tokens,
        device=arguments.device,
        dtype=arguments.dtype,
    )
    narrator = Narrator(as_json=False)
    margins: list[float] = []
    with rows_into(arguments.out, as_json=arguments.json) as rows:

        def hear(event: Event) -> None:
            if isinstance(event, PairsScored):
                for score in event.scores:
                    margins.append(score.margin(request.beta))
                    _add_score(rows, score, request)
            elif isinstance(event, Note) or (isinstance(event, Progress) and not rows.for_people):
                narrator.tell(event)

        follow(request, hear, quiet_shelf())
        narrator.close_bar()
    if not arguments.json:
        right = sum(margin > 0 for margin in margins)
        print(f"{len(margins)} pairs, mean margin {sum(margins) / len(margins):+.4f}, {right} above 0")
    tell_file(arguments, rows, "pair")
    return 0


def _add_score(rows: Rows, score: PairScore, request: Score) -> None:
    row: dict[str, Any] = {
        "id": score.pair,
        "policy_chosen_logp": score.policy_chosen_logp,
        "policy_rejected_logp": score.policy_rejected_logp,
        "reference_chosen_logp": score.reference_chosen_logp,
        "reference_rejected_logp": score.reference_rejected_logp,
        "chosen_tokens": score.chosen_tokens,
        "rejected_tokens": score.rejected_tokens,
        "chosen_log_ratio": score.chosen_log_ratio,
        "rejected_log_ratio": score.rejected_log_ratio,
        "beta": request.beta,
        "margin": score.margin(request.beta),
        "truncated": score.truncated,
    }
    if request.tokens:
        row["chosen_token_scores"] = [_token(token) for token in score.chosen_token_scores]
        row["rejected_token_scores"] = [_token(token) for token in score.rejected_token_scores]
    rows.add(row)
    if rows.for_people:
        print(
            f"{score.pair}  margin {score.margin(request.beta):+.4f}  "
            f"log-ratios chosen {score.chosen_log_ratio:+.3f}, rejected {score.rejected_log_ratio:+.3f}  "
            f"tokens {score.chosen_tokens}, {score.rejected_tokens}",
            flush=True,
        )


def _token(token: TokenScore) -> dict[str, Any]:
    return {"text": token.text, "id": token.id, "policy": token.policy, "reference": token.reference}
