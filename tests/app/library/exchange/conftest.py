"""Import, export, merge and agreement over a real temporary project, all answers at once."""

from collections.abc import Callable
from itertools import count
from typing import TypeVar

import pytest
from pytestqt.qtbot import QtBot

from app.history import History
from app.library.exchange.exchange import Exchange
from app.library.exchange.presenting import Means
from app.library.page import LibraryPage
from app.library.place import LibraryPlace
from app.library.presenter import LibraryPresenter
from app.shell.secrets import Held, Name
from app.shell.theme import Theme
from app.store.errors import StoreError
from app.store.handle import Project
from tests.helpers.stores import DirectReader, DirectStore

T = TypeVar("T")


class DirectErrands:
    """Done and answered inside `start`; held back with `hold` until `release`."""

    def __init__(self) -> None:
        self.holding = False
        self._held: list[Callable[[], None]] = []

    def start(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> Callable[[], None]:
        given_up: list[bool] = []

        def answer() -> None:
            try:
                result = work()
            except StoreError as error:
                if not given_up:
                    failed(error)
            else:
                if not given_up:
                    done(result)

        if self.holding:
            self._held.append(answer)
        else:
            answer()
        return lambda: given_up.append(True)

    def release(self) -> None:
        held, self._held, self.holding = self._held, [], False
        for answer in held:
            answer()


class KeptSecrets:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, name: Name) -> str:
        return self.kept.get(name, "")

    def keep(self, name: Name, secret: str) -> str:
        self.kept[name] = secret
        return ""

    def forget(self, name: Name) -> bool:
        self.kept.pop(name, None)
        return True

    def held(self, name: Name) -> Held:
        return "keyring" if name in self.kept else "nowhere"

    def keyring_name(self) -> str:
        return "a test's dictionary"


class Told:
    """What the other pages heard."""

    def __init__(self) -> None:
        self.changed = 0
        self.ended: list[tuple[str, str]] = []


@pytest.fixture
def errands() -> DirectErrands:
    return DirectErrands()


@pytest.fixture
def secrets() -> KeptSecrets:
    return KeptSecrets()


@pytest.fixture
def told() -> Told:
    return Told()


def _fail(sentence: str) -> None:
    pytest.fail(sentence)


@pytest.fixture
def history(store: DirectStore) -> History:
    return History(store=store, annotator="ada", failed=_fail)


@pytest.fixture
def library(
    reader: DirectReader, slow_reader: DirectReader, store: DirectStore, history: History
) -> LibraryPresenter:
    return LibraryPresenter(
        reader=reader, slow_reader=slow_reader, store=store, history=history, annotator=lambda: "ada"
    )


@pytest.fixture
def means(
    project: Project,
    store: DirectStore,
    errands: DirectErrands,
    secrets: KeptSecrets,
    history: History,
    library: LibraryPresenter,
    told: Told,
) -> Means:
    seconds = count()

    def changed() -> None:
        told.changed += 1

    return Means(
        project=project.path,
        store=store,
        reader=DirectReader(project),
        errands=errands,
        deliver=lambda answer: answer(),
        history=history,
        secrets=secrets,
        annotator=lambda: "ada",
        # Every look at the clock is a second later, so that all progress is told.
        clock=lambda: float(next(seconds)),
        shown=lambda: library.state.filter,
        changed=changed,
        ended=lambda key, sentence: told.ended.append((key, sentence)),
    )


@pytest.fixture
def exchange(means: Means) -> Exchange:
    return Exchange(means)


@pytest.fixture
def place(
    qtbot: QtBot, library: LibraryPresenter, page: LibraryPage, exchange: Exchange, theme: Theme
) -> LibraryPlace:
    """In view, with the rows in front."""
    place = LibraryPlace(page, exchange, theme)
    qtbot.addWidget(place)
    place.resize(1100, 760)
    with qtbot.waitActive(place):
        place.show()
        place.activateWindow()
    return place
