"""Secrets: in the system's keyring or in memory, and nowhere else."""

import logging
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from app.shell import crash
from app.shell.secrets import NO_KEYRING, SERVICE, KeyringSecrets
from app.shell.settings import SettingsFile
from app.store.project import create_project

SECRET = "hf_a-secret-that-nobody-else-has"  # noqa: S105


class Ring(KeyringBackend):
    """A keyring as a desktop has it, which can be locked."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._refuse_locked()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._refuse_locked()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._refuse_locked()
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")

    def _refuse_locked(self) -> None:
        if self.locked:
            raise KeyringLocked("locked")


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def test_it_is_kept_in_the_keyring_alone(ring: Ring) -> None:
    assert KeyringSecrets().keep("hub-token", f" {SECRET}\n") == ""
    assert ring.kept == {(SERVICE, "hub-token"): SECRET}
    again = KeyringSecrets()
    assert (again.get("hub-token"), again.get("judge-key")) == (SECRET, "")
    again.forget("hub-token")
    again.forget("hub-token")
    assert KeyringSecrets().get("hub-token") == "" and not ring.kept


def test_a_locked_keyring_means_for_this_run_only(ring: Ring) -> None:
    ring.locked = True
    secrets = KeyringSecrets()
    assert secrets.get("judge-key") == ""
    assert secrets.keep("judge-key", SECRET) == NO_KEYRING
    assert secrets.get("judge-key") == SECRET
    assert KeyringSecrets().get("judge-key") == ""
    ring.locked = False
    assert secrets.keep("judge-key", SECRET) == ""
    assert KeyringSecrets().get("judge-key") == SECRET


def test_without_a_keyring_it_is_kept_for_this_run_and_written_nowhere(
    tmp_path: Path, studio_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keyring, "get_keyring", FailKeyring)
    before = list(logging.getLogger().handlers)
    crash.open_log(studio_home / "log")
    caplog.set_level(logging.DEBUG)
    secrets = KeyringSecrets()
    project = create_project(tmp_path / "demo.dpo")
    assert "until DPO Studio is closed" in secrets.keep("hub-token", SECRET)
    logging.getLogger("app").warning("%r %s", secrets, secrets)
    SettingsFile(studio_home / "config" / "settings.json").change(theme="dark")
    project.close()
    for handler in set(logging.getLogger().handlers) - set(before):
        logging.getLogger().removeHandler(handler)
        handler.close()
    written = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert len(written) >= 3
    assert not [file for file, content in written.items() if SECRET.encode() in content]
    assert SECRET not in caplog.text
    assert secrets.get("hub-token") == SECRET
    secrets.forget("hub-token")
    assert secrets.get("hub-token") == ""


@pytest.mark.parametrize("bad", ["", "  \n", "two\nlines", "x" * 5000, "nul\0"])
def test_what_is_no_token_is_refused_without_being_quoted(bad: str) -> None:
    with pytest.raises(ValueError, match="Nothing was kept") as caught:
        KeyringSecrets().keep("hub-token", bad)
    assert not bad.strip() or bad not in str(caught.value)
