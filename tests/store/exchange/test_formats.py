"""Each format is told from the others, and its rows come to what they say."""

from typing import Any

import pytest

from app.store.exchange.entries import Entry, Given, RowRefused
from app.store.exchange.formats import FORMATS, reader_of, recognised
from app.store.exchange.mapped import ColumnMapping, columns_of
from app.store.records import Choice
from dpo_engine.preferences import Message
from tests.store.exchange import samples

_ASKED = (Message("user", "Which is nearer?"),)


def read(row: Any) -> Entry:
    known = recognised([row])
    assert known is not None
    return reader_of(known[0].key)(row)


def sides(entry: Entry) -> tuple[str, str]:
    assert entry.left is not None
    assert entry.right is not None
    return entry.left.text, entry.right.text


@pytest.mark.parametrize("key", [known.key for known in FORMATS])
def test_every_format_has_samples_and_recognises_them(key: str) -> None:
    for row in samples.BY_FORMAT[key]:
        known = recognised([row])
        assert known is not None
        assert known[0].key == key


@pytest.mark.parametrize("title", samples.PREFERENCES)
def test_preferences_of_every_kind(title: str) -> None:
    row = samples.PREFERENCES[title]
    known = recognised([row])
    assert known is not None
    assert known[1] == title
    entry = read(row)
    assert entry.prompt == _ASKED
    assert sides(entry) == ("Our moon.", "The sun.")
    assert entry.verdicts == (Given(choice="left"),)


def test_models_are_taken_where_a_file_has_them() -> None:
    rated = read(samples.PREFERENCES["UltraFeedback"])
    assert rated.left is not None
    assert rated.right is not None
    assert (rated.left.model, rated.right.model) == ("m-1", "m-2")
    argilla = read(samples.PREFERENCES["Argilla (chosen and rejected response)"])
    assert argilla.left is not None
    assert argilla.left.model == "m-1"


@pytest.mark.parametrize(
    ("layout", "choice"), [("conversations", "left"), ("parts", "both_bad"), ("turns", "tie")]
)
def test_arena_battles(layout: str, choice: Choice) -> None:
    entry = read(samples.ARENA[layout])
    assert entry.prompt == _ASKED
    assert sides(entry) == ("Our moon.", "The sun.")
    assert [given.choice for given in entry.verdicts] == [choice]
    assert entry.left is not None
    assert entry.left.model == "m-1"


@pytest.mark.parametrize(
    ("winner", "choice"),
    [("model_b", "right"), ("tie", "tie"), ("tie (bothbad)", "both_bad"), ("both_bad", "both_bad")],
)
def test_arena_winners(winner: str, choice: Choice) -> None:
    entry = read(samples.ARENA["conversations"] | {"winner": winner})
    assert [given.choice for given in entry.verdicts] == [choice]


def test_arena_conversations_that_part_early_are_refused() -> None:
    row = samples.ARENA["conversations"]
    longer = [{"role": "user", "content": "And then?"}, {"role": "assistant", "content": "Nothing."}]
    apart = row | {side: row[side] + longer for side in ("conversation_a", "conversation_b")}
    with pytest.raises(RowRefused, match="part before their last turn"):
        read(apart)


def test_arena_of_several_turns_with_one_history() -> None:
    row = samples.ARENA["turns"] | {
        "prompt": '["Hello?", "Which is nearer?"]',
        "response_a": '["Hi.", "Our moon."]',
        "response_b": '["Hi.", "The sun."]',
    }
    assert [message.content for message in read(row).prompt] == ["Hello?", "Hi.", "Which is nearer?"]


@pytest.mark.parametrize(
    ("layout", "given"),
    [
        ("records", [("u1", "left"), ("u2", "right")]),
        ("flat", [("u1", "left")]),
        ("feedback", [("u1", "left")]),
        ("ranking", [("u1", "left")]),
    ],
)
def test_argilla(layout: str, given: list[tuple[str, str]]) -> None:
    entry = read(samples.ARGILLA[layout])
    assert entry.prompt == _ASKED
    assert sides(entry) == ("Our moon.", "The sun.")
    assert [(one.annotator, one.choice) for one in entry.verdicts] == given


@pytest.mark.parametrize(
    ("layout", "given"),
    [
        ("json", Given(choice="left", annotator="ada@example.org", seconds=12.5)),
        ("choices", Given(choice="both_bad", annotator="annotator 5")),
        ("min", Given(choice="left", annotator="annotator 5", seconds=4.25)),
    ],
)
def test_label_studio(layout: str, given: Given) -> None:
    entry = read(samples.LABEL_STUDIO[layout])
    assert entry.prompt == _ASKED
    assert sides(entry) == ("Our moon.", "The sun.")
    assert entry.verdicts == (given,)


