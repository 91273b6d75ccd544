"""Putting an exported data set on the Hugging Face hub: the one thing here that sends something away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

from app.store.errors import BadValue, StoreError


class HubApi(Protocol):
    """The part of `huggingface_hub.HfApi` that is used."""

    def create_repo(self, repo_id: str, *, repo_type: str, private: bool, exist_ok: bool) -> Any: ...

    def upload_folder(
        self, *, repo_id: str, folder_path: str, repo_type: str, commit_message: str
    ) -> Any: ...


def push_to_hub(
    folder: Path,
    repository: str,
    *,
    token: Callable[[], str],
    private: bool = True,
    connect: Callable[[str], HubApi] | None = None,
) -> str:
    """Upload an export to `owner/name` and return its address. Raises `StoreError`.

    Called only when a person asked for it in that moment. `token` is asked for the secret when it is needed;
    it is in no message, log or file. A new repository is private unless a person said otherwise.
    """
    if not (folder / "README.md").is_file():
        raise BadValue(f"{folder} is no exported data set, so nothing was sent. Export one first.")
    secret = token()
    if not secret:
        raise BadValue(
            "There is no token for the hub, so nothing was sent. Enter one (Edit, Tokens and keys)."
        )
    try:
        hub = (connect or _connect)(secret)
        hub.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=repository,
            folder_path=str(folder),
            repo_type="dataset",
            commit_message="Export from DPO Studio",
        )
    except Exception as error:  # the library raises its own, the network's and the disk's errors
        reason = str(error).replace(secret, "…").splitlines()[0][:300] if str(error) else type(error).__name__
        raise StoreError(
            f"{repository} could not be sent to the hub: {reason} The export in {folder} is complete. Check "
            "the name, the token and the connection, then try again."
        ) from None
    return f"https://huggingface.co/datasets/{repository}"


def _connect(token: str) -> HubApi:
    from huggingface_hub import HfApi

    return cast(HubApi, HfApi(token=token))
