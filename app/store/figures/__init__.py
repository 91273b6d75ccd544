"""What can be computed from the verdicts: agreement, quality, statistics."""
