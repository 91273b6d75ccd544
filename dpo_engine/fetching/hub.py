"""Models from the Hugging Face hub: only the files that are safe to read, from the cache when offline."""

import re
from pathlib import Path

from dpo_engine.errors import FetchFailed, ModelUnusable

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_WANTED = ["*.json", "*.safetensors", "*.jinja", "tokenizer.model", "vocab.txt", "merges.txt"]
_UNWANTED = ["*/*"]
"""Files in subfolders are other formats of the same weights."""


def is_hub_id(reference: str) -> bool:
    return _HUB_ID.fullmatch(reference) is not None


def snapshot(hub_id: str) -> Path:
    """The folder with the files of `hub_id`, downloaded where they are not in the hub's cache yet.

    Raises `ModelUnusable` where there is no such model or it may not be had, and `FetchFailed` where the
    hub cannot be reached.
    """
    from huggingface_hub import errors, snapshot_download

    try:
        folder = snapshot_download(hub_id, allow_patterns=_WANTED, ignore_patterns=_UNWANTED)
    except errors.GatedRepoError as error:
        raise ModelUnusable(
            f"The model {hub_id} is only given to people who accepted its terms on huggingface.co. "
            "Accept them there, run `hf auth login`, and try again."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelUnusable(
            f"{hub_id} is no folder on this machine and no model on the Hugging Face hub (or a private one). "
            "Check its name."
        ) from error
    except (errors.HFValidationError, errors.DisabledRepoError) as error:
        raise ModelUnusable(f"The model {hub_id} cannot be had from the Hugging Face hub: {error}") from error
    except Exception as error:  # whichever HTTP library the hub's client uses, it raises its own kind
        raise FetchFailed(
            f"{hub_id} is no folder on this machine, and the Hugging Face hub could not be reached for it "
            f"({type(error).__name__}). Check the network, or give a local model folder instead."
        ) from error
    return Path(folder)
