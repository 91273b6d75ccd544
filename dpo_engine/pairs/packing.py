"""Which pairs go through the model together: as many whole pairs as fit a budget of tokens."""

from collections.abc import Sequence


def in_micro_batches(members: Sequence[int], lengths: Sequence[int], budget: int) -> list[tuple[int, ...]]:
    """The pairs `members` of a step in micro-batches of at most `budget` tokens, the longest pair first.

    `lengths[member]` are a pair's tokens in a packed row. A pair longer than the budget goes alone. First
    fit by falling length: at most 11/9 of the fewest possible batches (Johnson 1973), and a batch that is too
    large for the memory shows in the first forward pass, not in the last one.
    """
    batches: list[list[int]] = []
    room: list[int] = []
    for member in sorted(members, key=lambda one: (-lengths[one], one)):
        needed = lengths[member]
        place = next((number for number, left in enumerate(room) if needed <= left), None)
        if place is None:
            batches.append([member])
            room.append(budget - needed)
        else:
            batches[place].append(member)
            room[place] -= needed
    return [tuple(batch) for batch in batches]


def in_given_order(lengths: Sequence[int], budget: int) -> list[tuple[int, ...]]:
    """Pairs 0, 1, … in micro-batches of at most `budget` tokens, one after another."""
    batches: list[list[int]] = []
    room = 0
    for member, needed in enumerate(lengths):
        if not batches or needed > room:
            batches.append([])
            room = budget
        batches[-1].append(member)
        room -= needed
    return [tuple(batch) for batch in batches]
