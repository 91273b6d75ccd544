"""Keeps third-party libraries from drawing progress bars and advice into the engine's output.

They know only switches for the whole process, so this is called once where a process becomes an engine: by
the session when it starts and by the command line.
"""

import os


def quieten() -> None:
    """Call it before PyTorch is first imported: a library that it brings along reads its switch only then."""
    os.environ["TQDM_DISABLE"] = "1"
    from huggingface_hub import utils
    from transformers.utils import logging

    utils.disable_progress_bars()  # type: ignore[attr-defined]  # exported by name in a list, not by import
    logging.disable_progress_bar()
    logging.set_verbosity_error()
