"""Export: counted beforehand, whole or not at all, and to the hub only when asked for."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.library.exchange.exchange import Exchange
from app.library.exchange.export_presenter import ExportPresenter
from app.library.exchange.presenting import Means
from app.library.presenter import LibraryPresenter
from app.store.errors import StoreError
from app.store.exchange import importing, preview
from app.store.exchange.exporting import EVERYTHING
from app.store.handle import Project
from app.store.library.filters import Filter
from tests.app.library.exchange.conftest import DirectErrands, KeptSecrets, Told
from tests.app.library.exchange.files import pairs
from tests.app.library.scenes import add_row
from tests.store.makers import prompt

TOKEN = "hf_1"  # noqa: S105 (nobody's)


@pytest.fixture
def exporter(exchange: Exchange, project: Project) -> ExportPresenter:
    """Five rows: two preferences, a tie, one to be judged, a prompt alone."""
    add_row(project, "river", "left")
    add_row(project, "stone", "right")
    add_row(project, "otter", "tie")
    add_row(project, "tree")
    prompt(project, "A lonely prompt")
    exchange.exporting.open()
    return exchange.exporting


def test_what_will_be_written_is_counted_and_on_the_card(exporter: ExportPresenter) -> None:
    assert exporter.state.counts == {
        ("preferences", "train"): 2,
        ("ties", "train"): 1,
        ("unjudged", "train"): 1,
        ("prompts", "train"): 1,
    }
    assert exporter.total == 3 and "| preferences | 2 | 0 |" in exporter.state.card
    assert "unjudged" not in exporter.state.card
    exporter.set_wishes(replace(exporter.state.wishes, kinds=EVERYTHING))
    assert exporter.total == 5 and "| unjudged | 1 | 0 |" in exporter.state.card


@pytest.mark.parametrize("file_format", ["jsonl", "parquet", "arrow"])
@pytest.mark.parametrize("layout", ["standard", "conversational"])
def test_what_was_promised_is_what_is_there(
    exporter: ExportPresenter, tmp_path: Path, file_format: str, layout: str, told: Told
) -> None:
    wishes = replace(exporter.state.wishes, kinds=EVERYTHING, folder=str(tmp_path / "out"))
    exporter.set_wishes(replace(wishes, file_format=file_format, layout=layout))  # type: ignore[arg-type]
    promised, card = exporter.state.counts, exporter.state.card
    exporter.start()
    made = exporter.state.exported
    assert exporter.state.phase == "done" and made is not None and made.counts == promised
    assert (tmp_path / "out" / "README.md").read_text(encoding="utf-8").startswith(card.split("# ")[0])
    assert len(preview.look(tmp_path / "out").rows) == 5, "and an import reads all of it"
    assert told.ended == [("export", f"5 rows exported to {tmp_path / 'out'}.")]


def test_only_what_the_library_shows(
    exporter: ExportPresenter, library: LibraryPresenter, tmp_path: Path
) -> None:
    library.set_filter(Filter(text="river "))
    exporter.open()
    assert exporter.state.wishes.only_shown and exporter.total == 1
    exporter.set_wishes(replace(exporter.state.wishes, folder=str(tmp_path / "out")))
    exporter.start()
    rows = (tmp_path / "out" / "preferences" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(row)["prompt"][-1]["content"] for row in rows] == ["river"]
    exporter.open()
    exporter.set_wishes(replace(exporter.state.wishes, only_shown=False))
    assert exporter.total == 3


def test_a_folder_that_is_there_is_not_replaced(exporter: ExportPresenter, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    exporter.set_wishes(replace(exporter.state.wishes, folder=str(tmp_path / "mine")))
    exporter.start()
    assert exporter.state.phase == "asking" and "not replaced" in exporter.state.problem
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_a_cancel_in_the_middle_leaves_no_folder(
    exchange: Exchange, project: Project, tmp_path: Path
) -> None:
    importing.run(project, preview.look(pairs(tmp_path / "many.jsonl", 1_600)), annotator="ada")
    exporter = exchange.exporting
    exporter.open()
    exporter.set_wishes(replace(exporter.state.wishes, folder=str(tmp_path / "out")))
    stop = exporter.listen(lambda: exporter.cancel() if exporter.state.progress.share > 0 else None)
    exporter.start()
    stop()
    assert exporter.state.phase == "asking" and "Nothing was written" in exporter.state.said
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.glob(".out*"))
    exporter.start()
    assert exporter.state.phase == "done"


def test_a_folder_of_its_own_is_proposed(exporter: ExportPresenter, project: Project) -> None:
    first = Path(exporter.state.wishes.folder)
    assert first.parent == project.path.parent and not first.exists()
    exporter.start()
    exporter.open()
    assert Path(exporter.state.wishes.folder) == first.with_name(f"{first.name} 2")


class Hub:
    """Takes what is sent, or does not."""

    def __init__(self, token_wanted: str = "") -> None:
        self.sent: list[tuple[Path, str, str, bool]] = []
        self.problem = ""
        self.token_wanted = token_wanted

    def push(self, folder: Path, repository: str, *, token: object, private: bool) -> str:
        assert callable(token)
        if self.problem:
            raise StoreError(self.problem)
        self.sent.append((folder, repository, token(), private))
        return f"https://huggingface.co/datasets/{repository}"


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def exported(exporter: ExportPresenter, means: Means, hub: Hub) -> ExportPresenter:
    del exporter
    sender = ExportPresenter(means, push=hub.push)
    sender.open()
    sender.start()
    assert sender.state.phase == "done"
    return sender


def test_nothing_is_sent_before_it_is_said_where_to(
    exported: ExportPresenter, hub: Hub, secrets: KeptSecrets
) -> None:
    exported.ask_to_send()
    assert exported.state.sending is not None and exported.state.sending.has_token is False
    exported.send("no name", private=True, token=TOKEN)
    assert "owner/name" in exported.state.sending.problem and not hub.sent and not secrets.kept
    exported.send("ada/taste", private=True, token=TOKEN)
    made = exported.state.exported
    assert made is not None and hub.sent == [(made.folder, "ada/taste", TOKEN, True)]
    assert exported.state.sending is not None
    assert exported.state.sending.phase == "sent" and exported.state.sending.address.endswith("ada/taste")
    assert secrets.kept == {"hub-token": TOKEN} and TOKEN not in repr(exported.state)


def test_a_hub_that_refuses_is_a_sentence_and_can_be_tried_again(exported: ExportPresenter, hub: Hub) -> None:
    hub.problem = "ada/taste could not be sent to the hub. Check the name."
    exported.ask_to_send()
    exported.send("ada/taste", private=False, token=TOKEN)
    assert exported.state.sending is not None and exported.state.sending.problem == hub.problem
    hub.problem = ""
    exported.send("ada/taste", private=False)
    assert exported.state.sending is not None and exported.state.sending.phase == "sent"
    assert hub.sent[0][2:] == (TOKEN, False), "the token was kept the first time"


def test_not_now_sends_nothing(exported: ExportPresenter, hub: Hub, errands: DirectErrands) -> None:
    errands.holding = True
    exported.ask_to_send()
    exported.do_not_send()
    errands.release()
    assert exported.state.sending is None and not hub.sent and exported.state.phase == "done"
