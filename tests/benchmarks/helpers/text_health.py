"""Is a text still a text? Figures for repetition, and the interval of a share. Torch-free."""

import math
from collections import Counter
from collections.abc import Sequence

Gram = tuple[str, ...]


def grams(text: str, size: int) -> list[Gram]:
    """Every `size` words in a row, in lower case."""
    words = text.lower().split()
    return [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]


def distinct_within(texts: Sequence[str]) -> float:
    """Mean over the texts of (different 3-grams) / (3-grams): falls where a text repeats itself.

    Texts of fewer than three words have none and are left out; NaN if all are.
    """
    shares = [len(set(found)) / len(found) for text in texts if (found := grams(text, 3))]
    return sum(shares) / len(shares) if shares else math.nan


def distinct_across(texts: Sequence[str], size: int) -> float:
    """Share of different 3-grams in the first `size` ones of all texts: falls where texts become alike.

    Counted at a fixed number, for the share falls with the number; round after round every text gives its
    next 3-gram, so that each has its part. NaN where there are fewer than `size`.
    """
    found = [grams(text, 3) for text in texts]
    longest = max(map(len, found), default=0)
    taken = [one[place] for place in range(longest) for one in found if place < len(one)][:size]
    return len(set(taken)) / size if len(taken) == size > 0 else math.nan


def repeats(text: str) -> bool:
    """Some four words in a row stand in it three times or more, as in a text that runs in circles."""
    return max(Counter(grams(text, 4)).values(), default=0) >= 3


def wilson(successes: float, number: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22, 209); ties may count as halves.

    centre = (p + z²/2n) / (1 + z²/n), half width = z / (1 + z²/n) · √(p(1 − p)/n + z²/4n²).
    """
    if number == 0:
        return 0.0, 1.0
    share = successes / number
    spread = 1 + z * z / number
    centre = (share + z * z / (2 * number)) / spread
    half = z / spread * math.sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    return max(0.0, centre - half), min(1.0, centre + half)
