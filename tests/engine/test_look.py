"""`Preflight` and `TokenizePair` through a session with a real, tiny model."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from dpo_engine import wire
from dpo_engine.commands.main import main
from dpo_engine.config import TrainConfig
from dpo_engine.events import (
    Event,
    Note,
    PairsLookedAt,
    PairTokenized,
    PreflightDone,
    PreflightMeasured,
    Progress,
    RequestFailed,
    RequestFinished,
)
from dpo_engine.memory import look
from dpo_engine.pairs.bare_snapshots import write_bare_snapshot
from dpo_engine.preferences import Message, Pair, read_pairs
from dpo_engine.preflight import facts_in
from dpo_engine.requests import Cancel, Preflight, Request, Shutdown, TokenizePair
from dpo_engine.session import Session

CONFIG = TrainConfig(device="cpu", dtype="float32", lora_r=2, max_length=100)


def answers(request: Request, cancel_at: type[Event] | None = None) -> list[Event]:
    """As they come over the wire."""
    heard: list[Event] = []

    def follow(event: Event) -> None:
        heard.append(wire.decode_event(wire.encode(event)))
        if cancel_at is not None and isinstance(event, cancel_at):
            session.put(Cancel(target=request.id))
        if isinstance(event, (RequestFinished, RequestFailed)):
            session.put(Shutdown())

    session = Session(follow)
    session.put(request)
    session.run()
    return heard


def of_kind(events: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    rows = [
        {"id": "a", "prompt": "Say it", "chosen": "yes", "rejected": "no"},
        {"id": "b", "prompt": "Say it", "chosen": "no", "rejected": "yes"},
        {"id": "c", "prompt": "Say it", "chosen": "yes", "rejected": "no", "split": "held_out"},
        {"id": "d", "prompt": "Say something " * 20, "chosen": "yes " * 9, "rejected": "no"},
        {"id": "e", "prompt": "Say", "chosen": "x" * 90, "rejected": "y"},
        {"id": "f", "prompt": "Say", "chosen": "", "rejected": "y"},
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def request(model: Path, pairs: Path, **changes: Any) -> Preflight:
    return Preflight(id="p", policy=str(model), pairs=str(pairs), **({"config": CONFIG} | changes))


def test_every_pair_is_looked_at_and_the_run_estimated(tiny_model_folder: Path, pairs: Path) -> None:
    events = answers(request(tiny_model_folder, pairs))
    (looked,), (done,) = of_kind(events, PairsLookedAt), of_kind(events, PreflightDone)
    facts = {one.id: one for one in facts_in(looked.facts)}
    assert list(facts) == ["a", "b", "c", "d", "e"]
    assert facts["b"].contradicts == "a" and facts["c"].duplicate_of == "a"
    assert facts["d"].prompt_cut and facts["e"].chosen_cut
    assert (done.summary.train, done.summary.held_out, done.summary.most_tokens) == (4, 1, 100)
    assert done.needs.steps == 3  # of four pairs each, three epochs
    assert done.needs.total > done.needs.parts["weights"] > 0 and done.needs.seconds > 0
    assert "empty" in of_kind(events, Note)[0].message
    assert not of_kind(events, PreflightMeasured)


def test_the_numbers_are_those_of_the_command(
    tiny_model_folder: Path, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = answers(request(tiny_model_folder, pairs, measure=True))
    flags = ["--device", "cpu", "--dtype", "float32", "--lora-r", "2", "--max-length", "100", "--json"]
    assert main(["preflight", "--policy", str(tiny_model_folder), "--pairs", str(pairs), *flags]) == 0
    *rows, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (looked,) = of_kind(events, PairsLookedAt)
    assert rows == [dataclasses.asdict(one) for one in facts_in(looked.facts)]
    done, measured = of_kind(events, PreflightDone)[0], of_kind(events, PreflightMeasured)[0].measured
    summary = dataclasses.asdict(done.summary)
    assert {name: last[name] for name in summary if name != "refused"} == {
        name: value for name, value in summary.items() if name != "refused"
    }
    same = {name: size for name, size in done.needs.parts.items() if name != "overhead"}
    assert {name: last[f"{name}_bytes"] for name in same} == same
    assert (last["steps"], last["token_budget"]) == (done.needs.steps, done.needs.token_budget)
    assert (last["fits"], last["longest_pair"]) == (measured.fits, measured.longest_pair) == (True, "d")


def test_a_snapshot_gives_the_same_and_keeps_what_a_file_would_not(
    tiny_model_folder: Path, pairs: Path, tmp_path: Path
) -> None:
    same = Pair(id="same", prompt=(Message("user", "Say"),), chosen="é", rejected="é")
    write_bare_snapshot(tmp_path / "scratch" / "pairs", [*read_pairs(pairs).pairs, same])
    (looked,) = of_kind(answers(request(tiny_model_folder, tmp_path / "scratch")), PairsLookedAt)
    (of_file,) = of_kind(answers(request(tiny_model_folder, pairs)), PairsLookedAt)
    facts = {one.id: one for one in facts_in(looked.facts)}
    assert facts.pop("same").identical_sides
    # The held-out pair comes last in a snapshot.
    assert set(facts.values()) == set(facts_in(of_file.facts))


def test_many_pairs_come_in_bounded_events_and_can_be_cancelled(
    tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "AT_ONCE", 4)
    many = [
        Pair(id=f"{n}", prompt=(Message("user", f"Say {n}"),), chosen="y", rejected="n") for n in range(10)
    ]
    write_bare_snapshot(tmp_path / "pairs", many)
    events = answers(request(tiny_model_folder, tmp_path))
    assert [len(one.facts.ids) for one in of_kind(events, PairsLookedAt)] == [4, 4, 2]
    told = [one.done for one in of_kind(events, Progress) if one.unit == "pairs"]
    assert told == [4, 8, 10]
    ended = answers(request(tiny_model_folder, tmp_path), cancel_at=PairsLookedAt)
    assert ended[-1] == RequestFailed(
        request="p", code="cancelled", message="Cancelled; nothing half-written was kept."
    )
    assert len(of_kind(ended, PairsLookedAt)) == 1


def test_measuring_alone_needs_no_look_at_every_pair(tiny_model_folder: Path, pairs: Path) -> None:
    events = answers(request(tiny_model_folder, pairs, facts=False, measure=True))
    assert not of_kind(events, PairsLookedAt) and not of_kind(events, PreflightDone)
    measured = of_kind(events, PreflightMeasured)[0].measured
    assert measured.fits and measured.longest_pair == "d"
    assert measured.seconds_a_token > 0


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (TrainConfig(max_length=8), "No pair can be used. Pair a cannot be used"),
        (TrainConfig(device="cpu", lora_target_modules="nonsense"), "fits no layer"),
        (TrainConfig(report_to="tensorboard"), "tensorboard is not installed"),
    ],
)
def test_what_no_run_can_do_is_a_sentence(
    config: TrainConfig, sentence: str, tiny_model_folder: Path, pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dpo_engine.training.loggers.is_installed", lambda _package: False)
    last = answers(request(tiny_model_folder, pairs, config=config))[-1]
    assert isinstance(last, RequestFailed) and last.code == "bad_input"
    assert sentence in last.message


def test_without_held_out_pairs_nothing_can_be_judged_by_them(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"prompt": "Say a", "chosen": "aaa", "rejected": "bbb"}\n')
    config = dataclasses.replace(CONFIG, load_best_model_at_end=True)
    last = answers(request(tiny_model_folder, path, config=config))[-1]
    assert isinstance(last, RequestFailed) and "no held-out pair" in last.message


def test_a_pairs_tokens_come_without_weights(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dpo_engine.models import loading

    monkeypatch.setattr(loading.AutoModelForCausalLM, "from_pretrained", None)
    pair = Pair(id="7", prompt=(Message("user", "Say"),), chosen="yes", rejected="no")
    (told,) = of_kind(
        answers(TokenizePair(id="t", policy=str(tiny_model_folder), pair=pair, max_length=50)), PairTokenized
    )
    assert told.pair == "7" and told.chosen.texts[:3] == ("y", "e", "s")
    assert "".join(told.prompt.texts).startswith("<|im_start|>user\nSay<|im_end|>")
