"""The command that does on any machine what a form says. Torch-free."""

import shlex

from dpo_engine.config import TrainConfig
from dpo_engine.settings_file import changed

PROGRAM = "python -m dpo_engine"


def train_command(*, run: str, policy: str, pairs: str, config: TrainConfig) -> str:
    """`python -m dpo_engine train …` for a POSIX shell, with a flag for each setting that is no default."""
    words = ["train", "--run", run, "--policy", policy, "--pairs", pairs]
    for name, value in changed(config).items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", f"{value:.12g}" if isinstance(value, float) else str(value)]
    return f"{PROGRAM} {shlex.join(words)}"
