"""Figures for repetition beside the engine's own, and the interval of a share. Torch-free."""

import math
from collections import Counter
from collections.abc import Sequence

from dpo_engine.training.text_health import grams


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
