"""The table as a file: complete, exact, in the order shown, and harmless in a spreadsheet."""

import csv
import io
import json
from pathlib import Path

import pytest

from app.inspector.export import export_table
from app.inspector.links import PairLink, read_link
from app.inspector.presenter import InspectorPresenter
from app.store.handle import Project
from dpo_engine.preferences import Message, Pair
from tests.app.inspector.scenes import add_scene_run, make_pairs, make_scores, table_of

PAIRS = make_pairs(6, held_out=2)
SCORES = make_scores(PAIRS)
TABLE = table_of(PAIRS, SCORES, strengths=[1, 2, 3, 0, 1, 1])


def test_json_lines_have_every_digit(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    assert export_table(path, TABLE, [4, 0], run_id=3) == 2
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["id"] for row in rows] == [PAIRS[4].id, PAIRS[0].id]
    assert rows[1]["policy_chosen_logp"] == SCORES[0].policy_chosen_logp
    assert rows[1]["margin"] == SCORES[0].margin(0.1)
    assert (rows[0]["split"], rows[0]["strength"], rows[0]["link"]) == ("held_out", 1, "pair:3/comparison-5")


@pytest.mark.parametrize(("ending", "separator"), [(".csv", ","), (".tsv", "\t")])
def test_separated_values_read_back(tmp_path: Path, ending: str, separator: str) -> None:
    path = tmp_path / f"pairs{ending}"
    export_table(path, TABLE, range(6), run_id=1)
    rows = list(csv.DictReader(io.StringIO(path.read_text()), delimiter=separator))
    assert [float(row["margin"]) for row in rows] == [score.margin(0.1) for score in SCORES]
    assert [int(row["chosen_tokens"]) for row in rows] == [score.chosen_tokens for score in SCORES]
    assert rows[0]["prompt"] == PAIRS[0].prompt[-1].content


def test_a_prompt_is_no_formula(tmp_path: Path) -> None:
    hostile = Pair(id="=1+1", prompt=(Message("user", '=HYPERLINK("http://x")'),), chosen="a", rejected="b")
    path = tmp_path / "pairs.csv"
    export_table(path, table_of([hostile], SCORES[:1]), [0], run_id=1)
    (row,) = csv.DictReader(io.StringIO(path.read_text()))
    assert row["prompt"].startswith("'=") and row["id"].startswith("'=")


def test_another_ending_is_refused_and_a_file_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "pairs.xlsx"
    path.write_text("mine")
    with pytest.raises(ValueError, match="is none of"):
        export_table(path, TABLE, [0], run_id=1)
    assert path.read_text() == "mine"


def test_the_person_is_told_what_was_written_and_why_not(
    presenter: InspectorPresenter, project: Project, tmp_path: Path
) -> None:
    run = add_scene_run(project, "brave-otter", PAIRS)
    presenter.errands.export(tmp_path / "pairs.csv", TABLE, [0, 1, 2], run.id)
    assert presenter.state.notice == f"3 pairs written to {tmp_path / 'pairs.csv'}."
    presenter.errands.export(tmp_path / "nowhere" / "pairs.csv", TABLE, [0], run.id)
    assert presenter.state.notice_failed and "pairs.csv did not succeed" in presenter.state.notice


@pytest.mark.parametrize("text", ["pair:3/comparison-12", "  pair:3/comparison-12\n"])
def test_a_link_is_read_back(text: str) -> None:
    assert read_link(text) == PairLink(3, "comparison-12")
    assert str(PairLink(3, "comparison-12")) == "pair:3/comparison-12"


@pytest.mark.parametrize("text", ["", "pair", "pair:/x", "pair:3/", "pair:3/a b", "apair:3/a", "pair:-1/a"])
def test_what_is_no_link(text: str) -> None:
    assert read_link(text) is None
