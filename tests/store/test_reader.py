"""The thread for heavy reads: in order, beside the writer, and given up when nobody wants the answer."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.store import settings
from app.store.errors import StoreBug, StoreClosed, StoreError
from app.store.handle import Project
from app.store.project import create_project
from app.store.reader import Reader
from app.store.rows import read

_FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS n FROM n"


class Heard:
    """Answers as they are delivered; `wait` for so many of them."""

    def __init__(self) -> None:
        self.answers: list[object] = []
        self._news = threading.Condition()

    def __call__(self, answer: object) -> None:
        with self._news:
            self.answers.append(answer)
            self._news.notify_all()

    def wait(self, number: int) -> list[object]:
        with self._news:
            assert self._news.wait_for(lambda: len(self.answers) >= number, timeout=10)
        return self.answers


def at_once(callback: Callable[[], None]) -> None:
    callback()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    opened = create_project(tmp_path / "demo.dpo", with_starter_prompts=False)
    yield opened
    opened.close()


@pytest.fixture
def reader(project: Project) -> Iterator[Reader]:
    opened = Reader(project.path, at_once)
    yield opened
    opened.close()


def value(project: Project) -> object:
    return settings.get_setting(project, "key")


def test_it_sees_what_was_saved_before_each_query(reader: Reader, project: Project) -> None:
    heard = Heard()
    for number in (1, 2, 3):
        settings.set_setting(project, "key", number)
        reader.submit(value, heard, heard)
        heard.wait(number)
    assert heard.answers == [1, 2, 3]


def test_it_cannot_write_and_goes_on_after_a_failure(reader: Reader, project: Project) -> None:
    settings.set_setting(project, "key", 1)
    heard = Heard()
    reader.submit(lambda opened: settings.set_setting(opened, "key", 2), heard, heard)
    reader.submit(lambda _opened: 1 // 0, heard, heard)
    reader.submit(value, heard, heard)
    refused, broken, read_again = heard.wait(3)
    assert isinstance(refused, StoreError)
    assert isinstance(broken, StoreBug)
    assert read_again == 1


def test_what_is_given_up_is_interrupted_and_what_comes_after_it_is_not(
    reader: Reader, project: Project
) -> None:
    settings.set_setting(project, "key", 7)
    heard, begun = Heard(), threading.Event()

    def endless(opened: Project) -> object:
        begun.set()
        return read(opened, "counting", _FOREVER)

    give_up = reader.submit(endless, heard, heard)
    never = reader.submit(value, heard, heard)
    reader.submit(value, heard, heard)
    assert begun.wait(10)
    never()
    give_up()
    assert heard.wait(1) == [7]
    give_up()
    reader.submit(lambda _opened: "last", heard, heard)
    assert heard.wait(2) == [7, "last"], "giving up twice hits nobody else"


def test_closing_ends_what_runs_and_refuses_what_comes(project: Project) -> None:
    reader = Reader(project.path, at_once)
    heard, begun = Heard(), threading.Event()

    def endless(opened: Project) -> object:
        begun.set()
        return read(opened, "counting", _FOREVER)

    reader.submit(endless, heard, heard)
    reader.submit(value, heard, heard)
    assert begun.wait(10)
    reader.close()
    reader.close()
    assert len(heard.answers) == 1
    assert isinstance(heard.answers[0], StoreError)
    reader.submit(value, heard, heard)
    assert isinstance(heard.answers[-1], StoreClosed)


def test_a_file_that_is_not_there_yet_is_opened_when_it_is(tmp_path: Path) -> None:
    path = tmp_path / "late.dpo"
    reader, heard = Reader(path, at_once), Heard()
    reader.submit(value, heard, heard)
    assert isinstance(heard.wait(1)[0], StoreError)
    project = create_project(path, with_starter_prompts=False)
    settings.set_setting(project, "key", 3)
    reader.submit(value, heard, heard)
    assert heard.wait(2)[1] == 3
    reader.close()
    project.close()
