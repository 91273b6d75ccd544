"""What an export writes: TRL's columns, kinds and splits apart, a card, and nothing when it fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset, load_from_disk

from app.store.collecting import notes, verdicts
from app.store.errors import BadValue, Cancelled, StoreError, StoreFull
from app.store.exchange import exporting
from app.store.exchange.exporting import EVERYTHING, export
from app.store.exchange.publishing import push_to_hub
from app.store.project import Project, open_reader
from app.store.records import Choice
from tests.store import makers

_KEY = "hf_not_for_any_eye"

pytestmark = pytest.mark.usefixtures("_judged")


@pytest.fixture
def _judged(project: Project) -> None:
    """1 left (strong), 2 right (edited), 3 tie, 4 both bad, 5 skipped, 6 disputed, 7 waits, 8 held out."""
    choices: list[Choice] = ["left", "right", "tie", "both_bad", "skip"]
    for number in range(1, 9):
        makers.comparison(project, f"Prompt {number}?", split="held_out" if number == 8 else "train")
    for number, choice in enumerate(choices, start=1):
        edited = "second, mended" if number == 2 else None
        verdicts.give_verdict(
            project,
            number,
            choice,
            strength=3 if number == 1 else 1,
            annotator="ada",
            seconds=2.5,
            edited=edited,
        )
    verdicts.give_verdict(project, 6, "left", strength=1, annotator="ada", seconds=1.0)
    verdicts.give_verdict(project, 6, "right", strength=1, annotator="bo", seconds=1.0)
    verdicts.give_verdict(project, 8, "left", strength=1, annotator="bo", seconds=1.0)
    makers.prompt(project, "Alone?")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_kind_has_its_place(project: Project, tmp_path: Path) -> None:
    done = export(project, tmp_path / "out", kinds=EVERYTHING)
    assert done.counts == {
        ("preferences", "train"): 2,
        ("preferences", "held_out"): 1,
        ("ties", "train"): 1,
        ("both_bad", "train"): 1,
        ("skips", "train"): 1,
        ("disputed", "train"): 1,
        ("unjudged", "train"): 1,
        ("prompts", "train"): 1,
    }
    for (kind, split), number in done.counts.items():
        assert len(lines(tmp_path / "out" / kind / f"{split}.jsonl")) == number


def test_disputed_unjudged_and_prompts_are_left_out_unless_asked_for(
    project: Project, tmp_path: Path
) -> None:
    kinds = {kind for kind, _ in export(project, tmp_path / "out").counts}
    assert kinds == {"preferences", "ties", "both_bad", "skips"}


def test_preferences_are_trls_and_have_edits_and_margins(project: Project, tmp_path: Path) -> None:
    export(project, tmp_path / "a", layout="standard", provenance=False)
    assert lines(tmp_path / "a" / "preferences" / "train.jsonl") == [
        {"prompt": "Prompt 1?", "chosen": "first", "rejected": "second", "margin": 3.0},
        {"prompt": "Prompt 2?", "chosen": "second, mended", "rejected": "first", "margin": 1.0},
    ]
    assert lines(tmp_path / "a" / "ties" / "train.jsonl") == [
        {"prompt": "Prompt 3?", "left": "first", "right": "second", "choice": "tie"}
    ]
    export(project, tmp_path / "b", provenance=False)
    assert lines(tmp_path / "b" / "preferences" / "held_out.jsonl") == [
        {
            "prompt": [{"role": "user", "content": "Prompt 8?"}],
            "chosen": [{"role": "assistant", "content": "first"}],
            "rejected": [{"role": "assistant", "content": "second"}],
            "margin": 1.0,
        }
    ]


def test_provenance_says_who_and_what(project: Project, tmp_path: Path) -> None:
    export(project, tmp_path / "out")
    row = lines(tmp_path / "out" / "preferences" / "train.jsonl")[1]
    assert (row["annotator"], row["seconds"], row["edited"]) == ("ada", 2.5, True)
    assert (row["chosen_original"], row["chosen_side"], row["chosen_model"]) == ("second", "right", "starter")
    assert json.loads(row["rejected_sampling"]) == {"temperature": 0.9, "top_k": 0}
    assert (row["comparison"], row["chosen_seed"]) == (2, 7)


def test_annotators_can_be_numbered(project: Project, tmp_path: Path) -> None:
    export(project, tmp_path / "out", names=False)
    written = "".join(path.read_text() for path in (tmp_path / "out").rglob("*.jsonl"))
    assert '"annotator 1"' in written
    assert '"ada"' not in written


def test_only_the_comparisons_asked_for(project: Project, tmp_path: Path) -> None:
    done = export(project, tmp_path / "out", comparison_ids=[8, 1, 7, 1, 99], kinds=EVERYTHING)
    assert done.counts == {
        ("preferences", "train"): 1,
        ("preferences", "held_out"): 1,
        ("unjudged", "train"): 1,
    }


def test_deleted_ones_are_not_exported(project: Project, tmp_path: Path) -> None:
    notes.set_deleted(project, [1, 8], True, annotator="ada")
    assert export(project, tmp_path / "out", kinds=frozenset({"preferences"})).total == 1


def test_datasets_opens_every_format(project: Project, tmp_path: Path) -> None:
    for file_format in ("jsonl", "parquet"):
        export(project, tmp_path / file_format, file_format=file_format)  # type: ignore[arg-type]
        opened = load_dataset(str(tmp_path / file_format), "preferences", cache_dir=str(tmp_path / "cache"))
        assert {split: table.num_rows for split, table in opened.items()} == {"train": 2, "held_out": 1}
        assert opened["train"][0]["chosen"] == [{"role": "assistant", "content": "first"}]
        ties = load_dataset(str(tmp_path / file_format), "ties", cache_dir=str(tmp_path / "cache"))
        assert ties["train"][0]["choice"] == "tie"
    export(project, tmp_path / "arrow", file_format="arrow")
    saved = load_from_disk(tmp_path / "arrow" / "preferences")
    assert saved["held_out"][0]["margin"] == 1.0
    assert not (tmp_path / "arrow" / ".work").exists()


def test_the_card_counts_and_leaves_the_licence_open(project: Project, tmp_path: Path) -> None:
    export(project, tmp_path / "out", layout="standard", kinds=EVERYTHING)
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith("---\n")
    assert "| preferences | 2 | 1 |" in card
    assert "Not chosen yet" in card
    assert "`starter`" in card
    assert "path: preferences/held_out.jsonl" in card


def test_a_reader_may_export_while_the_project_is_open(project: Project, tmp_path: Path) -> None:
    reader = open_reader(project.path)
    try:
        assert export(reader, tmp_path / "out").total == 6
        assert not reader.db.conn.in_transaction
    finally:
        reader.close()


def test_nothing_is_replaced(project: Project, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(BadValue, match="exists already"):
        export(project, tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("file_format", ["jsonl", "parquet", "arrow"])
def test_cancelled_or_without_room_nothing_is_left(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_format: Any
) -> None:
    with pytest.raises(Cancelled):
        export(project, tmp_path / "out", file_format=file_format, cancelled=lambda: True)

    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "card_of", full)
    with pytest.raises(StoreFull, match="disk is full"):
        export(project, tmp_path / "out", file_format=file_format)
    assert {path.name for path in tmp_path.iterdir() if "out" in path.name} == set()


class FakeHub:
    def __init__(self, token: str, problem: str = "") -> None:
        self.token, self.problem = token, problem
        self.done: list[Any] = []

    def create_repo(self, repo_id: str, *, repo_type: str, private: bool, exist_ok: bool) -> None:
        self.done.append((repo_id, repo_type, private, exist_ok))

    def upload_folder(self, *, repo_id: str, folder_path: str, repo_type: str, commit_message: str) -> None:
        if self.problem:
            raise RuntimeError(self.problem)
        self.done.append((repo_id, folder_path, repo_type, commit_message))


def test_an_export_is_sent_to_the_hub_when_asked(project: Project, tmp_path: Path) -> None:
    export(project, tmp_path / "out")
    hubs: list[FakeHub] = []

    def connect(token: str) -> FakeHub:
        hubs.append(FakeHub(token))
        return hubs[-1]

    address = push_to_hub(tmp_path / "out", "me/mine", token=lambda: _KEY, connect=connect)
    assert address == "https://huggingface.co/datasets/me/mine"
    assert hubs[0].token == _KEY
    assert hubs[0].done[0] == ("me/mine", "dataset", True, True)
    assert hubs[0].done[1][1] == str(tmp_path / "out")


def test_the_token_is_in_no_message(project: Project, tmp_path: Path) -> None:
    export(project, tmp_path / "out")
    with pytest.raises(StoreError) as raised:
        push_to_hub(
            tmp_path / "out",
            "me/mine",
            token=lambda: _KEY,
            connect=lambda token: FakeHub(token, f"401 for Bearer {token}"),
        )
    assert _KEY not in f"{raised.value}{raised.value.detail}{raised.value.__cause__}"
    assert "401" in str(raised.value)
    with pytest.raises(BadValue, match="no token"):
        push_to_hub(tmp_path / "out", "me/mine", token=lambda: "")
    with pytest.raises(BadValue, match="no exported data set"):
        push_to_hub(tmp_path, "me/mine", token=lambda: _KEY)
