"""How this process holds on to memory that it will need again in a moment.

Every step of a training asks for the same large blocks. The C library hands each back to the system when it
is freed and gets it anew, page by page, at the next step: measured with a 135M model on two cores, 300,000
page faults and a quarter of the time of a step. Told to keep them, there are next to none. What is kept is
given back when the work is over.
"""

import ctypes
import os
import sys
from functools import cache
from typing import Any

_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_NEVER = 2**31 - 1
_KERNELS = "96"


def keep_freed_memory() -> None:
    """From now on, in the whole process. Does something with the GNU C library only."""
    library = _gnu_c_library()
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, _NEVER)
        library.mallopt(_TRIM_THRESHOLD, _NEVER)


def keep_few_kernels() -> None:
    """Bound what oneDNN and PyTorch's binding to it remember; call it before the first matrix product.

    For every new shape of a bfloat16 product they make a kernel, and each keeps 1,024 of them: up to 0.5 MB a
    kernel, scattered over the heap, for row lengths that hardly ever come again. A layer of one micro-batch
    needs 24 and 5 for each of its pairs, forward and backward.
    """
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, _KERNELS)


def give_back_freed_memory() -> None:
    """Hand to the system what is kept and not in use."""
    library = _gnu_c_library()
    if library is not None:
        library.malloc_trim(0)


@cache
def _gnu_c_library() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
        return library if library.mallopt and library.malloc_trim else None
    except (OSError, AttributeError):
        return None  # musl, for one
