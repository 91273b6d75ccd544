"""Another project comes in whole or not at all, whoever's verdicts it has."""

import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.store.collecting import comparisons, notes, verdicts
from app.store.connection import PAGE_BYTES
from app.store.errors import BadValue, NewerVersion, NoSuchProject, NotAProject, ProjectDamaged
from app.store.exchange.merging import merge
from app.store.figures import agreement
from app.store.project import Project, create_project
from app.store.undo import journal
from tests.store import makers


@contextmanager
def other(path: Path) -> Iterator[Project]:
    project = create_project(path, with_starter_prompts=False)
    try:
        yield project
    finally:
        project.close()


def give(project: Project, comparison_id: int, choice: str, annotator: str) -> None:
    verdicts.give_verdict(
        project,
        comparison_id,
        choice,  # type: ignore[arg-type]
        strength=1,
        annotator=annotator,
        seconds=1.0,
    )


def test_the_same_comparison_meets_whichever_stood_left(project: Project, tmp_path: Path) -> None:
    makers.comparison(project, "Which?")
    give(project, 1, "left", "ada")
    with other(tmp_path / "other.dpo") as theirs:
        makers.comparison(theirs, "Which?", swapped=True)
        give(theirs, 1, "right", "bo")  # the same response
        makers.comparison(theirs, "What?")
    report = merge(project, tmp_path / "other.dpo", annotator="ada")
    assert (report.prompts, report.comparisons, report.verdicts) == (1, 1, 1)
    said = {one.annotator: one.choice for one in verdicts.history(project, 1)}
    assert said == {"ada": "left", "bo": "left"}
    assert verdicts.counts(project).disputed == 0


def test_of_one_persons_two_verdicts_the_newer_stands_and_the_older_stays(
    project: Project, tmp_path: Path
) -> None:
    makers.comparison(project, "Which?")
    makers.comparison(project, "What?")
    give(project, 1, "left", "ada")
    with other(tmp_path / "other.dpo") as theirs:
        makers.comparison(theirs, "Which?")
        makers.comparison(theirs, "What?")
        give(theirs, 1, "right", "ada")
        give(theirs, 2, "right", "ada")
    give(project, 2, "left", "ada")
    merge(project, tmp_path / "other.dpo", annotator="ada")
    standing = [verdicts.verdict_of(project, number) for number in (1, 2)]
    assert [one.choice for one in standing if one] == ["right", "left"]
    assert [len(verdicts.history(project, number)) for number in (1, 2)] == [2, 2]
    events = [event.event for event in verdicts.timeline(project, 1)]
    assert events == ["given", "given", "superseded"]


def test_a_merge_is_one_act_that_undo_takes_back(project: Project, tmp_path: Path) -> None:
    makers.comparison(project, "Which?")
    give(project, 1, "left", "ada")
    with other(tmp_path / "other.dpo") as theirs:
        makers.comparison(theirs, "Which?")
        give(theirs, 1, "right", "bo")
        makers.comparison(theirs, "What?")
        give(theirs, 2, "tie", "bo")
    merge(project, tmp_path / "other.dpo", annotator="ada")
    counts = verdicts.counts(project)
    assert (counts.disputed, counts.ties) == (1, 1)
    assert journal.peek(project, "ada").undo == "merge of “other.dpo”"
    journal.undo(project, "ada")
    counts = verdicts.counts(project)
    assert (counts.preferences, counts.disputed, counts.ties) == (1, 0, 0)


def test_what_settled_a_dispute_there_settles_it_here(project: Project, tmp_path: Path) -> None:
    with other(tmp_path / "other.dpo") as theirs:
        for judged in (theirs, project):
            makers.comparison(judged, "Which?")
            give(judged, 1, "left", "ada")
            give(judged, 1, "right", "bo")
            agreement.ask_again(judged, [1], "ada")
        give(theirs, 2, "tie", "ada")
    give(project, 2, "skip", "ada")  # put off, which settles nothing, however much later
    assert verdicts.counts(project).disputed == 1
    for _ in range(2):
        merge(project, tmp_path / "other.dpo", annotator="ada")
        counts = verdicts.counts(project)
        assert (counts.disputed, counts.ties) == (0, 1)
    assert project.db.execute("SELECT count(*) FROM comparisons WHERE purpose = 'settle'").fetchone() == (2,)


def test_notes_of_both_are_united(project: Project, tmp_path: Path) -> None:
    makers.comparison(project, "Which?")
    notes.add_tags(project, [1], ["ours", "shared"], annotator="ada")
    notes.set_comment(project, [1], "because", annotator="ada")
    with other(tmp_path / "other.dpo") as theirs:
        makers.comparison(theirs, "Which?", swapped=True)
        notes.add_tags(theirs, [1], ["theirs", "shared"], annotator="bo")
        notes.set_comment(theirs, [1], "but", annotator="bo")
        notes.set_flag(theirs, [1], True, annotator="bo")
    for _ in range(2):
        merge(project, tmp_path / "other.dpo", annotator="ada")
        found = comparisons.get(project, 1)
        assert set(found.tags) == {"ours", "shared", "theirs"}
        assert (found.flagged, found.comment) == (True, "because\n\nbut")
    journal.undo(project, "ada")
    found = comparisons.get(project, 1)
    assert (set(found.tags), found.flagged, found.comment) == ({"ours", "shared"}, False, "because")


def test_the_other_file_is_only_read(project: Project, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    path = tmp_path / "theirs" / "other.dpo"
    with other(path) as theirs:
        makers.comparison(theirs, "Which?")
    before = makers.traces(path.parent)
    merge(project, path, annotator="ada")
    assert makers.traces(path.parent) == before


def test_what_cannot_be_merged_changes_nothing(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "other.dpo"
    with other(path) as theirs:
        for number in range(200):
            makers.comparison(theirs, f"Prompt {number}?")
    whole = path.read_bytes()
    (tmp_path / "text.dpo").write_text("no project, however long this text may become by and by" * 9)
    (tmp_path / "newer.dpo").write_bytes(whole[:60] + (999).to_bytes(4, "big") + whole[64:])
    (tmp_path / "torn.dpo").write_bytes(whole[: len(whole) // 2])
    holes = bytearray(whole)
    for page in range(5, len(whole) // PAGE_BYTES, 3):
        holes[page * PAGE_BYTES : page * PAGE_BYTES + 200] = b"\xff" * 200
    (tmp_path / "holes.dpo").write_bytes(bytes(holes))
    for name, error in (
        ("nothing.dpo", NoSuchProject),
        ("text.dpo", NotAProject),
        ("newer.dpo", NewerVersion),
        ("torn.dpo", ProjectDamaged),
        ("holes.dpo", ProjectDamaged),
        ("demo.dpo", BadValue),
    ):
        with pytest.raises(error):
            merge(project, tmp_path / name, annotator="ada")
    assert project.db.table("prompts").count == 0
    assert project.path.name == "demo.dpo"


def test_files_of_every_earlier_version_can_be_merged(project: Project, tmp_path: Path) -> None:
    packed = sorted((Path(__file__).parent.parent / "data").glob("version_*.dpo.xz"))
    assert packed
    for file in packed:
        path = tmp_path / file.stem
        path.write_bytes(lzma.decompress(file.read_bytes()))
        before = path.read_bytes()
        assert merge(project, path, annotator="ada").rows > 0
        again = merge(project, path, annotator="ada")
        assert (again.prompts, again.comparisons, again.verdicts) == (0, 0, 0)
        assert path.read_bytes() == before
    assert verdicts.counts(project).preferences > 0
