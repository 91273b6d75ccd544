"""One SQLite file per project: prompts, candidates, comparisons, verdicts, runs and scores. Qt-free.

Modules of plain functions that take a `Project`; `Writer` owns the one project that writes.
"""

import sys


def _import_sqlite_utils_without_pandas() -> None:
    """Load sqlite-utils before anybody else does, and without pandas.

    sqlite-utils imports pandas wherever it is installed, only to know the type `pandas.Timestamp`, which
    the store never uses; that took 0.3 s of the 0.4 s its import takes, before the window is up.
    """
    if "pandas" in sys.modules or "sqlite_utils" in sys.modules:
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]  # the documented way to make an import fail
    try:
        import sqlite_utils  # noqa: F401
    finally:
        del sys.modules["pandas"]


_import_sqlite_utils_without_pandas()
