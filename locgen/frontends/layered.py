"""Models of two layers and more: which estimators they are, alone or behind scalers and a map."""

from collections.abc import Callable

from sklearn.pipeline import Pipeline

from locgen.frontends import pipeline, sklearn_kernels, sklearn_networks, unitcheck
from locgen.ir.model import Model

__all__ = ["read_layered"]


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
    if steps and type(steps[-1][1]) in sklearn_kernels.MAPS:
        *front, (_, mapper) = steps
        scalers, _ = pipeline.unwrap(Pipeline([*front, ("last", mapper)]))
        for step in (*scalers, mapper):
            pipeline.check_fitted(step)
        model = sklearn_kernels.expand_map(mapper, scalers, read_estimator(last))
        unitcheck.compare(model, last, (*scalers, mapper))
        return model
    for reads, read in (
        (sklearn_kernels.reads, sklearn_kernels.read_kernels),
        (sklearn_networks.reads, sklearn_networks.read_network),
    ):
        if reads(last):
            scalers, last = pipeline.unwrap(estimator)
            model = read(last, scalers)
            unitcheck.compare(model, last, scalers)
            return model
    return None
