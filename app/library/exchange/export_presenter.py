"""Export's logic: what, how and where to, counted beforehand; then written on a reader's thread. Qt-free.

Sending an export to the hub is a step of its own, which goes online only when a person presses for it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.library.exchange.export_state import Counts, ExportState, ExportWishes, Sending
from app.library.exchange.long_work import NO_PROGRESS
from app.library.exchange.presenting import Means, Presenter
from app.library.wording import count
from app.shell.secrets import Secrets
from app.store.errors import BadValue, StoreError
from app.store.exchange import exporting, glance, publishing
from app.store.exchange.card import card_of
from app.store.exchange.exporting import Exported
from app.store.handle import Project
from app.store.library import table as library
from app.store.library.filters import Filter

Push = Callable[..., str]


class ExportPresenter(Presenter[ExportState]):
    def __init__(self, means: Means, *, push: Push = publishing.push_to_hub) -> None:
        super().__init__(means, ExportState())
        self._push = push
        self._cancel: Callable[[], None] = lambda: None
        self._stop_counting: Callable[[], None] = lambda: None
        self._stop_sending: Callable[[], None] = lambda: None
        self._stop_card: Callable[[], None] = lambda: None
        self._models: tuple[str, ...] = ()

    @property
    def is_working(self) -> bool:
        return self.state.phase == "exporting"

    def open(self) -> None:
        """The page comes into view: one that is under way stays, else it begins anew."""
        if self.is_working or (self.state.sending is not None and self.state.sending.phase == "sending"):
            return
        shown = self._means.shown()
        wanted = None if shown.is_empty else shown
        folder = self.state.wishes.folder if self.state.phase == "asking" else ""
        wishes = replace(
            self.state.wishes,
            only_shown=wanted is not None,
            folder=folder or str(_free_folder(self._means.project)),
        )
        self._state = ExportState(wishes=wishes, shown=wanted)
        self._change()
        self._count()

    def close(self) -> None:
        self._cancel()
        self._stop_counting()
        self._stop_card()
        self._stop_sending()
        self._listeners.clear()

    def set_wishes(self, wishes: ExportWishes) -> None:
        before = self.state.wishes
        self._change(wishes=wishes, problem="")
        if wishes.only_shown != before.only_shown:
            self._count()
        else:
            self._write_card()

    @property
    def total(self) -> int | None:
        """Rows that would be written; None while they are being counted."""
        state = self.state
        if state.counts is None:
            return None
        return sum(n for (kind, _), n in state.counts.items() if kind in state.wishes.kinds)

    @property
    def can_start(self) -> bool:
        return self.state.phase == "asking" and bool(self.total) and bool(self.state.wishes.folder.strip())

    # --- beforehand ---------------------------------------------------------------------------------

    def _count(self) -> None:
        """What is there of each kind, for the card and beside each kind."""
        wanted = self._wanted()
        self._stop_counting()
        self._change(counts=None)

        def work(project: Project) -> tuple[Counts, tuple[str, ...]]:
            return glance.export_counts(project, _ids(project, wanted)), glance.writers(project)

        def counted(result: tuple[Counts, tuple[str, ...]]) -> None:
            self._models = result[1]
            self._change(counts=result[0])
            self._write_card()

        self._stop_counting = self._means.reader.submit(
            work, counted, lambda error: self._change(problem=str(error))
        )

    def _write_card(self) -> None:
        """Elsewhere: the library that writes its front matter takes its time to be there."""
        wishes, counts = self.state.wishes, self.state.counts
        if counts is None:
            return
        name, models = self._means.project.stem, self._models
        wanted = {key: n for key, n in counts.items() if key[0] in wishes.kinds}
        self._stop_card()
        self._stop_card = self._means.errands.start(
            lambda: card_of(
                name,
                wanted,
                layout=wishes.layout,
                file_format=wishes.file_format,
                models=models,
                imported=0,
                provenance=wishes.provenance,
            ),
            lambda card: self._change(card=card),
            lambda error: self._change(problem=str(error)),
        )

    def _wanted(self) -> Filter | None:
        return self.state.shown if self.state.wishes.only_shown else None

    # --- writing ------------------------------------------------------------------------------------

    def start(self) -> None:
        if not self.can_start:
            return
        wishes, wanted = self.state.wishes, self._wanted()
        work = self._long_work()
        self._cancel = work.cancel
        self._change(phase="exporting", progress=NO_PROGRESS, cancelling=False, said="", problem="")
        self._means.reader.submit(
            lambda project: exporting.export(
                project,
                Path(wishes.folder.strip()).expanduser(),
                layout=wishes.layout,
                file_format=wishes.file_format,
                kinds=wishes.kinds,
                comparison_ids=_ids(project, wanted),
                provenance=wishes.provenance,
                names=wishes.names,
                on_progress=work.on_progress,
                cancelled=work.is_cancelled,
            ),
            self._on_exported,
            self._on_not_exported,
        )

    def cancel(self) -> None:
        """It ends within some hundred rows, and nothing of it stays."""
        if self.is_working and not self.state.cancelling:
            self._cancel()
            self._change(cancelling=True)

    def _on_exported(self, made: Exported) -> None:
        self._change(phase="done", exported=made)
        self._means.ended("export", f"{count(made.total, 'row')} exported to {made.folder}.")

    def _on_not_exported(self, error: StoreError) -> None:
        if error.code == "cancelled":
            self._change(phase="asking", said=str(error))
        else:
            self._change(phase="asking", problem=str(error))
            self._means.ended("export", str(error))

    # --- to the hub ---------------------------------------------------------------------------------

    def ask_to_send(self) -> None:
        """Show what is needed for it; nothing goes anywhere yet."""
        self._change(sending=Sending())
        secrets = self._means.secrets
        self._means.errands.start(
            lambda: bool(secrets.get("hub-token")),
            lambda known: self._change_sending(has_token=known),
            lambda _error: self._change_sending(has_token=False),
        )

    def do_not_send(self) -> None:
        """Back to the export, which stays where it is. What is on its way cannot be called back."""
        self._stop_sending()
        self._change(sending=None)

    def send(self, repository: str, *, private: bool, token: str = "") -> None:
        """Send the export as `owner/name`; a `token` is kept in the keyring for the next time."""
        made, sending = self.state.exported, self.state.sending
        if made is None or sending is None or sending.phase != "asking":
            return
        if not _is_name(repository):
            self._change_sending(problem="Write it as owner/name. Nothing was sent.", repository=repository)
            return
        secrets, push = self._means.secrets, self._push
        self._change_sending(phase="sending", repository=repository, problem="", said="")

        def work() -> tuple[str, str]:
            said = _kept(secrets, token)
            address = push(made.folder, repository, token=lambda: secrets.get("hub-token"), private=private)
            return address, said

        self._stop_sending = self._means.errands.start(work, self._on_sent, self._on_not_sent)

    def _on_sent(self, result: tuple[str, str]) -> None:
        self._change_sending(phase="sent", address=result[0], said=result[1], has_token=True)

    def _on_not_sent(self, error: StoreError) -> None:
        self._change_sending(phase="asking", problem=str(error))

    def _change_sending(self, **changes: object) -> None:
        if self.state.sending is not None:
            self._change(sending=replace(self.state.sending, **changes))  # type: ignore[arg-type]


def _ids(project: Project, wanted: Filter | None) -> list[int] | None:
    """Of the comparisons that a filter shows; None for everything."""
    if wanted is None:
        return None
    keys = library.ids(project, wanted)
    found: list[int] = keys[keys > 0].tolist()
    return found


def _free_folder(project: Path) -> Path:
    """Beside the project, under a name that nothing has."""
    first = project.with_name(f"{project.stem} export")
    number = 2
    folder = first
    while folder.exists():
        folder = first.with_name(f"{first.name} {number}")
        number += 1
    return folder


def _kept(secrets: Secrets, token: str) -> str:
    """Empty, or a sentence about for how long it is kept. Raises `BadValue`."""
    try:
        return secrets.keep("hub-token", token) if token.strip() else ""
    except ValueError as error:
        raise BadValue(f"{error} Nothing was sent.") from None


def _is_name(repository: str) -> bool:
    owner, _, name = repository.partition("/")
    return bool(owner.strip()) and bool(name.strip()) and "/" not in name and " " not in repository
