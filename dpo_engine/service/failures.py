"""From any exception to the event that tells of it."""

import traceback

from dpo_engine.errors import EngineError, OutOfMemory, from_os_error
from dpo_engine.events import RequestFailed

_NO_MEMORY = ("can't allocate memory", "out of memory")
"""PyTorch's CPU allocator has no exception of its own."""


def engine_error(error: BaseException, doing: str) -> EngineError | None:
    """The sentence for `error`, met while `doing` something; None where it is a bug."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, MemoryError) or is_out_of_memory(error):
        return OutOfMemory(
            f"There was too little memory for {doing}. Close other programs, or use a smaller model, shorter "
            "texts or smaller batches."
        )
    if isinstance(error, OSError):
        return from_os_error(error, doing)
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """On a GPU or the CPU, however PyTorch says it."""
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def failure(request: str, error: BaseException, doing: str) -> RequestFailed:
    known = engine_error(error, doing)
    if known is not None:
        return RequestFailed(request=request, code=known.code, message=str(known), detail=_cause(known))
    return RequestFailed(
        request=request,
        code="bug",
        message=f"Something unexpected went wrong while {doing}. The engine goes on; please report this.",
        detail="".join(traceback.format_exception(error)),
    )


def _cause(error: EngineError) -> str:
    """Of a failure that has a deeper reason, that reason, for a report."""
    cause = error.__cause__
    return "" if cause is None else "".join(traceback.format_exception(cause))
