"""Runs, the pairs they were made of, and the scores of their checkpoints."""
