"""Suspect verdicts: what policies say about verdicts that they were not trained on.

The pairs are cut into folds by their prompts. For each fold a LoRA adapter learns all other pairs, then
scores the fold's own: a verdict that it disagrees with, though it learned from many of the same person, is
worth asking again. `folds`, `ranking` and `study_folder` are torch-free; `study` does the work.
"""
