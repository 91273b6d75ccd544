"""Each response token of one pair: its log-probs, its ranks, and what either model would rather have said."""
