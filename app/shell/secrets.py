"""Tokens and keys of other services: in the system's keyring, never in a project, a setting or a log.

Where the system has no keyring (a machine without a desktop), a secret is kept in memory for this run only.
The keyring may ask the person to unlock it, so call these on another thread than the window's. Qt-free.
"""

import contextlib
from typing import Literal, Protocol

SERVICE = "dpo-studio"

Name = Literal["hub-token", "judge-key"]
"""What there are secrets for."""

Held = Literal["nowhere", "keyring", "memory"]
"""Where a secret is; `memory` is until the app is closed."""

NO_KEYRING = (
    "This system has no keyring, so it is kept in memory until DPO Studio is closed and then has to be "
    "entered again."
)


class Secrets(Protocol):
    """Where secrets are kept."""

    def get(self, name: Name) -> str:
        """Empty where there is none, or the keyring stays locked."""

    def keep(self, name: Name, secret: str) -> str:
        """Keep it; empty when it is kept safely, else a sentence about for how long. Raises `ValueError`."""

    def forget(self, name: Name) -> bool:
        """Remove it wherever it is. False where the keyring refused: it is still there."""

    def held(self, name: Name) -> Held:
        """Where it is, without a look at it by anybody but the keyring."""

    def keyring_name(self) -> str:
        """What a person knows the system's keyring as; empty where there is none."""


class KeyringSecrets:
    """In the system's keyring, by the library `keyring`; in memory where that has none."""

    def __init__(self) -> None:
        self._memory: dict[Name, str] = {}

    def __repr__(self) -> str:
        return "KeyringSecrets(…)"

    def get(self, name: Name) -> str:
        if name in self._memory:
            return self._memory[name]
        ring = _safe_keyring()
        if ring is not None:
            with contextlib.suppress(Exception):  # its backends raise what their services raise
                return ring.get_password(SERVICE, name) or ""
        return ""

    def keep(self, name: Name, secret: str) -> str:
        secret = secret.strip()
        if not secret or not secret.isprintable() or len(secret) > 4096:
            raise ValueError("A token is one line of text. Nothing was kept.")
        ring = _safe_keyring()
        if ring is not None:
            try:
                ring.set_password(SERVICE, name, secret)
            except Exception:  # locked, refused, gone: the sentence below says what that means
                ring = None
            else:
                self._memory.pop(name, None)
                return ""
        self._memory[name] = secret
        return NO_KEYRING

    def forget(self, name: Name) -> bool:
        self._memory.pop(name, None)
        ring = _safe_keyring()
        if ring is None:
            return True
        try:
            ring.delete_password(SERVICE, name)
        except Exception as error:  # "there was none" is said by an error, too
            return type(error).__name__ == "PasswordDeleteError" and not self.get(name)
        return True

    def held(self, name: Name) -> Held:
        if name in self._memory:
            return "memory"
        return "keyring" if self.get(name) else "nowhere"

    def keyring_name(self) -> str:
        ring = _safe_keyring()
        if ring is None:
            return ""
        first = next(iter(getattr(ring, "backends", ())), ring)
        kind = type(first).__module__.rpartition(".")[2]
        return _KNOWN_AS.get(kind, "the system's keyring")


_KNOWN_AS = {
    "SecretService": "the desktop's keyring (Secret Service)",
    "libsecret": "the desktop's keyring (Secret Service)",
    "kwallet": "KWallet",
    "macOS": "the macOS Keychain",
    "Windows": "the Windows Credential Manager",
}
"""By the module of the library `keyring`."""


class _Ring(Protocol):
    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


def _safe_keyring() -> _Ring | None:
    """The system's own; none that fails, does nothing, or writes a plain file."""
    try:
        import keyring
    except ImportError:
        return None
    ring = keyring.get_keyring()
    kind = type(ring)
    if kind.__module__.startswith("keyrings.alt") or kind.__module__ in (
        "keyring.backends.fail",
        "keyring.backends.null",
    ):
        return None
    chained = getattr(ring, "backends", None)
    return None if chained == [] else ring
