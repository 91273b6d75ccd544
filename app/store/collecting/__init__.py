"""Prompts, comparisons and verdicts: what people ask, see and say."""
