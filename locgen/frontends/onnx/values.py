"""What the tensors of an ONNX graph are to locgen; attributes with their types checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, overload

import numpy as np
from onnx import AttributeProto, NodeProto, TensorProto, numpy_helper

from locgen.errors import ModelFileError, UnsupportedModel

__all__ = [
    "MOST_COLUMNS",
    "MOST_SCORES",
    "Attributes",
    "Codes",
    "Columns",
    "Constant",
    "Dtype",
    "Inputs",
    "Link",
    "Probabilities",
    "Scores",
    "Stack",
    "Trace",
    "Value",
    "Winner",
    "constant",
    "damaged",
    "picked",
    "refused",
]

# Far more than a small FPGA takes: a forged file shall not make locgen fill the memory.
MOST_COLUMNS = 1 << 16
MOST_SCORES = 1 << 10

Dtype = Literal["float32", "float64", "int64"]
Link = Literal["none", "logistic", "softmax", "normal"]
Probabilities = tuple[str, Literal["sigmoid", "softmax"]]
Kind = TypeVar("Kind")
_KINDS: dict[type, tuple[int, str]] = {
    int: (AttributeProto.INT, "i"),
    float: (AttributeProto.FLOAT, "f"),
    bytes: (AttributeProto.STRING, "s"),
}
_LISTS: dict[type, tuple[int, str]] = {
    int: (AttributeProto.INTS, "ints"),
    float: (AttributeProto.FLOATS, "floats"),
    bytes: (AttributeProto.STRINGS, "strings"),
}


def damaged(what: str) -> ModelFileError:
    """Return the error of a graph whose parts do not fit together."""
    return ModelFileError(f"the ONNX graph is damaged ({what}): convert the model again")


def refused(node: NodeProto, why: str) -> UnsupportedModel:
    """Return the refusal of an operator, with the way out."""
    return UnsupportedModel(
        f"the ONNX operator {ascii(node.op_type)[1:-1]} {why}: give locgen the scikit-learn, "
        "XGBoost or LightGBM model that was converted"
    )


class Attributes:
    """Attributes of one node; those of another type than expected are damage."""

    def __init__(self, node: NodeProto) -> None:
        self._operator = ascii(node.op_type)[1:-1]
        self._found = {attribute.name: attribute for attribute in node.attribute}

    def __contains__(self, name: str) -> bool:
        return name in self._found

    @overload
    def one(self, name: str, kind: type[Kind]) -> Kind | None: ...

    @overload
    def one(self, name: str, kind: type[Kind], default: Kind) -> Kind: ...

    def one(self, name: str, kind: type[Kind], default: Kind | None = None) -> Kind | None:
        """Return a number or the text `name`, `default` without it."""
        return self._value(name, *_KINDS[kind], default)

    def text(self, name: str, default: str) -> str:
        """Return the text `name`."""
        return self.one(name, bytes, default.encode()).decode(errors="replace")

    def all(self, name: str, kind: type[Kind]) -> list[Kind]:
        """Return the list `name`, empty without it."""
        return list(self._value(name, *_LISTS[kind], ()))

    def integers(self, name: str) -> np.ndarray:
        """Return the whole numbers `name` as int64."""
        return np.array(self.all(name, int), dtype=np.int64)

    def numbers(self, name: str) -> np.ndarray:
        """Return the numbers in `name`, or in the tensor ``<name>_as_tensor``, as float64."""
        if f"{name}_as_tensor" in self._found:
            return self.tensor(f"{name}_as_tensor")
        return np.array(self.all(name, float), dtype=np.float64)

    def tensor(self, name: str) -> np.ndarray:
        """Return the numbers in the tensor `name` in a row, float64; empty without it."""
        if name not in self._found:
            return np.zeros(0)
        array = self.array(name)
        if array.dtype.kind not in "fiu":
            raise damaged(f"{self._operator}.{name} holds no numbers")
        return array.astype(np.float64).ravel()

    def array(self, name: str) -> np.ndarray:
        """Return the tensor `name`."""
        return constant(self._value(name, AttributeProto.TENSOR, "t", None))

    def _value(self, name: str, kind: int, field: str, default: object) -> Any:
        """Return what `field` holds, whose type that of the attribute tells."""
        attribute = self._found.get(name)
        if attribute is None:
            return default
        if attribute.type != kind or attribute.ref_attr_name:
            raise damaged(f"{self._operator}.{ascii(name)[1:-1]} has the wrong type")
        return getattr(attribute, field)


def constant(tensor: TensorProto) -> np.ndarray:
    """Return a tensor that the file itself holds."""
    if tensor.data_location == TensorProto.EXTERNAL:
        raise UnsupportedModel(
            "the ONNX file keeps a tensor in another file: save it with all its tensors inside "
            "(onnx.save with save_as_external_data=False)"
        )
    try:
        return numpy_helper.to_array(tensor)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged("a tensor's size does not fit its type") from error


@dataclass(frozen=True)
class Codes:
    """An encoder's knowledge of one column.

    Members
    -------
    tensor, position : the column that it looks at
    keys : what it knows, rising
    whole : whether it cuts fractions off before it compares
    tolerant : whether it takes other values
    """

    tensor: str
    position: int
    keys: tuple[float, ...]
    whole: bool
    tolerant: bool


@dataclass(frozen=True)
class Trace:
    """Where one column of a tensor comes from.

    Members
    -------
    column : the only raw column that it depends on
    untouched : whether it is that column, cast once to the graph's input type
    codes : the encoder it went through; None where it rises with the raw column
    missing : what became of NaN; ``"refused"`` also where the outcome is the processor's choice
    cut_off : tensor and position of the column that this is without its fraction
    affine : slope and offset of what is made of the raw column, None if it is no affine map
    """

    column: int
    untouched: bool = True
    codes: Codes | None = None
    missing: Literal["kept", "replaced", "refused"] = "kept"
    cut_off: tuple[str, int] | None = None
    affine: tuple[float, float] | None = (1.0, 0.0)

    def moved(self, slope: float, offset: float) -> "Trace":
        """Return the column times `slope` plus `offset`."""
        known = self.affine
        moved = None if known is None else (known[0] * slope, known[1] * slope + offset)
        return replace(self, untouched=False, affine=moved)


@dataclass(frozen=True)
class Columns:
    """Rows of features; `deep` if each comes in a matrix of its own, as OneHotEncoder's do."""

    traces: tuple[Trace, ...]
    dtype: Dtype
    deep: bool = False


