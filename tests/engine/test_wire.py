"""Everything that goes over the wire comes back equal; everything else is refused."""

import dataclasses
from typing import Any, get_args

import pytest

from dpo_engine import events, requests
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.pair_math import PairScore, TokenScore
from dpo_engine.preferences import Message, Pair
from dpo_engine.preflight import (
    FactColumns,
    Mark,
    Measured,
    Needs,
    PairsSummary,
    TokenColumns,
    Twin,
    length_bias,
)
from dpo_engine.token_scores.details import Alternative, TokenDetail
from dpo_engine.wire import decode_event, decode_inbound, encode

SCORE = PairScore(
    pair="7",
    split="held_out",
    policy_chosen_logp=-1.5,
    policy_rejected_logp=-2.0,
    reference_chosen_logp=-1.0,
    reference_rejected_logp=-2.5,
    chosen_tokens=2,
    rejected_tokens=3,
    truncated=True,
    chosen_token_scores=(TokenScore(text="né", id=4, policy=-0.5, reference=-0.25),),
)
TOKEN = TokenDetail(
    text="é",
    id=4,
    policy=-0.5,
    reference=-0.25,
    policy_rank=2,
    reference_rank=1,
    policy_top=(Alternative(3, " \\xf0", -0.125),),
    piece=1,
    pieces=2,
)
SAMPLES: dict[str, Any] = {
    "str": "naïve \u2028 text\n",
    "int": 3,
    "float": 0.25,
    "bool": True,
    "dict[str, float]": {"rewards/margins": 0.5},
    "tuple[str, ...]": ("a", "b"),
    "tuple[PairScore, ...]": (SCORE,),
    "tuple[TokenDetail, ...]": (TOKEN,),
    "Pair": Pair(id="7", prompt=(Message("user", "Hi"),), chosen="naïve \n", rejected=""),
    "tuple[Message, ...]": (Message("user", "Hi"),),
    "tuple[PromptToAnswer, ...]": (requests.PromptToAnswer(prompt=(Message("user", "Hi"),), seed=3),),
    "TrainConfig": TrainConfig(beta=0.2),
    "FactColumns": FactColumns(
        ids=("é", "b"),
        prompt_tokens=(3, 4),
        chosen_tokens=(1, 2),
        rejected_tokens=(2, 2),
        marks=(0, int(Mark.HELD_OUT | Mark.DUPLICATE)),
        duplicates=(Twin(pair="b", earlier="é"),),
    ),
    "PairsSummary": PairsSummary(train=2, bias=length_bias([1, -1, 3])),
    "Needs": Needs(
        device="cpu",
        dtype="float32",
        parts={"weights": 3},
        room=9,
        token_budget=512,
        checkpoint_activations=True,
        steps=2,
        seconds=0.5,
    ),
    "Measured": Measured(peak=1, fits=True, longest_pair="é", seconds_a_pair=0.5),
    "TokenColumns": TokenColumns(texts=("Ã", "\n"), ids=(1, 2), marks=(1, 6), gap=2, left_out=0),
    "tuple[Sample, ...]": (
        events.Sample(prompt=(Message("user", "Hi"),), text="naïve \n", finish_reason="end"),
    ),
}


def sample(kind: type[Any]) -> Any:
    """An object of the dataclass with every field that has no default filled in."""
    values = {}
    for entry in dataclasses.fields(kind):
        if entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
            name = getattr(entry.type, "__name__", "") if isinstance(entry.type, type) else str(entry.type)
            name = name.replace("dpo_engine.pair_math.", "").replace("dpo_engine.preferences.", "")
            name = name.replace("dpo_engine.conversations.", "").replace("dpo_engine.events.", "")
            name = (
                name.replace("dpo_engine.requests.", "")
                .replace("dpo_engine.preflight.", "")
                .replace("dpo_engine.token_scores.details.", "")
            )
            values[entry.name] = "length" if "Literal" in name else SAMPLES[name]
    return kind(**values)


@pytest.mark.parametrize("kind", get_args(events.Event), ids=lambda kind: kind.__name__)
def test_events_come_back_equal(kind: type[Any]) -> None:
    event = sample(kind)
    line = encode(event)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert decode_event(line) == event


@pytest.mark.parametrize(
    "kind", get_args(requests.Request | requests.Control), ids=lambda kind: kind.__name__
)
def test_requests_and_controls_come_back_equal(kind: type[Any]) -> None:
    message = sample(kind)
    assert decode_inbound(encode(message)) == message


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json",
        b"[]",
        b'{"type": "Explode", "body": {}}',
        b'{"type": "Train", "body": {"id": "1"}}',
        b'{"type": "Train", "body": {"id": "1", "run": 3}}',
        b'{"type": "StepDone", "body": {}}',
        b'{"type": "Generate", "body": {"id":"1","policy":"p","prompt":[{"role":"root","content":""}]}}',
        b'{"type": "Generate", "body": {"id":"1","policy":"p","prompt":[],"sampling":{"top_p":7}}}',
        b"\xff\xfe",
    ],
)
def test_anything_else_is_refused_with_a_sentence(line: bytes) -> None:
    with pytest.raises(BadInput):
        decode_inbound(line)


def test_a_request_is_no_event() -> None:
    with pytest.raises(BadInput, match="Unknown message type"):
        decode_event(encode(requests.Train(id="1", run="r")))
