"""The DPO engine: generates, scores and trains with PyTorch; knows nothing of Qt or of the app.

Modules fall into two tiers. The torch-free tier (`errors`, `config`, `requests`, `events`, `wire`,
`preferences`, `conversations`, `preference_rows`, `row_files`, `pair_math`, `run_folder`, `snapshots`,
`catalogue`, `locations`, `files`) is what other programs import.
Everything else may import torch and is reached through `session` or the command line.
"""

__version__ = "0.1.0"