def test_label_studio_names_the_sides_in_the_order_it_showed_them() -> None:
    row = samples.LABEL_STUDIO["json"]
    annotation = row["annotations"][0]
    result = annotation["result"][0] | {"to_name": "answer2,answer1"}
    entry = read(row | {"annotations": [annotation | {"result": [result]}]})
    assert [given.choice for given in entry.verdicts] == ["right"]


def test_the_projects_own_rows() -> None:
    entry = read(samples.STUDIO)
    assert sides(entry) == ("The sun.", "Our moon.")
    assert (entry.placed, entry.flagged, entry.comment, entry.split) == (True, True, "why", "held_out")
    assert (entry.tags, entry.prompt_tags, entry.source) == (("sky",), ("short",), "typed")
    assert entry.right is not None
    assert (entry.right.model, entry.right.sampling, entry.right.seed) == ("m-1", {"temperature": 0.5}, 7)
    assert entry.verdicts[0].edited == "Our moon, of course."


@pytest.mark.parametrize("layout", samples.PROMPTS)
def test_prompts_alone(layout: str) -> None:
    entry = read(samples.PROMPTS[layout])
    assert entry.prompt == _ASKED
    assert entry.left is None
    assert entry.verdicts == ()


def test_a_line_of_text_is_a_prompt() -> None:
    assert reader_of("prompts")("Which is nearer?").prompt == _ASKED


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "p", "chosen": "same", "rejected": "same"}, "are the same"),
        ({"prompt": "p", "chosen": "", "rejected": "b"}, "chosen response is empty"),
        ({"prompt": [{"role": "tool", "content": "x"}], "chosen": "a", "rejected": "b"}, "role 'tool'"),
        ({"prompt": "x" * 1_000_001, "chosen": "a", "rejected": "b"}, "the limit is"),
        ({"prompt": "p", "chosen": "a", "rejected": 3}, "must both be"),
        ({"prompt": "half a \ud800", "chosen": "a", "rejected": "b"}, "half of a character"),
        (
            {
                "prompt": [
                    {"role": "user", "content": "a"},
                    {"role": "system", "content": "late"},
                    {"role": "user", "content": "b"},
                ],
                "chosen": [{"role": "assistant", "content": "a"}],
                "rejected": [{"role": "assistant", "content": "b"}],
            },
            "system message that is not its first",
        ),
    ],
)
def test_what_a_project_cannot_hold_is_refused_with_a_sentence(row: dict[str, Any], reason: str) -> None:
    with pytest.raises(RowRefused, match=reason):
        read(row)


@pytest.mark.parametrize("value", [3, None, [1], True])
def test_a_row_that_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(RowRefused, match="no object"):
        reader_of("preference")(value)


def test_nothing_is_recognised_in_strange_columns() -> None:
    assert recognised([{"a": 1, "b": "x"}, 3, None]) is None


def test_a_mapping_by_hand() -> None:
    row = {"data": {"q": "Which is nearer?", "x": "Our moon.", "y": "The sun."}, "best": "X", "who": "ada"}
    assert columns_of(row) == ("data.q", "data.x", "data.y", "best", "who")
    mapping = ColumnMapping(
        prompt="data.q", left="data.x", right="data.y", choice="best", choices={"X": "left"}, annotator="who"
    )
    entry = reader_of("prompts", mapping)(row)
    assert (entry.prompt, sides(entry)) == (_ASKED, ("Our moon.", "The sun."))
    assert entry.verdicts == (Given(choice="left", annotator="ada"),)
    with pytest.raises(RowRefused, match="which says for neither"):
        reader_of("prompts", mapping)(row | {"best": "?"})


def test_a_mapping_without_an_answer_leaves_the_responses_to_be_judged() -> None:
    row = {"q": "Which is nearer?", "x": "Our moon.", "y": "The sun.", "rules": "Be brief."}
    waiting = ColumnMapping(prompt="q", left="x", right="y", system="rules")
    entry = reader_of("prompts", waiting)(row)
    assert entry.prompt[0] == Message("system", "Be brief.")
    assert entry.verdicts == ()
    better = ColumnMapping(prompt="q", left="x", right="y", left_is_better=True)
    assert reader_of("prompts", better)(row).verdicts == (Given(choice="left"),)