@dataclass(frozen=True)
class Constant:
    """A tensor that the file holds."""

    array: np.ndarray


@dataclass(frozen=True)
class Scores:
    """Weighted sums of the ensembles' raw outputs, under a function that keeps order.

    Members
    -------
    weights : by ensemble, (its raw outputs, columns)
    base : (columns,)
    link : ``"logistic"`` of each number alone, ``"softmax"`` or ``"normal"`` over each row
    """

    weights: Mapping[int, np.ndarray]
    base: np.ndarray
    link: Link = "none"

    def times(self, matrix: np.ndarray, shift: np.ndarray | float = 0.0) -> "Scores":
        """Return the columns multiplied by `matrix` (columns, new columns), and shifted."""
        weights = {ensemble: own @ matrix for ensemble, own in self.weights.items()}
        return replace(self, weights=weights, base=self.base @ matrix + shift)

    def plus(self, other: "Scores") -> "Scores":
        """Return the sum of both."""
        weights = dict(self.weights)
        for ensemble, own in other.weights.items():
            weights[ensemble] = weights[ensemble] + own if ensemble in weights else own
        return replace(self, weights=weights, base=self.base + other.base)


@dataclass(frozen=True)
class Stack:
    """Scores on top of each other, along a first axis that goes once they are added up."""

    layers: tuple[Scores, ...]


@dataclass(frozen=True)
class Winner:
    """A decision: with one score where it lies, else the first of the largest.

    Members
    -------
    scores : what is compared
    labels : of the classes, in the order of the scores; None for their indices
    probabilities : the tensor with those of all classes, and the function that makes them
    classes : how many there are
    operator : by which a single score is compared with zero
    votes : whether the scores are those of pairs of classes, above zero votes for the first
    """

    scores: Scores
    labels: tuple[str | int | float, ...] | None = None
    probabilities: Probabilities | None = None
    classes: int = 2
    operator: Literal[">", ">="] = ">"
    votes: bool = False


Value = Columns | Constant | Scores | Stack | Winner
Inputs = Sequence[Value | None]
"""What an operator is given, None for what is left out."""


def picked(node: NodeProto, inputs: Inputs, count: int) -> np.ndarray | None:
    """Return which of `count` columns a Gather, ArrayFeatureExtractor or Slice picks.

    None where it is none of these, or does not pick columns.
    """
    attributes = Attributes(node)
    chosen: np.ndarray
    if node.op_type in ("Gather", "ArrayFeatureExtractor") and len(inputs) == 2:
        indices = inputs[1]
        columns = node.op_type != "Gather" or attributes.one("axis", int, 0) in (1, -1)
        if not isinstance(indices, Constant) or indices.array.dtype.kind != "i" or not columns:
            return None
        if node.op_type == "Gather" and indices.array.ndim != 1:
            return None
        chosen = indices.array.ravel()
    elif node.op_type == "Slice":
        ends = _slice(inputs[1:], attributes)
        if ends is None:
            return None
        chosen = np.arange(count)[ends]
    else:
        return None
    if not 1 <= len(chosen) <= MOST_COLUMNS or (chosen < -count).any() or (chosen >= count).any():
        raise damaged(f"{node.op_type} picks a column that is not there")
    return chosen % count


def _slice(inputs: Inputs, attributes: Attributes) -> slice | None:
    """Return the columns that a Slice leaves, None where it cuts rows."""
    held = [value for value in inputs if isinstance(value, Constant)]
    if len(held) != len(inputs):
        return None
    names = ("starts", "ends", "axes", "steps")
    found = {name: attributes.all(name, int) for name in names if name in attributes}
    for name, value in zip(names, held, strict=False):
        found[name] = [int(number) for number in value.array.ravel()]
    found.setdefault("steps", [1])
    if any(len(found.get(name, ())) != 1 for name in names):
        return None
    if found["axes"][0] not in (1, -1) or found["steps"][0] < 1:
        return None
    return slice(found["starts"][0], found["ends"][0], found["steps"][0])
