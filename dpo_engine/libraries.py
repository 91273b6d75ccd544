"""Keeps third-party libraries from drawing progress bars and advice into the engine's output.

Both libraries know only a switch for the whole process, so this is called once where a process becomes an
engine: by the session when it starts and by the command line.
"""


def quieten() -> None:
    from huggingface_hub.utils import disable_progress_bars
    from transformers.utils import logging

    disable_progress_bars()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
