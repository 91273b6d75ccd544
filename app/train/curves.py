"""Rows of metrics as columns of numbers: what a plot takes over in one go. Qt-free."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.store.records import MetricRow

Column: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Steps and values, of equal length, by step."""
Columns: TypeAlias = Mapping[str, Column]


def drawn(metrics: Mapping[str, float]) -> Mapping[str, float]:
    """What the charts take: of a mixed loss the DPO part, −log σ(margin), which begins at ln 2."""
    parts = ("loss/sigmoid", "eval_loss/sigmoid")
    return {**metrics, **{name.removesuffix("/sigmoid"): metrics[name] for name in parts if name in metrics}}


def columns_of(rows: Iterable[MetricRow]) -> Columns:
    """By metric name (held-out metrics have their `eval_` names); a missing value leaves its step out."""
    steps: dict[str, list[float]] = {}
    values: dict[str, list[float]] = {}
    for row in rows:
        for name, value in drawn(row.metrics).items():
            steps.setdefault(name, []).append(float(row.step))
            values.setdefault(name, []).append(value)
    return {name: (np.array(steps[name]), np.array(values[name])) for name in steps}


def up_to(columns: Columns, step: int) -> Columns:
    """The same without the points after `step`."""
    return {name: (steps[steps <= step], values[steps <= step]) for name, (steps, values) in columns.items()}
