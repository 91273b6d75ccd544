"""Files that come with the app: icons, fonts, style sheets, starter prompts."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """Where a resource lies, as in `path("prompts", "starter.jsonl")`."""
    return _HERE.joinpath(*parts)
