"""Blocks spell the tokens' text, show what cannot be seen, and stay small."""

import pytest

from app.inspector.tokens.blocks import Block, blocks, utf16_length, visible
from app.widgets.unseen import LINE_END
from dpo_engine.token_scores.details import TokenDetail
from tests.app.inspector.tokens.pairs import detail


def of(*texts: str) -> list[Block]:
    return list(blocks([detail(text) for text in texts]))


def spelt(block: Block) -> list[str]:
    units = block.text.encode("utf-16-le")
    return [units[2 * span.start : 2 * span.end].decode("utf-16-le") for span in block.spans]


def test_a_line_end_ends_a_block_and_is_seen() -> None:
    found = of("One", ".\n", "\n\nTwo", "\r\n")
    assert [block.text for block in found] == [f"One.{LINE_END}", LINE_END, LINE_END, f"Two{LINE_END}"]
    assert [[span.first for span in block.spans] for block in found] == [[0, 1, 1], [2], [2], [2, 3]]


def test_spaces_are_seen_where_a_token_is_nothing_else() -> None:
    (block,) = of("a", "  ", " b", "\t", "\x07c")
    assert spelt(block) == ["a", "··", " b", "→", "␇c"]
    assert [span.sign for span in block.spans] == [False, True, False, True, False]
    assert [span.spaced for span in block.spans] == [False, False, True, False, False]


def test_places_are_counted_as_qt_counts_them() -> None:
    (block,) = of("🧑\u200d🚀", " x")
    assert [(span.start, span.end) for span in block.spans] == [(0, 5), (5, 7)]
    assert utf16_length("🧑\u200d🚀 x") == 7


def test_tokens_that_share_a_character_share_a_span() -> None:
    parts = [TokenDetail(text="汉", id=n, policy=-1, reference=-1, piece=n, pieces=3) for n in range(3)]
    (block,) = blocks([*parts, detail("!")])
    assert block.text == "汉!"
    assert [(span.first, span.count) for span in block.spans] == [(0, 3), (3, 1)]


def test_every_token_has_a_place_even_one_without_text() -> None:
    (block,) = of("a", "", "b")
    assert [span.first for span in block.spans] == [0, 1, 2]
    assert all(span.end > span.start for span in block.spans)


def test_characters_that_turn_text_round_are_named_instead() -> None:
    (block,) = of("\u202eabc")
    assert block.text == "‹U+202E›abc"


def test_a_token_of_the_template_does_not_wrap() -> None:
    (block,) = blocks([detail("<|im_end|>", special=True)])
    assert block.text.replace("\u2060", "") == "<|im_end|>" and block.spans[0].special


@pytest.mark.parametrize(("word", "most"), [(" word", 2400), ("汉", 200), ("x", 2500)])
def test_a_paragraph_without_end_is_laid_out_in_parts(word: str, most: int) -> None:
    found = of(*[word] * 9000)
    assert len(found) > 3 and max(block.units for block in found) <= most
    assert all(block.text.startswith(word[0]) for block in found)
    assert "".join(block.text for block in found) == word * 9000
    assert [span.first for block in found for span in block.spans] == list(range(9000))


def test_visible_is_one_line() -> None:
    assert visible(" a\n\tb\r\n\x00") == "·a↵→b↵␀"
