"""Suspect verdicts: what policies trained on the other verdicts disagree with, to be asked again, blind."""
