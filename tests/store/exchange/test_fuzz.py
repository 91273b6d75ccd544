"""Whatever a file holds, it is imported or refused: a short run of `tests.benchmarks.import_fuzz`."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.store.errors import StoreError
from app.store.exchange.entries import Entry, RowRefused
from app.store.exchange.formats import reader_of, recognised
from app.store.exchange.preview import look
from tests.store.exchange.fuzzing import FILES, READERS, try_file, try_row
from tests.store.exchange.random_projects import Described, made

_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=10), inside, max_size=4),
    max_leaves=12,
)
_columns = st.sampled_from(
    (
        *("prompt", "chosen", "rejected", "messages", "instruction", "completions", "conversations", "text"),
        *("conversation_a", "conversation_b", "winner", "response_a", "response_b", "winner_tie", "margin"),
        *("fields", "responses", "response_1", "response_2", "preference.responses", "metadata", "split"),
        *("data", "annotations", "answer1", "answer2", "annotator", "lead_time", "dpo_studio", "verdicts"),
    )
)


@pytest.mark.parametrize("key", READERS)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_row_is_read_or_refused(key: str, seed: int) -> None:
    try_row(key, Random(seed))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(row=st.dictionaries(_columns, _anything, max_size=6))
def test_any_values_in_known_columns_are_read_or_refused(row: dict[str, object]) -> None:
    recognised([row])
    for key in READERS:
        try:
            assert isinstance(reader_of(key)(row), Entry)
        except RowRefused as refused:
            assert str(refused)


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=300), ending=st.sampled_from(FILES))
def test_any_bytes_are_looked_at_or_refused(content: bytes, ending: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"rows.{ending}"
        path.write_bytes(content)
        try:
            assert look(path).rows
        except StoreError as error:
            assert error.code != "bug"


@pytest.mark.parametrize("ending", FILES)
def test_a_damaged_file_is_never_half_imported(
    template: Path, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.exchange.importing.back_up", lambda *_, **__: None)
    with made(template, tmp_path / "a.dpo", Described((), ())) as project:
        for seed in range(15):
            try_file(project, tmp_path, ending, Random(seed))
