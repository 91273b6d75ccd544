"""Everything the engine refuses or fails at, with a sentence a person can act on.

The text of an `EngineError` is shown as it is: what happened, where, and what to do next. `code` is the
stable name that travels over the wire, so that the app can react to a kind of failure without reading
the sentence. Anything that is not an `EngineError` is a bug and is reported as one.
"""

import errno


class EngineError(Exception):
    """Root of the engine's own errors; `str(error)` is a whole sentence for the user."""

    code = "engine_error"


class BadInput(EngineError):
    """A request, option or file that cannot be used as it is. Nothing was changed."""

    code = "bad_input"


class ModelUnusable(EngineError):
    """A model folder or hub id that is no model, is unsafe to load, or does not fit the request."""

    code = "model_unusable"


class NotFetched(EngineError):
    """A model that is known but not on this disk yet."""

    code = "not_fetched"


class FetchFailed(EngineError):
    """No network, a refused download, or a file whose hash is wrong."""

    code = "fetch_failed"


class Cancelled(EngineError):
    """The person (or the app) asked for this to end early."""

    code = "cancelled"


class GaveWay(EngineError):
    """Work in the background ended because something else wants the engine; it can be asked for again."""

    code = "gave_way"


class OutOfMemory(EngineError):
    """The device or the machine has too little memory for this."""

    code = "out_of_memory"


class DiskFull(EngineError):
    """A file could not be written; what was there before is untouched."""

    code = "disk_full"


class TrainingDiverged(EngineError):
    """Non-finite numbers three steps in a row, or step 0 is not where the mathematics says."""

    code = "training_diverged"


class EngineDied(EngineError):
    """The process that hosted the engine ended while it had work (raised by hosts, not by the engine)."""

    code = "engine_died"


def from_os_error(error: OSError, doing: str) -> EngineError:
    """Turn an `OSError` met while `doing` something (`"saving the checkpoint"`) into a sentence."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(
            f"The disk is full: {doing} did not succeed{where}. "
            "What was saved before is intact; free some space and resume."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return BadInput(f"No permission for {doing}{where}. Choose a folder you may write to.")
    return EngineError(f"{doing[:1].upper()}{doing[1:]} failed{where}: {error.strerror or error}.")
