"""The command line: `models`, `fetch`, `generate`, `score`, `train`, `estimate`, `preflight` and `serve`.

Exit codes: 0 done; 2 bad input, said in a line on stderr; 130 interrupted; 1 anything else. PyTorch is
imported only by the commands that compute, after their input was found to be readable.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from dpo_engine.catalogue import CATALOGUE
from dpo_engine.commands.output import Narrator, Rows, json_line, one_line, rows_into
from dpo_engine.commands.parser import parse, settings
from dpo_engine.config import SamplingConfig
from dpo_engine.errors import BadInput, Cancelled, EngineError, FetchFailed, ModelUnusable, NotFetched
from dpo_engine.events import CandidateDone, Event, Note, PairsScored, Progress
from dpo_engine.pair_math import PairScore, TokenScore
from dpo_engine.preferences import Message, read_pairs, read_prompts, refusal_summary
from dpo_engine.requests import FetchModel, Generate, Request, Score

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    command = ""
    try:
        arguments = parse(argv)
        command = arguments.command
        return _COMMANDS[command](arguments)
    except EngineError as error:
        print(one_line(str(error)), file=sys.stderr)
        return _exit_code(error, command)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python complains once more on its way out
        return 1
    except Exception:
        traceback.print_exc()
        print("Something unexpected went wrong; please report the lines above.", file=sys.stderr)
        return 1


def _exit_code(error: EngineError, command: str) -> int:
    if isinstance(error, Cancelled):
        return INTERRUPTED
    if isinstance(error, (BadInput, ModelUnusable, NotFetched)):
        return 2
    # A model that is neither on this machine nor to be had is bad input, except to the command that fetches.
    return 2 if isinstance(error, FetchFailed) and command != "fetch" else 1


def _models(arguments: argparse.Namespace) -> int:
    for model in CATALOGUE.values():
        path = None if model.path is None else str(model.path)
        if arguments.json:
            row = {
                "name": model.name,
                "title": model.title,
                "source": f"{model.source.package}=={model.source.version} ({model.source.member})",
                "path": path,
                "parameters": model.parameters,
                "license": model.license,
            }
            print(json_line(row))
        else:
            where = path or f"not on this disk; get it with: python -m dpo_engine fetch {model.name}"
            print(f"{model.name}  {model.title}  {model.parameters:,} parameters  {model.license}\n  {where}")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    if arguments.model not in CATALOGUE:
        raise BadInput(f"There is no model {arguments.model!r} to fetch. Known: {', '.join(CATALOGUE)}.")
    narrator = Narrator(as_json=arguments.json)
    try:
        _follow(FetchModel(id="fetch", model=arguments.model), narrator.tell, _quiet_shelf())
    finally:
        narrator.close_bar()
    return 0


def _generate(arguments: argparse.Namespace) -> int:
    sampling = SamplingConfig(**settings(arguments, SamplingConfig))
    if not 1 <= arguments.n <= 64:
        raise BadInput(f"-n is {arguments.n}; it must be from 1 to 64.")
    if not 0 <= arguments.seed < 2**62:
        raise BadInput(f"--seed is {arguments.seed}; it must be at least 0 and below 2^62.")
    file = read_prompts(arguments.prompts)
    narrator = Narrator(as_json=False)
    if file.refused:
        narrator.tell(Note(request="", message=refusal_summary(file.refused), level="warning"))
    with rows_into(arguments.out, as_json=arguments.json) as rows:
        shelf = _quiet_shelf()
        for number, prompt in enumerate(file.prompts):
            request = Generate(
                id=str(number),
                policy=arguments.policy,
                prompt=prompt,
                n=arguments.n,
                sampling=sampling,
                seed=arguments.seed + number * arguments.n,
                device=arguments.device,
                dtype=arguments.dtype,
            )
            _add_responses(rows, prompt, _candidates(request, narrator, shelf))
            if not rows.for_people:
                done = Progress(
                    request="", stage="Answering", done=number + 1, total=len(file.prompts), unit=""
                )
                narrator.progress(done)
        narrator.close_bar()
    _tell_file(arguments, rows, "prompt")
    return 0


def _candidates(request: Generate, narrator: Narrator, shelf: Any) -> list[CandidateDone]:
    done: list[CandidateDone] = []

    def hear(event: Event) -> None:
        if isinstance(event, CandidateDone):
            done.append(event)
        elif isinstance(event, (Note, Progress)):
            narrator.tell(event)

    _follow(request, hear, shelf)
    return sorted(done, key=lambda one: one.index)


def _add_responses(rows: Rows, prompt: Sequence[Message], candidates: Sequence[CandidateDone]) -> None:
    rows.add(
        {
            "prompt": [{"role": message.role, "content": message.content} for message in prompt],
            "responses": [
                {
                    "text": one.text,
                    "seed": one.seed,
                    "finish_reason": one.finish_reason,
                    "tokens": one.tokens,
                }
                for one in candidates
            ],
        }
    )
    if rows.for_people:
        print(f"> {prompt[-1].content}\n")
        for one in candidates:
            print(f"[{one.index + 1}] {one.text}\n", flush=True)


def _score(arguments: argparse.Namespace) -> int:
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

        _follow(request, hear, _quiet_shelf())
        narrator.close_bar()
    if not arguments.json:
        right = sum(margin > 0 for margin in margins)
        print(f"{len(margins)} pairs, mean margin {sum(margins) / len(margins):+.4f}, {right} above 0")
    _tell_file(arguments, rows, "pair")
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


def _train(arguments: argparse.Namespace) -> int:
    from dpo_engine.commands.train import train

    _settle()
    return train(arguments)


def _estimate(arguments: argparse.Namespace) -> int:
    from dpo_engine.commands.memory import estimate

    _settle()
    return estimate(arguments)


def _preflight(arguments: argparse.Namespace) -> int:
    from dpo_engine.commands.memory import preflight

    _settle()
    return preflight(arguments)


def _serve(_arguments: argparse.Namespace) -> int:
    from dpo_engine.service.serve import serve

    return serve()


def _tell_file(arguments: argparse.Namespace, rows: Rows, what: str) -> None:
    if arguments.out is not None and not arguments.json:
        print(f"{rows.count} {what}{'' if rows.count == 1 else 's'} written to {arguments.out}")


def _follow(request: Request, hear: Callable[[Event], None], shelf: Any) -> None:
    """Do what is asked and hear every event of it; anything but a bug becomes an `EngineError`."""
    from dpo_engine.service.failures import engine_error
    from dpo_engine.service.jobs import work_for

    try:
        with closing(work_for(request, shelf, lambda: "go")) as events:  # type: ignore[type-var]
            for event in events:
                if event is not None:
                    hear(event)
    except BrokenPipeError:
        raise
    except Exception as error:
        raise (engine_error(error, "this") or error) from error


def _quiet_shelf() -> Any:
    _settle()
    from dpo_engine.service.shelf import ModelShelf

    return ModelShelf()


def _settle() -> None:
    from dpo_engine.models import libraries

    libraries.quieten()
    from dpo_engine.compute import device

    device.settle_process(device.pick_device("auto"))


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "models": _models,
    "fetch": _fetch,
    "generate": _generate,
    "score": _score,
    "train": _train,
    "estimate": _estimate,
    "preflight": _preflight,
    "serve": _serve,
}
