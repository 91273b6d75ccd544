"""Rules by which a patient person would prefer one text to another: each gives a text a figure, higher wins.

They stand for a taste that a few dozen verdicts can show. Equal figures are a tie, and a person who judges by
such a rule also calls a tie what differs too little to be seen. Torch-free.
"""

import re
from collections.abc import Callable

Rule = Callable[[str], float]

_LIST_LINE = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+\S", re.MULTILINE)
_WORD = re.compile(r"[a-z']+")
_FORMAL = (
    "accordingly additionally appropriate assist assistance consequently consider dear ensure furthermore"
    " hence however inform kindly moreover nevertheless obtain please provide regarding require respectfully"
    " sincerely subsequently sufficient therefore thus upon whereas"
)
_CASUAL = (
    "awesome bit bunch cool folks fun gonna gotta great guess guy guys hey hi kids kinda lots nice ok okay"
    " pretty really stuff super sure thanks thing things totally wanna wow yeah yep"
)
_POINTS = dict.fromkeys(re.findall(r"\w+", _FORMAL), 1) | dict.fromkeys(re.findall(r"\w+", _CASUAL), -1)


def shorter(text: str) -> float:
    """Fewer words."""
    return -float(len(text.split()))


def contains_list(text: str) -> float:
    """At least two lines that begin with a bullet or a number."""
    return float(len(_LIST_LINE.findall(text)) >= 2)


def no_question(text: str) -> float:
    """Asks nothing back: no question mark in it."""
    return -float("?" in text)


def formal(text: str) -> float:
    """Formal words less casual ones, contractions and exclamation marks, for every hundred words."""
    words = _WORD.findall(text.lower().replace("’", "'"))
    if not words:
        return 0.0
    points = sum(_POINTS.get(word, 0) - ("'" in word.strip("'")) for word in words)
    return round(100 * (points - text.count("!")) / len(words), 3)


RULES: dict[str, Rule] = {
    "shorter": shorter,
    "list": contains_list,
    "no-question": no_question,
    "formal": formal,
}

SEEN = {"shorter": 10.0, "list": 1.0, "no-question": 1.0, "formal": 2.0}
"""The least difference that a person sees: ten words, a list, a question, two formal words in a hundred."""

HIGHEST = {"shorter": 0.0, "list": 1.0, "no-question": 0.0, "formal": 100.0}
"""The best figure there is: against a text that has it nothing better than a tie can be had."""


def verdict(rule: Rule, one: str, other: str, *, seen: float = 0.0) -> float:
    """1 where `one` is better by the rule, 0 where `other` is, 0.5 where they differ by less than `seen`."""
    mine, theirs = rule(one), rule(other)
    return 0.5 if mine == theirs or abs(mine - theirs) < seen else float(mine > theirs)
