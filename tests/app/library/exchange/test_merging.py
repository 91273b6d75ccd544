"""Merge and agreement: another project comes in as one act; differences are settled blind."""

import lzma
from pathlib import Path

import pytest

from app.library.exchange.agreement_presenter import AgreementPresenter
from app.library.exchange.exchange import Exchange
from app.library.exchange.merge_presenter import MergePresenter
from app.library.exchange.wording import agreement_shares, agreement_words, same_words
from app.store.collecting import comparisons
from app.store.exchange import importing, preview
from app.store.figures import agreement
from app.store.handle import Project
from app.store.library import table as library
from app.store.library.filters import Filter
from app.store.safekeeping import backups
from tests.app.library.exchange.conftest import Told
from tests.app.library.exchange.files import BY_HAND, judged, lines

MINE = "aabbaabbt"
THEIRS = "aabbabbat"
"""Two of nine are preferred the other way round."""


@pytest.fixture
def mine(project: Project, tmp_path: Path) -> Project:
    said = {"a": "one", "b": "two", "t": "tie"}
    rows = [
        {"prompt": f"Question {number}?", "one": "Yes.", "two": "No.", "better": said[letter]}
        for number, letter in enumerate(MINE)
    ]
    importing.run(project, preview.look(lines(tmp_path / "mine.jsonl", rows), BY_HAND), annotator="ada")
    return project


@pytest.fixture
def merger(exchange: Exchange, mine: Project) -> MergePresenter:
    del mine
    return exchange.merging


@pytest.fixture
def people(exchange: Exchange, merger: MergePresenter, tmp_path: Path) -> AgreementPresenter:
    """After bob's verdicts came in."""
    merger.look(judged(tmp_path, "bob", THEIRS))
    merger.start()
    assert merger.state.phase == "done"
    exchange.agreement.open()
    return exchange.agreement


def test_what_another_project_holds_is_told_before_it_comes_in(
    merger: MergePresenter, mine: Project, tmp_path: Path, told: Told
) -> None:
    other = judged(tmp_path, "bob", THEIRS + "ab")
    before = other.read_bytes()
    merger.look(other)
    found = merger.state.holdings
    assert merger.state.phase == "looked" and found is not None
    assert (found.prompts, found.known_prompts, found.comparisons) == (11, 9, 11)
    assert found.verdicts == (("bob", 11),)
    assert library.count(mine, Filter()) == 9 and other.read_bytes() == before
    merger.start()
    report = merger.state.report
    assert report is not None and (report.prompts, report.comparisons, report.verdicts) == (2, 2, 11)
    assert library.count(mine, Filter(annotators=("bob",))) == 11 and other.read_bytes() == before
    assert "merge" in [backup.why for backup in backups.backups_of(mine.path)]
    assert told.changed == 1 and told.ended[0][0] == "merge"
    merger.undo()
    assert merger.state.undone and library.count(mine, Filter()) == 9
    assert library.count(mine, Filter(annotators=("bob",))) == 0


def test_what_cannot_be_merged_is_a_sentence(merger: MergePresenter, mine: Project, tmp_path: Path) -> None:
    (tmp_path / "letter.dpo").write_text("Dear project")
    for path in (tmp_path / "letter.dpo", tmp_path / "gone.dpo"):
        merger.look(path)
        assert merger.state.phase == "choosing" and path.name in merger.state.problem
    merger.look(mine.path)
    merger.start()
    assert "This is the project that is open" in merger.state.problem
    assert library.count(mine, Filter()) == 9


def test_a_project_of_an_older_version_can_be_merged(merger: MergePresenter, tmp_path: Path) -> None:
    packed = Path(__file__).parents[3] / "store" / "data" / "version_1.dpo.xz"
    (tmp_path / "old.dpo").write_bytes(lzma.decompress(packed.read_bytes()))
    merger.look(tmp_path / "old.dpo")
    assert merger.state.phase == "looked" and merger.state.holdings is None
    merger.start()
    assert merger.state.phase == "done", merger.state.problem
    assert merger.state.report is not None and merger.state.report.prompts > 0


def test_a_cancelled_merge_changes_nothing(merger: MergePresenter, mine: Project, tmp_path: Path) -> None:
    merger.look(judged(tmp_path, "bob", "ab" * 700))
    stop = merger.listen(merger.cancel)
    merger.start()
    stop()
    assert merger.state.phase == "looked" and "Nothing was changed" in merger.state.said
    assert library.count(mine, Filter()) == 9


def test_agreement_in_words_and_figures(people: AgreementPresenter) -> None:
    between = people.state.between
    assert between is not None and between.annotators == ("ada", "bob")
    (pair,) = between.pairs
    # 0.625 or some hundredths beside it: which response stands left, and with it chance's share, is drawn.
    assert pair.same == 7 and pair.kappa.value is not None and 0.3 < pair.kappa.value < 0.7
    assert same_words(between) == "ada and bob: the same answer to 7 of 9 (78 %)"
    assert agreement_words(between).startswith("9 comparisons have answers of more than one annotator. ")
    assert [share.name for share in agreement_shares(between)] == ["All annotators, α", "ada and bob, κ"]


def test_nobody_else_yet(exchange: Exchange, mine: Project) -> None:
    del mine
    exchange.agreement.open()
    between = exchange.agreement.state.between
    assert between is not None and "Merge somebody's project" in agreement_words(between)
    assert exchange.agreement.state.differences == ()


def test_differences_tell_who_but_not_what(people: AgreementPresenter) -> None:
    differences = people.state.differences
    assert [one.words for one in differences] == ["Question 5?", "Question 7?"]
    assert {one.people for one in differences} == {("ada", "bob")}
    assert not any(side in repr(differences) for side in ("left", "right"))


def test_settling_makes_blind_comparisons_that_count(
    people: AgreementPresenter, mine: Project, told: Told
) -> None:
    people.settle()
    assert people.state.said.startswith("2 comparisons come next on Annotate for ada")
    assert all(one.asked for one in people.state.differences) and people.state.open == ()
    assert told.changed == 2
    rows = mine.db.execute("SELECT purpose, asked_of, state FROM comparisons WHERE of_id IS NOT NULL")
    assert list(rows) == [("settle", "ada", "waiting")] * 2
    settled = comparisons.next_comparison(mine, annotator="ada")
    assert settled is not None and settled.purpose == "settle"
    people.settle()
    assert len(agreement.disputes(mine)) == 2, "a second press asks nothing twice"


def test_one_of_them_can_be_settled_and_that_undone(
    people: AgreementPresenter, exchange: Exchange, mine: Project
) -> None:
    people.settle([people.state.differences[0].comparison_id])
    assert [one.asked for one in people.state.differences] == [True, False]
    exchange.merging.undo()
    assert [one.asked for one in people.state.differences] == [False, False]
    assert "Undone" in people.state.said
    assert library.count(mine, Filter(annotators=("bob",))) == 9, "the merge itself stays"


def test_ties_against_a_side_are_differences_when_wanted(
    exchange: Exchange, merger: MergePresenter, tmp_path: Path
) -> None:
    merger.look(judged(tmp_path, "bob", "t" + MINE[1:]))
    merger.start()
    exchange.agreement.open()
    assert exchange.agreement.state.total == 0
    exchange.agreement.show_any_difference(True)
    assert exchange.agreement.state.total == 1
