"""What is exported and imported again is the same content; what is merged is what both had."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.store.exchange import exporting, importing
from app.store.exchange.export_files import FileFormat
from app.store.exchange.export_rows import Layout
from app.store.exchange.merging import merge
from app.store.exchange.preview import look
from app.store.project import Project
from dpo_engine.preferences import Message
from tests.store.exchange.content import Content, content, united
from tests.store.exchange.random_projects import Compared, Described, Said, made, projects

_EMPTY = Described((), ())
_quick = settings(
    max_examples=12,
    # To shrink a whole project takes minutes; it is small as it is drawn.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def _no_backups(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are tested elsewhere and take most of the time."""
    for module in ("importing", "merging"):
        monkeypatch.setattr(f"app.store.exchange.{module}.back_up", lambda *_, **__: None)


@pytest.mark.parametrize("file_format", ["jsonl", "parquet", "arrow"])
@_quick
@given(described=projects(), layout=st.sampled_from(("standard", "conversational")))
def test_an_export_imported_into_an_empty_project_is_the_same_content(
    template: Path, file_format: FileFormat, described: Described, layout: Layout
) -> None:
    with TemporaryDirectory() as name, made(template, Path(name) / "a.dpo", described) as project:
        before = content(project)
        out = Path(name) / "out"
        written = exporting.export(
            project, out, layout=layout, file_format=file_format, kinds=exporting.EVERYTHING
        )
        with made(template, Path(name) / "b.dpo", _EMPTY) as other:
            if written.total:
                report = importing.run(other, look(out), annotator="nobody")
                assert report.refused == []
                assert report.rows == written.total
            after = content(other)
            for key, judged in after.comparisons.items():
                # Of what was compared twice one is left, and stands as one of them did.
                assert judged.left <= before.comparisons[key].left
            assert _placed_once(after) == _placed_once(before)
            assert _sound(other)


def test_the_same_texts_by_other_models_stay_two_comparisons(template: Path, tmp_path: Path) -> None:
    def compared(model: str) -> Compared:
        return Compared(
            prompt=0,
            texts=("one", "two"),
            models=(model, model),
            swapped=False,
            flagged=False,
            comment="",
            tags=(),
            said=(Said("ada", "left", 1, None),),
            looked_again=False,
            settled=None,
            deleted=False,
        )

    asked = ((Message("user", "Which?"),), "train", ())
    described = Described((asked,), (compared("starter"), compared("imported")))  # type: ignore[arg-type]
    with made(template, tmp_path / "a.dpo", described) as project:
        exporting.export(project, tmp_path / "out")
        with made(template, tmp_path / "b.dpo", _EMPTY) as other:
            assert importing.run(other, look(tmp_path / "out"), annotator="nobody").comparisons == 2
            assert importing.run(other, look(tmp_path / "out"), annotator="nobody").duplicates == 2
            assert content(other) == content(project)


@_quick
@given(described=projects())
def test_an_export_imported_where_it_came_from_adds_no_content(template: Path, described: Described) -> None:
    with TemporaryDirectory() as name, made(template, Path(name) / "a.dpo", described) as project:
        written = exporting.export(project, Path(name) / "out", kinds=exporting.EVERYTHING)
        if not written.total:
            return
        kept = content(project)
        report = importing.run(project, look(Path(name) / "out"), annotator="nobody")
        # Verdicts on what was compared twice come together on the first of the two.
        assert (report.prompts, report.comparisons) == (0, 0)
        assert _placed_once(content(project)) == _placed_once(kept)
        before = _rows(project)
        again = importing.run(project, look(Path(name) / "out"), annotator="nobody")
        assert again.duplicates == again.rows
        assert _rows(project) == before
        assert _sound(project)


_shared = st.sampled_from(("One?", "Two?", "Three?")).map(lambda text: (Message("user", text),))


@_quick
@given(ours=projects(asked=_shared, deleted=False), theirs=projects(asked=_shared, deleted=False))
def test_a_merge_has_what_both_had_and_a_second_one_changes_nothing(
    template: Path, ours: Described, theirs: Described
) -> None:
    with TemporaryDirectory() as name:
        with made(template, Path(name) / "theirs.dpo", theirs) as other:
            brought = content(other)
        with made(template, Path(name) / "ours.dpo", ours) as project:
            expected = united(content(project), brought)
            merge(project, Path(name) / "theirs.dpo", annotator="ada")
            assert _placed_once(content(project)) == _placed_once(expected)
            before = _rows(project)
            report = merge(project, Path(name) / "theirs.dpo", annotator="ada")
            assert (report.prompts, report.comparisons, report.verdicts) == (0, 0, 0)
            assert report.duplicates == report.rows
            assert _rows(project) == before
            assert _sound(project)


def _placed_once(found: Content) -> Content:
    """Without the sides of comparisons that one of the two has more than once."""
    for judged in found.comparisons.values():
        judged.left = set()
    return found


def _rows(project: Project) -> dict[str, int]:
    tables = ("prompts", "candidates", "comparisons", "verdicts", "verdict_history", "standing", "journal")
    count: Callable[[str], int] = lambda table: project.db.table(table).count  # noqa: E731
    return {table: count(table) for table in (*tables, "comparison_tags", "prompt_tags")}


def _sound(project: Project) -> bool:
    broken = list(project.db.query("PRAGMA foreign_key_check")) + [
        row for row in project.db.execute("PRAGMA integrity_check").fetchall() if row[0] != "ok"
    ]
    assert broken == []
    # What repeats something that follows from other rows says what follows from them.
    for name, counted in _FOLLOWS.items():
        wrong = project.db.execute(counted).fetchall()
        assert wrong == [], name
    return True


_FOLLOWS = {
    "prompts": """
        SELECT id FROM prompts WHERE (comparisons, answered) <> (
            SELECT count(*) FILTER (WHERE state <> 'retired'), count(*) FILTER (WHERE state = 'answered')
            FROM comparisons WHERE prompt_id = prompts.id AND purpose = 'collect' AND deleted_at IS NULL
        )""",
    "tally": """
        SELECT * FROM tally WHERE n <> (
            SELECT count(*) FROM comparisons WHERE comparisons.choice = tally.choice
                AND comparisons.held_out = tally.held_out AND comparisons.disputed = tally.disputed
                AND purpose = 'collect' AND deleted_at IS NULL
        )""",
    "waiting": """
        SELECT * FROM waiting WHERE n <> (
            SELECT count(*) FROM comparisons WHERE (skipped > 0) = later AND state = 'waiting'
                AND asked_of IS NULL AND deleted_at IS NULL
        )""",
    "standing": """
        SELECT comparison_id, annotator, max(id) FROM verdicts WHERE undone_at IS NULL
        GROUP BY 1, 2 EXCEPT SELECT * FROM standing""",
    "chars": """
        SELECT comparisons.id FROM comparisons
        JOIN candidates AS a ON a.id = left_id JOIN candidates AS b ON b.id = right_id
        WHERE (left_chars, right_chars) <> (a.chars, b.chars)""",
    "held_out": """
        SELECT comparisons.id FROM comparisons JOIN prompts ON prompts.id = prompt_id
        WHERE purpose = 'collect' AND held_out <> (split = 'held_out')""",
}
