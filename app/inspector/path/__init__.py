"""Pairs over the checkpoints of a run: when each was learned, and whether it was forgotten again."""
