"""Which process takes which pairs of a step. Every process finds the same answer by itself."""

from collections.abc import Sequence

from dpo_engine.pairs.packing import in_micro_batches

Batches = list[tuple[int, ...]]


def share_out(members: Sequence[int], lengths: Sequence[int], budget: int, processes: int) -> list[Batches]:
    """The micro-batches of each process: every pair of `members` once, about as many tokens for each.

    The longest pair first, each to the process with the fewest tokens so far (at most 4/3 of the best share
    there is; Graham 1969). All take part in every forward pass, because a layer's weights are gathered from
    all of them, so all get the same number of batches: where a process needs fewer, its batches are cut in
    two, and where it has too few pairs, an empty batch stands for taking part with nothing of its own.
    """
    shares = _shares(members, lengths, processes)
    batches = [in_micro_batches(share, lengths, budget) for share in shares]
    number = max(map(len, batches))
    return [_in_number(own, lengths, number) for own in batches]


def _shares(members: Sequence[int], lengths: Sequence[int], processes: int) -> list[list[int]]:
    shares: list[list[int]] = [[] for _ in range(processes)]
    tokens = [0] * processes
    for member in sorted(members, key=lambda one: (-lengths[one], one)):
        least = min(range(processes), key=lambda process: (tokens[process], process))
        shares[least].append(member)
        tokens[least] += lengths[member]
    return shares


def _in_number(batches: Batches, lengths: Sequence[int], number: int) -> Batches:
    """The same pairs in `number` batches, the ones with the most tokens first."""
    parts = list(batches)
    while len(parts) < number:
        largest = max(parts, key=len, default=())
        if len(largest) < 2:
            parts.append(())
            continue
        parts.remove(largest)
        parts += [largest[::2], largest[1::2]]
    return sorted(parts, key=lambda batch: -sum(lengths[member] for member in batch))
