"""Curves as the rows of a table: one column a curve, one row a step. Qt-free."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from app.widgets.plots.points import Floats
from app.widgets.plots.series import Series

Cell = str | int | float | None


def rows_of(curves: Mapping[str, Series]) -> Iterator[Sequence[Cell]]:
    """Headings (`step` and the curves' names), then a row for every step that any curve has.

    The points are those of the moment of the call, however much later the rows are asked for.
    """
    names = [name for name, series in curves.items() if len(series)]
    columns = [(curves[name].x.copy(), curves[name].y.copy()) for name in names]
    return _rows(names, columns)


def _rows(names: Sequence[str], columns: Sequence[tuple[Floats, Floats]]) -> Iterator[Sequence[Cell]]:
    yield ["step", *names]
    if not columns:
        return
    steps = np.unique(np.concatenate([x for x, _ in columns]))
    table = np.full((len(steps), len(columns)), np.nan)
    for number, (x, y) in enumerate(columns):
        table[np.searchsorted(steps, x), number] = y
    for step, values in zip(steps.tolist(), table.tolist(), strict=True):
        yield [int(step) if step.is_integer() else step, *values]
