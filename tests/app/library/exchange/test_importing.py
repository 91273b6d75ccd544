"""Import: looking changes nothing, all or nothing comes in, and what was left out can be saved."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.history import History
from app.library.exchange.exchange import Exchange
from app.library.exchange.import_presenter import ImportPresenter
from app.library.exchange.wording import added_words, rest_words
from app.store.collecting import annotators
from app.store.errors import Cancelled, StoreFull
from app.store.exchange.mapped import ColumnMapping
from app.store.handle import Project
from app.store.library import table as library
from app.store.library.filters import Filter
from app.store.safekeeping import backups
from tests.app.library.exchange.conftest import DirectErrands, KeptSecrets, Told
from tests.app.library.exchange.files import PAIR, SAMPLES, lines, pairs
from tests.helpers.stores import DirectStore


@pytest.fixture
def importer(exchange: Exchange) -> ImportPresenter:
    exchange.importing.open()
    return exchange.importing


def rows_of(project: Project) -> int:
    return library.count(project, Filter())


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_of_every_format_is_looked_at_and_taken_in(
    importer: ImportPresenter, project: Project, tmp_path: Path, kind: str
) -> None:
    importer.look([lines(tmp_path / "rows.jsonl", [SAMPLES[kind]])])
    found = importer.state.preview
    assert importer.state.phase == "previewing" and found is not None
    assert found.title and importer.state.mapping is None, "recognised, so nothing is to be named by hand"
    assert rows_of(project) == 0, "looking changes nothing"
    importer.start()
    assert importer.state.report is not None and importer.state.report.comparisons == 1
    assert rows_of(project) == 1


def test_what_comes_in_is_told_and_backed_up_and_can_be_undone(
    importer: ImportPresenter, project: Project, told: Told, tmp_path: Path
) -> None:
    importer.look([pairs(tmp_path / "some.jsonl", 12)])
    importer.start()
    report = importer.state.report
    assert report is not None
    assert added_words(report) == "12 prompts, 12 comparisons and 12 verdicts came in."
    assert told.changed == 1 and told.ended == [("import", f"some.jsonl: {added_words(report)}")]
    assert [backup.why for backup in backups.backups_of(project.path)] == ["import"]
    importer.undo()
    assert importer.state.undone and rows_of(project) == 0


def test_the_same_file_twice_adds_nothing(
    importer: ImportPresenter, project: Project, tmp_path: Path
) -> None:
    for _ in range(2):
        importer.start_over()
        importer.look([pairs(tmp_path / "some.jsonl", 5)])
        importer.start()
    report = importer.state.report
    assert report is not None and report.duplicates == 5 and rows_of(project) == 5
    assert added_words(report) == "Nothing new came in."
    assert rest_words(report) == ["5 rows were there already, so nothing was added for them."]


def test_several_files_and_a_folder_are_one_import(
    importer: ImportPresenter, project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    first = lines(folder / "train.jsonl", [PAIR])
    second = lines(folder / "test.jsonl", [PAIR | {"prompt": "And which is larger?"}, {"prompt": "x"}])
    importer.look([first, second])
    assert importer.state.name == "2 files"
    importer.start()
    report = importer.state.report
    assert report is not None and report.comparisons == 2
    importer.start_over()
    importer.look([folder])
    importer.start()
    assert importer.state.report is not None and importer.state.report.duplicates >= 2
    assert library.count(project, Filter(splits=("held_out",))) >= 0


def test_refused_rows_are_shown_counted_and_saved(importer: ImportPresenter, tmp_path: Path) -> None:
    importer.look([pairs(tmp_path / "some.jsonl", 6, broken=(1, 4))])
    found = importer.state.preview
    assert found is not None and [row.line for row in found.rows if row.entry is None] == [2, 5]
    importer.start()
    importer.save_report(tmp_path / "left out")
    assert importer.state.saved == tmp_path / "left out.csv"
    with (tmp_path / "left out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["line"] for row in rows] == ["2", "5"] and all("rejected" in row["reason"] for row in rows)
    importer.save_report(tmp_path / "nowhere" / "left.csv")
    assert importer.state.problem, "a folder that is not there is said"


def test_a_cancel_in_the_middle_leaves_nothing(
    importer: ImportPresenter, project: Project, tmp_path: Path
) -> None:
    importer.look([pairs(tmp_path / "many.jsonl", 3_500)])
    shares: list[float] = []

    def cancel_half_way() -> None:
        shares.append(importer.state.progress.share)
        if importer.state.progress.share > 0.4:
            importer.cancel()

    stop = importer.listen(cancel_half_way)
    importer.start()
    stop()
    assert any(0.2 < share < 0.4 for share in shares), "progress was told on the way"
    assert importer.state.phase == "previewing" and "Nothing was changed" in importer.state.said
    assert rows_of(project) == 0 and project.db.execute("SELECT count(*) FROM prompts").fetchone() == (0,)
    importer.start()
    assert importer.state.phase == "done" and rows_of(project) == 3_500, "and it can be started again"


def test_a_bad_file_is_a_sentence_and_the_next_one_works(importer: ImportPresenter, tmp_path: Path) -> None:
    for name, content in (("a.bin", b"\x00\x01"), ("b.parquet", b"PAR1 no"), ("c.jsonl", b"")):
        (tmp_path / name).write_bytes(content)
        importer.look([tmp_path / name])
        assert importer.state.phase == "choosing" and name in importer.state.problem
    importer.look([tmp_path / "gone.csv"])
    assert "no file" in importer.state.problem
    importer.look([pairs(tmp_path / "some.jsonl", 1)])
    assert importer.state.phase == "previewing" and not importer.state.problem


def test_unknown_columns_are_guessed_and_their_words_explained(
    importer: ImportPresenter, project: Project, tmp_path: Path
) -> None:
    file = tmp_path / "survey.csv"
    file.write_text("topic,answer_a,answer_b,verdict\nMoon,Near.,Far.,Alpha\nSun,Far.,Near.,Beta\n")
    importer.look([file])
    mapping = importer.state.mapping
    assert mapping is not None and (mapping.left, mapping.right) == ("answer_a", "answer_b")
    assert importer.state.unknown_choices == ("Alpha", "Beta") and not importer.can_start
    importer.map_columns(
        ColumnMapping(
            prompt="topic",
            left="answer_a",
            right="answer_b",
            choice="verdict",
            choices={"Alpha": "left", "Beta": "tie"},
        )
    )
    assert importer.can_start
    importer.set_wishes(replace(importer.state.wishes, unsigned="bob"))
    importer.start()
    assert importer.state.phase == "done"
    assert "bob" in annotators.list_annotators(project)
    assert library.count(project, Filter(standings=("tie",), annotators=("bob",))) == 1
    importer.undo()
    assert rows_of(project) == 0, "whoever imported undoes it, also when the verdicts are another's"


def test_prompts_alone_can_be_taken_and_held_out(
    importer: ImportPresenter, project: Project, tmp_path: Path
) -> None:
    importer.look([pairs(tmp_path / "some.jsonl", 30)])
    importer.set_wishes(replace(importer.state.wishes, take="prompts", held_out_percent=50))
    importer.start()
    assert library.count(project, Filter(standings=("uncompared",))) == 30
    assert 0 < library.count(project, Filter(splits=("held_out",))) < 30


def test_looking_can_be_given_up(importer: ImportPresenter, errands: DirectErrands, tmp_path: Path) -> None:
    errands.holding = True
    importer.look([pairs(tmp_path / "some.jsonl", 1)])
    assert importer.state.phase == "looking"
    importer.stop_looking()
    errands.release()
    assert importer.state.phase == "choosing" and importer.state.preview is None


def test_the_hub_is_asked_with_the_kept_token_and_only_then(
    importer: ImportPresenter, secrets: KeptSecrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.store.exchange import preview, sources

    secrets.keep("hub-token", "hf_secret")
    asked: list[tuple[str, str | None, str | None]] = []

    def fetched(
        name: str,
        config: str | None,
        token: str | None,
        *,
        on_bytes: Callable[[int], None],
        cancelled: Callable[[], bool],
    ) -> sources.Source:
        asked.append((name, config, token))
        on_bytes(1_500_000)
        assert importer.state.received == 1_500_000 and not cancelled()
        return sources.source_at(pairs(tmp_path / "fetched.jsonl", 2))

    monkeypatch.setattr(preview, "source_on_hub", fetched)
    importer.look([tmp_path / "gone.csv"])
    assert asked == []
    importer.look_on_hub("https://huggingface.co/datasets/owner/name part")
    assert asked == [("owner/name", "part", "hf_secret")]
    assert importer.state.phase == "previewing"
    assert "hf_secret" not in repr(importer.state)


def test_a_fetch_from_the_hub_is_ended_and_said(
    importer: ImportPresenter, errands: DirectErrands, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.store.exchange import preview, sources

    heard: list[bool] = []

    def fetched(*_asked: object, cancelled: Callable[[], bool], **_options: object) -> sources.Source:
        heard.append(cancelled())
        raise Cancelled("Fetching owner/name was ended.")

    monkeypatch.setattr(preview, "source_on_hub", fetched)
    errands.holding = True
    importer.look_on_hub("owner/name")
    assert importer.state.phase == "looking" and importer.state.online
    importer.stop_looking()
    errands.release()
    assert heard == [True]
    assert importer.state.phase == "choosing" and importer.state.problem == ""
    assert importer.state.said.startswith("The fetch of owner/name was ended. Nothing came into the project")


def test_a_full_disk_is_a_sentence_and_nothing_came_in(
    importer: ImportPresenter,
    store: DirectStore,
    project: Project,
    tmp_path: Path,
    told: Told,
    history: History,
) -> None:
    importer.look([pairs(tmp_path / "some.jsonl", 3)])
    store.fail_next(StoreFull("The disk is full. Free some space."))
    importer.start()
    assert importer.state.phase == "previewing" and importer.state.problem.startswith("The disk is full")
    assert told.ended == [("import", importer.state.problem)] and not history.undo_label
    assert rows_of(project) == 0 and importer.can_start
