"""The left column: what to train on, from which model, with which settings."""
