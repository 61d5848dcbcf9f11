"""Models of two layers and more: which estimators they are, alone or behind scalers and a map."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from sklearn.pipeline import Pipeline

from locgen.frontends import arithmetic_check, pipeline
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Reading
from locgen.frontends.sklearn import kernels, networks
from locgen.frontends.sklearn.trees import quiet
from locgen.ir.model import Model

__all__ = ["compare", "read_layered"]


def read_layered(estimator: object, read_estimator: Callable[[object], Model]) -> Model | None:
    """Return the float IR of a kernel machine, a network, or a linear model behind a kernel map.

    None for anything else. What was read has been compared with the estimator.

    Parameters
    ----------
    read_estimator : reads the model behind a map

    Raises
    ------
    UnsupportedModel
        If it computes something that locgen does not build.
    ModelFileError
        If its parts do not fit together.
    """
    steps, last = pipeline.split(estimator)
    if steps and type(steps[-1][1]) in kernels.MAPS:
        *preprocessing, (_, mapper) = steps
        scalers, _ = pipeline.unwrap(Pipeline([*preprocessing, ("last", mapper)]))
        for step in (*scalers, mapper):
            pipeline.check_fitted(step)
        model = kernels.expand_map(mapper, scalers, read_estimator(last))
        compare(model, last, (*scalers, mapper), _raw)
        return model
    for reads, read, scores in (
        (kernels.reads, kernels.read_kernels, kernels.pairwise_scores),
        (networks.reads, networks.read_network, networks.network_scores),
    ):
        if reads(last):
            scalers, last = pipeline.unwrap(estimator)
            model = read(last, scalers)
            compare(model, last, scalers, scores)
            return model
    return None


def compare(
    model: Model,
    last: object,
    steps: tuple[object, ...],
    scores: Callable[[object, np.ndarray], np.ndarray],
) -> None:
    """Compare `model` with the estimator behind `steps`, see `arithmetic_check.compare`."""
    preprocessing = replace(
        Preprocessing.bare(model.feature_names),
        transform=lambda x: pipeline.scale(steps, x),
        steps=steps,
    )
    library = quiet(last)
    labels = library.predict if model.classes else None
    arithmetic_check.compare(
        Reading(model, Oracle(lambda x: scores(library, x), labels=labels), preprocessing)
    )


def _raw(last: object, x: np.ndarray) -> np.ndarray:
    """Return a linear model's raw scores (rows, outputs)."""
    answer = last.decision_function if hasattr(last, "decision_function") else last.predict
    return answer(x).reshape(len(x), -1)
