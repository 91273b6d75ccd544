"""Results kept on disk by what they were made from, so that a sweep never computes the same thing twice."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dpo_engine.files import write_atomically


class Kept:
    """A folder of JSON files, each named by its kind and the hash of its key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, kind: str, key: Mapping[str, Any]) -> Path:
        text = json.dumps(key, sort_keys=True, ensure_ascii=False)
        return self._folder / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"

    def get(self, kind: str, key: Mapping[str, Any]) -> Any:
        """What was kept under this key; None where nothing was."""
        path = self.path(kind, key)
        return json.loads(path.read_bytes())["value"] if path.exists() else None

    def put(self, kind: str, key: Mapping[str, Any], value: Any) -> None:
        """The key is kept beside the value, to be read by people."""
        content = json.dumps({"key": dict(key), "value": value}, ensure_ascii=False, indent=1)
        write_atomically(self.path(kind, key), content.encode())
