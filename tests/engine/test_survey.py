"""What is known of pairs before any is turned into tokens holds once they are, which is when one asks."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.pairs import as_needed
from dpo_engine.pairs.as_needed import PairsAsNeeded
from dpo_engine.pairs.batches import PackedLengths, packed_length
from dpo_engine.pairs.snapshots import pairs_hash
from dpo_engine.pairs.survey import survey, text_hash
from dpo_engine.pairs.tokenization import tokenize_pairs
from dpo_engine.preferences import Message, Pair
from tests.helpers.tiny_model import CHATML_TEMPLATE, byte_tokenizer

NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    + CHATML_TEMPLATE
)
SAID = st.text("aé ", min_size=1, max_size=40)


def pair(number: int, *messages: Message, chosen: str = "yes", rejected: str = "no", **more: Any) -> Pair:
    prompt = messages or (Message("user", f"Question {number}?"),)
    return Pair(id=f"p{number}", prompt=prompt, chosen=chosen, rejected=rejected, **more)


@st.composite
def pairs(draw: st.DrawFn) -> list[Pair]:
    def one(number: int) -> Pair:
        system = [Message("system", draw(SAID))] if draw(st.booleans()) else []
        turns = [Message("user", draw(SAID)), Message("assistant", draw(SAID)), Message("user", draw(SAID))]
        return pair(number, *system, *turns[draw(st.sampled_from([0, 2])) :], chosen=draw(SAID))

    return [one(number) for number in range(draw(st.integers(1, 4)))]


@given(found=pairs(), limit=st.integers(5, 300), template=st.sampled_from([CHATML_TEMPLATE, NO_SYSTEM]))
def test_it_says_what_turning_every_pair_into_tokens_says(
    found: list[Pair], limit: int, template: str
) -> None:
    tokenizer = byte_tokenizer(template)
    tokenized, refused = tokenize_pairs(tokenizer, found, limit)
    known = survey(found, tokenizer, limit)
    made = PairsAsNeeded(found, known.places, tokenizer, limit)
    assert list(made) == tokenized
    assert known.refused == refused
    assert known.pairs_hash == pairs_hash(found)
    assert made.cut == sum(one.truncated for one in tokenized)
    longer = set(known.maybe_longer(limit))
    assert longer >= {number for number, one in enumerate(tokenized) if one.truncated}
    for number, one in enumerate(tokenized):
        assert packed_length(one) <= known.sizes[number]
        assert len(one.prompt) + max(len(one.chosen), len(one.rejected)) <= known.sides[number]


def test_clearly_short_pairs_are_not_turned_into_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [pair(number) for number in range(5)]
    calls: list[str] = []
    real = as_needed.tokenize_pair
    monkeypatch.setattr(as_needed, "tokenize_pair", lambda *given: calls.append(given[1].id) or real(*given))
    tokenizer = byte_tokenizer()
    known = survey(found, tokenizer, 500)
    made = PairsAsNeeded(found, known.places, tokenizer, 500)
    assert (len(made), known.train_pairs, calls) == (5, 5, [])
    assert [made[3].id, made[-2].id, made[1].id] == ["p3", "p3", "p1"]
    assert calls == ["p3", "p1"]


def test_what_is_kept_is_bounded_and_what_was_dropped_is_made_again() -> None:
    found = [pair(number) for number in range(6)]
    tokenizer = byte_tokenizer()
    whole, _ = tokenize_pairs(tokenizer, found, 500)
    made = PairsAsNeeded(found, range(6), tokenizer, 500, most_kept=2 * packed_length(whole[0]))
    for _ in range(2):
        assert [made[number] for number in (0, 5, 1, 4, 0)] == [whole[number] for number in (0, 5, 1, 4, 0)]
        assert sum(len(one.ids) for one in made._kept.values()) <= 2 * packed_length(whole[0])
    assert made[1:3] == tuple(whole[1:3])
    with pytest.raises(IndexError):
        made[6]


def test_lengths_are_found_out_when_asked_for() -> None:
    found = [pair(number, chosen="y" * number) for number in range(1, 5)]
    made = PairsAsNeeded(found, range(4), byte_tokenizer(), 500)
    lengths = PackedLengths(made)
    assert len(lengths) == 4 and not made._kept
    assert list(lengths) == [packed_length(one) for one in made] == list(lengths[0:4])


def test_the_longest_pairs_come_first() -> None:
    found = [pair(number, chosen="y" * length) for number, length in enumerate((5, 90, 30, 60))]
    assert survey(found, byte_tokenizer(), 500).probably_longest(2) == [1, 3]


def test_a_word_more_less_or_other_is_another_pair() -> None:
    first = pair(1, chosen="a b", rejected="c")
    others = [
        pair(1, Message("user", "Other?"), chosen="a b", rejected="c"),
        pair(1, Message("system", "Question 1?"), chosen="a b", rejected="c"),
        pair(1, chosen="a", rejected="b c"),
        pair(1, chosen="c", rejected="a b"),
        pair(1, chosen="a b", rejected="c "),
    ]
    assert len({text_hash(one) for one in [first, *others]}) == 6
    same = dataclasses.replace(first, id="x", split="held_out", strength=3)
    assert text_hash(same) == text_hash(first)
    assert survey([first], byte_tokenizer(), 500).text_hashes() == [text_hash(first)]


def test_a_snapshot_is_read_pair_by_pair(tmp_path: Path) -> None:
    found = [pair(number, split="held_out" if number % 3 == 0 else "train") for number in range(600)]
    run = run_folder.create(tmp_path, policy="p", config=TrainConfig(), pairs=found)
    opened = run_folder.open_pairs(run)
    everything = run_folder.read_pairs(run)
    assert len(opened) == 600 and tuple(opened) == everything
    assert (opened[0], opened[399], opened[400], opened[-1]) == tuple(
        everything[place] for place in (0, 399, 400, 599)
    )
    assert opened[398:402] == everything[398:402]
    with pytest.raises(IndexError):
        opened[600]


def test_a_damaged_row_is_a_sentence(tmp_path: Path) -> None:
    run = run_folder.create(tmp_path, policy="p", config=TrainConfig(), pairs=[pair(1)])
    arrow = next((run / "pairs" / "train").glob("*.arrow"))
    arrow.write_bytes(arrow.read_bytes()[:100])
    with pytest.raises(BadInput, match="damaged or incomplete"):
        run_folder.open_pairs(run)[0]
