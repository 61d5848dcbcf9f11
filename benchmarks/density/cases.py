"""The trained models that are measured, their rows, their bars, and what others have published.

The models are XGBoost classifiers over small unsigned integers (``shared/models``, see its README).
"""

import os
import resource
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["AGREEMENT", "CASES", "PUBLISHED", "SHARED", "Case", "Point", "arrays", "cpu_seconds"]

SHARED = Path(os.environ.get("LOCGEN_SHARED", Path(__file__).parents[3] / "shared"))

AGREEMENT = 0.993
"""Decisions of golden on training and test rows together that must be the float model's."""


@dataclass(frozen=True)
class Case:
    """A model, and what others take for it.

    Members
    -------
    treelut, conifer : (logic cells, LUT6) as published with the bars; bar : the same, to stay below
    treelut_accuracy, treelut_mhz : on the test rows; of its two-stage build on an HX8K
    formats : (width, integer bits) of ``ap_fixed`` to try with conifer, narrow ones first; the
        width holds the features and a sign
    """

    treelut: tuple[int, int]
    conifer: tuple[int, int] | None
    bar: tuple[int, int]
    treelut_accuracy: float
    treelut_mhz: float | None
    formats: tuple[tuple[int, int], ...]


def _formats(narrowest: int) -> tuple[tuple[int, int], ...]:
    return tuple((width, whole) for width in (*range(narrowest, 13), 18) for whole in (3, 4, 5))


CASES = {
    "wine_x6d3": Case((458, 153), (1066, 490), (190, 115), 0.9815, 125, _formats(7)),
    "bc_x10d3": Case((503, 152), (1093, 446), (210, 115), 0.9591, 129, _formats(9)),
    "digits_x10d4": Case((1376, 913), (9613, 4912), (850, 640), 0.9463, 78, _formats(5)),
    "mnist_x30d5": Case((7531, 5860), None, (5000, 4300), 0.9658, None, _formats(5)),
}


@dataclass(frozen=True)
class Point:
    """Accuracy in percent and LUT6 of a system, as published: Vivado, Virtex UltraScale+."""

    system: str
    accuracy: float
    lut6: int


PUBLISHED = {
    "mnist": (
        Point("FQTree", 97.7, 8147),
        Point("FQTree", 96.7, 2744),
        Point("TreeLUT I", 96.6, 4478),
        Point("TreeLUT II", 96.0, 3499),
    ),
    "wine": (Point("KANELE", 98.0, 534), Point("BTHOWeN", 98.3, 585)),
    "iris": (Point("BTHOWeN", 98.0, 57),),
    "dry_bean": (Point("KANELE", 92.0, 402),),
    "satimage": (Point("BTHOWeN", 88.0, 3771),),
}


def arrays(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return X_train, X_test, y_train, y_test of a model, integers in float64."""
    if name == "mnist_x30d5":
        file = np.load(SHARED / "data" / "mnist.npz")
        low = file["X_train"].min(axis=0).astype(np.float64)
        span = file["X_train"].max(axis=0) - low
        x_train, x_test = (
            np.clip(np.round((file[key] - low) / np.where(span > 0, span, 1) * 15), 0, 15)
            for key in ("X_train", "X_test")
        )
        return x_train, x_test, file["y_train"], file["y_test"]
    file = np.load(SHARED / "models" / f"{name}.npz")
    x_train, x_test = (file[key].astype(np.float64) for key in ("X_train", "X_test"))
    return x_train, x_test, file["y_train"], file["y_test"]


def cpu_seconds() -> float:
    """Return processor seconds of this process and the tools it ran: others' work is not in it."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(who)[:2]) for who in both)
