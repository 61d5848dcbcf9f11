""".onnx files: opened, understood in full, and only then run by onnxruntime, tensor by tensor."""

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.onnx.ensembles import OPERATORS
from locgen.frontends.onnx.evaluated import evaluated
from locgen.frontends.onnx.graph import Graph, behind, walk
from locgen.frontends.onnx.machines import MACHINES
from locgen.frontends.onnx.session import session_of
from locgen.frontends.onnx.values import Scores, Winner

__all__ = ["OnnxModel", "open_model"]

# What a graph of the wrong types or sizes makes Python raise while it is walked.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    TypeError,
    ValueError,
)


def open_model(path: str) -> "OnnxModel":
    """Return the model in a .onnx file.

    Raises
    ------
    ModelFileError
        If it is no ONNX file, or its parts do not fit together.
    UnsupportedModel
        If its graph does something that locgen does not build.
    """
    try:
        proto = onnx.load(path, load_external_data=False)
        onnx.checker.check_model(proto)
    except (DecodeError, onnx.checker.ValidationError, *_DAMAGE) as error:
        raise ModelFileError(
            f"{path} is damaged or no ONNX file ({_shown(error)}): convert the model again"
        ) from error
    try:
        return OnnxModel(proto)
    except _DAMAGE as error:
        raise ModelFileError(
            f"{path} holds a graph whose parts do not fit together ({type(error).__name__}): "
            "convert the model again"
        ) from error


class OnnxModel:
    """An ONNX model that locgen has understood, with scikit-learn's `predict`.

    Parameters
    ----------
    proto : the checked model

    Members
    -------
    graph : what it computes
    feature_names : of the raw columns, the graph's inputs side by side
    """

    def __init__(self, proto: onnx.ModelProto) -> None:
        try:
            self.graph = walk(proto)
        except UnsupportedModel:
            other = _evaluated(proto)
            if other is None:
                raise
            self.graph = other
        self.feature_names = self.graph.names
        self._proto = proto
        self._sessions: dict[tuple[tuple[str, ...], bool], onnxruntime.InferenceSession] = {}

    @property
    def named(self) -> bool:
        """Whether each column is an input of its own, under its own name."""
        inputs = self.graph.inputs
        return len(inputs) > 1 and all(each.width == 1 for each in inputs)

    def num_features(self) -> int:
        """Return the number of raw columns."""
        return len(self.graph.names)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the labels (rows,) or values (rows,) or (rows, targets) of raw rows `x`."""
        (found,) = self.tensors(np.asarray(x, dtype=np.float64), [self.graph.output])
        if isinstance(self.graph.answer, Winner) or len(self.graph.answer.base) == 1:
            return found.reshape(-1)
        return found

    def tensors(
        self, x: np.ndarray, names: Sequence[str], *, plain: bool = False
    ) -> list[np.ndarray]:
        """Return the tensors `names` for raw float64 rows `x` (rows, columns).

        Parameters
        ----------
        plain : leave out the ensembles' own softmax or logistic function

        Raises
        ------
        ModelFileError
            If onnxruntime refuses the graph or the rows.
        """
        key = (tuple(names), plain)
        try:
            if key not in self._sessions:
                self._sessions[key] = self._session(names, plain)
            session = self._sessions[key]
            wanted = {value.name for value in session.get_inputs()}
            with np.errstate(over="ignore"):
                given = {one.name: one.of(x) for one in self.graph.inputs if one.name in wanted}
            return session.run(list(names), given)
        except Exception as error:
            # onnxruntime's own exceptions have no base but Exception.
            raise ModelFileError(
                f"onnxruntime refuses the ONNX graph ({_shown(error, -120)}): convert the model "
                "again, or give locgen the one that was converted"
            ) from error

    def raw_scores(self, scores: Scores, x: np.ndarray) -> np.ndarray:
        """Return `scores` (rows, outputs) of what onnxruntime says the models' raw outputs are."""
        if self.graph.tensor_score is not None:
            name, taken_off = self.graph.tensor_score
            (found,) = self.tensors(x, [name])
            return found.reshape(len(x), -1).astype(np.float64) - taken_off
        numbers = sorted(scores.weights)
        models = [self.graph.ensembles[number] for number in numbers]
        found_all = self.tensors(x, [model.node.output[-1] for model in models], plain=True)
        total = np.tile(scores.base, (len(x), 1))
        for number, model, found in zip(numbers, models, found_all, strict=True):
            weights = scores.weights[number]
            own = found.reshape(len(x), -1)[:, model.column :][:, : len(weights)]
            total += own.astype(np.float64) @ weights
        return total

    def _session(self, names: Sequence[str], plain: bool) -> onnxruntime.InferenceSession:
        """Return a session of nothing but the nodes that the tensors `names` depend on."""
        kept = {id(node): node for name in names for node in behind(self._proto, name)}
        nodes = [node for node in self._proto.graph.node if id(node) in kept]
        if plain:
            known = (*OPERATORS, *MACHINES)
            nodes = [_plain(node) if node.op_type in known else node for node in nodes]
        return session_of(self._proto, nodes, self._proto.graph.input, names)


def _plain(node: onnx.NodeProto) -> onnx.NodeProto:
    """Return a copy of a model's operator without the function over its scores."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    del copy.attribute[:]
    dropped = ("post_transform", "one_class")
    copy.attribute.extend(a for a in node.attribute if a.name not in dropped)
    return copy


def _evaluated(proto: onnx.ModelProto) -> Graph | None:
    """Return what evaluation finds out about a graph that could not be read; None if nothing.

    Whatever goes wrong, what reading said of the graph is the better refusal.
    """
    try:
        return evaluated(proto)
    except Exception:  # onnxruntime's own exceptions have no base but Exception
        return None


def _shown(error: Exception, most: int = 120) -> str:
    """Return what an exception says, cut to its first characters, or its last if negative."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return ascii(text[:most] if most > 0 else text[most:])[1:-1]
