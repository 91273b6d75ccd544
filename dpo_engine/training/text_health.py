"""Is a text still a text? A policy pushed too far says the same words again and again. Torch-free."""

from collections.abc import Sequence

Gram = tuple[str, ...]


def grams(text: str, size: int) -> list[Gram]:
    """Every `size` words in a row, in lower case."""
    words = text.lower().split()
    return [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]


def distinct_share(texts: Sequence[str]) -> float | None:
    """Mean over the texts of (different 3-grams) / (3-grams): falls where a text repeats itself.

    Texts of fewer than three words have none and are left out; None if all are.
    """
    shares = [len(set(found)) / len(found) for text in texts if (found := grams(text, 3))]
    return sum(shares) / len(shares) if shares else None
