"""A file of many preference rows with texts of a natural spread of words and lengths."""

import json
import random
from pathlib import Path

_SYLLABLES = tuple(a + b for a in "bdfgklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "il"))
_PROMPT_WORDS = 14
_RESPONSE_WORDS = (30, 90)


def write_pairs(path: Path, number: int, *, first: int, seed: int) -> int:
    """Write `number` rows, the prompts numbered from `first`; the bytes of the file."""
    draw = random.Random(seed)
    words = vocabulary()
    # As in language: the second word half as often as the first, the tenth a tenth as often.
    frequent = [1 / (rank + 1) for rank in range(len(words))]
    pool = draw.choices(words, frequent, k=2_000_000)
    with path.open("w", encoding="utf-8") as file:
        for row in range(first, first + number):
            texts = []
            for length in (_PROMPT_WORDS, draw.randint(*_RESPONSE_WORDS), draw.randint(*_RESPONSE_WORDS)):
                at = draw.randrange(len(pool) - length)
                texts.append(" ".join(pool[at : at + length]))
            prompt, chosen, rejected = texts
            record = {"prompt": f"{row}: {prompt}?", "chosen": f"{chosen}.", "rejected": f"{rejected}!"}
            file.write(json.dumps(record) + "\n")
    return path.stat().st_size


def vocabulary() -> list[str]:
    """20,000 words, the most frequent first."""
    draw = random.Random(1)
    words = {"".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4))) for _ in range(60_000)}
    return sorted(words, key=lambda word: (len(word), word))[:20_000]
