"""Tokens are kept beside a pair's score and come back as they were; what is damaged is refused."""

import zlib
from pathlib import Path

import msgspec
import pytest

from app.store.errors import ProjectDamaged
from app.store.project import Project
from app.store.records import Run
from app.store.training import runs, scores
from app.store.training.token_details import PairDetails, keep_token_details, token_details
from dpo_engine.pair_math import PairScore, TokenScore
from dpo_engine.preferences import Message, Pair
from dpo_engine.token_scores.details import Alternative, TokenDetail

PAIR = Pair(id="one", prompt=(Message("user", "q"),), chosen="good 🧑", rejected="bad")
TOKEN = TokenDetail(
    text="🧑",
    id=7,
    policy=-0.5,
    reference=-0.25,
    policy_rank=2,
    reference_rank=1,
    policy_top=(Alternative(3, " \\xf0", -0.125),),
    reference_top=(Alternative(7, "🧑", -0.25), Alternative(3, "\n", -4.0)),
    piece=1,
    pieces=4,
    special=True,
)
DETAILS = PairDetails(chosen=(TOKEN, TOKEN), rejected=(TOKEN,))
SCORE = PairScore(
    pair="one",
    split="train",
    policy_chosen_logp=-1.0,
    policy_rejected_logp=-0.5,
    reference_chosen_logp=-0.5,
    reference_rejected_logp=-0.25,
    chosen_tokens=2,
    rejected_tokens=1,
    chosen_token_scores=(TokenScore(text="a", id=1, policy=-1.0, reference=-0.5),),
    rejected_token_scores=(TokenScore(text="b", id=2, policy=-0.5, reference=-0.25),),
)


@pytest.fixture
def run(project: Project) -> Run:
    made = runs.add_run(
        project,
        project.runs_dir / "one",
        policy="starter",
        method="lora",
        beta=0.1,
        config={},
        pairs=[PAIR],
    )
    scores.record_scores(project, made.id, "policy", [SCORE])
    return made


def write(project: Project, blob: bytes) -> None:
    project.db.conn.execute("UPDATE pair_scores SET token_scores = ?", [blob])
    project.db.conn.commit()


def test_what_was_kept_comes_back_and_leaves_the_score_alone(project: Project, run: Run) -> None:
    before = scores.scored_pairs(project, run.id, "policy")
    keep_token_details(project, run.id, "policy", "one", DETAILS)
    assert token_details(project, run.id, "policy", "one") == DETAILS and DETAILS.ranked
    assert scores.scored_pairs(project, run.id, "policy") == before


def test_what_nobody_looked_at_is_not_there(project: Project, run: Run) -> None:
    assert token_details(project, run.id, "step-000010", "one") is None
    keep_token_details(project, run.id, "step-000010", "one", DETAILS)
    assert token_details(project, run.id, "step-000010", "one") is None, (
        "a pair without a score keeps nothing"
    )


def test_token_scores_of_before_are_still_read(project: Project, run: Run) -> None:
    found = token_details(project, run.id, "policy", "one")
    assert found == PairDetails(
        chosen=(TokenDetail(text="a", id=1, policy=-1.0, reference=-0.5),),
        rejected=(TokenDetail(text="b", id=2, policy=-0.5, reference=-0.25),),
    )
    assert not found.ranked


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\x02",
        b"\x02nonsense",
        b"\x02" + zlib.compress(msgspec.msgpack.encode((DETAILS.chosen, DETAILS.rejected)))[:-5],
        b"\x02" + zlib.compress(msgspec.msgpack.encode([1, 2])),
        b"\x02" + zlib.compress(bytes(300 * 2**20), 9),
        b"\x93abc",
    ],
    ids=["empty", "mark", "no zlib", "cut", "other values", "far too long", "no msgpack"],
)
def test_damaged_tokens_are_refused_in_a_sentence(project: Project, run: Run, blob: bytes) -> None:
    write(project, blob)
    with pytest.raises(ProjectDamaged, match="Score the run again"):
        token_details(project, run.id, "policy", "one")


def test_a_pair_of_a_thousand_tokens_is_small_on_disk(project: Project, run: Run, tmp_path: Path) -> None:
    top = tuple(Alternative(number, f"word{number}", -float(number)) for number in range(5))
    many = tuple(
        TokenDetail(text=f"w{n}", id=n, policy=-n / 7, reference=-n / 9, policy_top=top, reference_top=top)
        for n in range(1000)
    )
    keep_token_details(project, run.id, "policy", "one", PairDetails(chosen=many, rejected=()))
    assert token_details(project, run.id, "policy", "one") == PairDetails(chosen=many, rejected=())
    (size,) = project.db.conn.execute("SELECT length(token_scores) FROM pair_scores").fetchone()
    assert size < 100_000
