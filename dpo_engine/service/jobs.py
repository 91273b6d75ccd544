"""What is done for each kind of request, as an iterator of events."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from dpo_engine.catalogue import CATALOGUE
from dpo_engine.errors import BadInput, Cancelled
from dpo_engine.events import Event, ModelFetched, ModelLoaded, Note, PairTokenized, Progress
from dpo_engine.fetching import hub
from dpo_engine.models.loading import LoadedModel
from dpo_engine.models.model_files import missing_from_hub, resolve
from dpo_engine.requests import (
    FetchModel,
    Generate,
    GenerateMany,
    KeepStep,
    Preflight,
    Request,
    Score,
    ScoreTokens,
    Suspect,
    TokenizePair,
    Train,
)
from dpo_engine.service.shelf import ModelShelf
from dpo_engine.training.run import Directive

Work = Iterator[Event | None]
"""None is a safe point without news: the caller may cancel or do something else in between."""


def work_for(request: Request, shelf: ModelShelf, directive: Callable[[], Directive]) -> Work:
    """Begin nothing yet; the iterator does the work. `directive` steers a training and is ignored by others.

    The iterator raises `EngineError` for what the request or the machine is at fault for.
    """
    work = _begun(request, shelf, directive)
    return work if isinstance(request, FetchModel) else _with_models(request, work, directive)


def _begun(request: Request, shelf: ModelShelf, directive: Callable[[], Directive]) -> Work:
    match request:
        case FetchModel():
            return _fetch(request)
        case Generate() | GenerateMany():
            return _generate(request, shelf)
        case Score():
            return _score(request, shelf)
        case ScoreTokens():
            return _score_tokens(request, shelf)
        case Preflight():
            from dpo_engine.memory.look import preflight

            return preflight(request)
        case TokenizePair():
            return _tokenize(request)
        case Train():
            return _train(request, directive)
        case KeepStep():
            from dpo_engine.training.keeping import keep_step

            return keep_step(request)
        case Suspect():
            from dpo_engine.suspects.study import study

            return study(request, directive)


def _fetch(request: FetchModel) -> Work:
    if request.model not in CATALOGUE and hub.is_hub_id(request.model):
        return hub.fetch(request.model, request.id)
    from dpo_engine.fetching.known_models import fetch, known_model

    return fetch(known_model(request.model), request.id)


def _with_models(request: Request, work: Work, directive: Callable[[], Directive]) -> Work:
    """Models of the hub that are not on this disk yet are fetched first, where a cancel can act."""
    for named in (getattr(request, "policy", ""), getattr(request, "reference", "")):
        while named and (hub_id := missing_from_hub(named)) is not None:
            for event in hub.fetch(hub_id, request.id):
                if directive() != "go":
                    raise Cancelled(f"Fetching {hub_id} was cancelled. What was received is kept.")
                yield None if isinstance(event, ModelFetched) else event
    yield from work


def _generate(request: Generate | GenerateMany, shelf: ModelShelf) -> Work:
    from dpo_engine.generation.writing import generate, generate_many

    loaded = yield from _taken(request, request.policy, shelf)
    decoder = shelf.decoder(loaded)
    if isinstance(request, Generate):
        yield from generate(request, loaded, decoder=decoder)
    else:
        yield from generate_many(request, loaded, decoder=decoder)


def _score(request: Score, shelf: ModelShelf) -> Work:
    from dpo_engine.scoring import score

    if request.beta <= 0 or request.max_length < 8:
        raise BadInput("beta must be above 0 and max_length at least 8.")
    policy, reference = yield from _both_taken(request, shelf)
    yield from score(request, policy, reference)


def _score_tokens(request: ScoreTokens, shelf: ModelShelf) -> Work:
    from dpo_engine.token_scores.scoring import score_tokens

    if request.max_length < 8:
        raise BadInput("max_length must be at least 8.")
    policy, reference = yield from _both_taken(request, shelf)
    yield from score_tokens(request, policy, reference, scorer_of=shelf.scorer)


def _both_taken(
    request: Score | ScoreTokens, shelf: ModelShelf
) -> Generator[Event, None, tuple[LoadedModel, LoadedModel | None]]:
    """Policy and reference; None where that is the policy with its adapter off: one model in memory."""
    policy = yield from _taken(request, request.policy, shelf)
    ours, theirs = resolve(request.policy), resolve(request.reference)
    if theirs.is_what_is_under(ours):
        return policy, None
    if theirs.same_as(ours):
        return policy, policy
    return policy, (yield from _taken(request, request.reference, shelf))


def _tokenize(request: TokenizePair) -> Work:
    from dpo_engine.config import TrainConfig
    from dpo_engine.memory.look import most_tokens
    from dpo_engine.models.loading import outline
    from dpo_engine.pairs.exact_tokens import exact_tokens

    config = TrainConfig(max_length=request.max_length)
    model = outline(request.policy, config)
    found = exact_tokens(model.tokenizer, request.pair, most_tokens(model.config, config))
    yield PairTokenized(
        request=request.id,
        pair=request.pair.id,
        prompt=found.prompt,
        chosen=found.chosen,
        rejected=found.rejected,
        refused=found.refused,
    )


def _train(request: Train, directive: Callable[[], Directive]) -> Work:
    from dpo_engine.training.run import train

    yield Progress(request=request.id, stage="Loading the model to train", done=0, total=0)
    yield from train(request, directive)


def _taken(
    request: Generate | GenerateMany | Score | ScoreTokens, reference: str, shelf: ModelShelf
) -> Generator[Event, None, LoadedModel]:
    """A model from the shelf, loaded where it is not there; its notes are told when it is loaded."""
    there = shelf.has(reference, request.device, request.dtype)
    if not there:
        yield Progress(request=request.id, stage=f"Loading {_short(reference)}", done=0, total=0)
    loaded = shelf.take(reference, request.device, request.dtype)
    yield ModelLoaded(
        request=request.id,
        model=reference,
        fingerprint=loaded.fingerprint,
        parameters=loaded.parameters,
        device=loaded.device.type,
        dtype=str(loaded.dtype).removeprefix("torch."),
    )
    if not there:
        for note in loaded.notes:
            yield Note(request=request.id, message=note)
    return loaded


def _short(reference: str) -> str:
    """A run or a folder by its last name; anything else as it is."""
    path = Path(reference)
    return path.name if path.is_absolute() else reference
