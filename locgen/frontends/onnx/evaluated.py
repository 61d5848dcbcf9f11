"""Single trees behind operators that are evaluated and not read.

Converters write some ensembles as one operator a tree and dozens of small ones behind them: the
votes of AdaBoost, the path lengths of an isolation forest. Here the graph is cut at the trees and
fed their leaves. If some tensor turns out to be a sum of one contribution a tree, whatever the
others say, and the answer the largest of its columns, or where it passes one value, then that is
the model; every load compares the whole with onnxruntime as it does any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper

from locgen.errors import UnsupportedModel
from locgen.frontends.onnx.ensembles import OPERATORS, Ensemble
from locgen.frontends.onnx.graph import Graph, behind, started
from locgen.frontends.onnx.nodes import NodeTree
from locgen.frontends.onnx.session import session_of
from locgen.frontends.onnx.values import MOST_SCORES, Scores, Winner

__all__ = ["evaluated"]

# Operators of numbers alone, without loops, whose outputs are no larger than their inputs.
_PLAIN = frozenset(
    (
        *("Abs", "Add", "ArgMax", "ArrayFeatureExtractor", "Cast", "Concat", "ConstantOfShape"),
        *("Div", "Equal", "Exp", "Gather", "Greater", "GreaterOrEqual", "Identity"),
        *("LabelEncoder", "Less", "LessOrEqual", "Log", "Max", "Min", "Mul", "Neg", "Not", "Pow"),
        *("ReduceMean", "ReduceSum", "Reshape", "Shape", "Sigmoid", "Softmax", "Sqrt", "Squeeze"),
        *("Sub", "Sum", "Tanh", "Transpose", "Unsqueeze", "Where"),
    )
)
_MOST_LEAVES = 1 << 14
_COMBINATIONS = 512
_TOLERANCE = 1e-5  # of the largest sum: onnxruntime adds up float32


def evaluated(proto: onnx.ModelProto) -> Graph:
    """Return what the graph computes, found by feeding it the leaves of its trees.

    Raises
    ------
    UnsupportedModel
        If it has operators of several trees, others than plain ones behind them, or no such sum.
    """
    walked, inputs, names = started(proto)
    for answer in [output.name for output in proto.graph.output]:
        nodes = behind(proto, answer)
        trees = [node for node in nodes if node.op_type in OPERATORS]
        after = _after(nodes, trees)
        if not trees or any(node.op_type not in _PLAIN for node in after):
            continue
        for node in trees:
            walked.value(node.output[0])
        # A machine before a tree is refused.
        ensembles = tuple(one for one in walked.ensembles if isinstance(one, Ensemble))
        if any(len(ensemble.trees) != 1 or ensemble.trees[0].sets for ensemble in ensembles):
            continue
        leaves = [_leaf_outputs(proto, ensemble) for ensemble in ensembles]
        found = _Cut(proto, ensembles, leaves, after, answer).sums()
        if found is None:
            continue
        own = tuple(
            _contributing(ensemble, values)
            for ensemble, values in zip(ensembles, found.parts, strict=True)
        )
        plain = {number: np.eye(len(found.base)) for number in range(len(own))}
        scores = Scores(plain, found.base - found.limit)
        decided = Winner(scores, found.labels, classes=len(found.labels)) if found.labels else None
        score = found.tensor, np.full(len(found.base), found.limit)
        return Graph(inputs, names, walked.columns, own, answer, decided or scores, score)
    raise UnsupportedModel("the ONNX graph is no sum over its trees")


@dataclass(frozen=True)
class _Sum:
    """A tensor that is a sum over the trees.

    Members
    -------
    tensor : its name
    parts : for each tree what each of its leaves adds (leaves, columns)
    base : (columns,) the sum of nothing
    labels : of the classes, the largest column's, or those below and above `limit`; none for values
    """

    tensor: str
    parts: list[np.ndarray]
    base: np.ndarray
    labels: tuple[str | int, ...] = ()
    limit: float = 0.0


def _after(nodes: Sequence[NodeProto], trees: Sequence[NodeProto]) -> list[NodeProto]:
    """Return the nodes that come behind trees, or beside them from constants alone."""
    reached = {name for tree in trees for name in tree.output}
    kept = []
    for node in nodes:
        if node.op_type not in OPERATORS and (
            not any(node.input) or reached.intersection(node.input)
        ):
            kept.append(node)
            reached.update(node.output)
    return kept


def _contributing(ensemble: Ensemble, values: np.ndarray) -> Ensemble:
    """Return the same tree with what each leaf adds (leaves, columns) in place of its weights."""
    (tree,) = ensemble.trees
    spread = np.zeros((len(tree.left), values.shape[1]))
    spread[tree.left < 0] = values
    columns = values.shape[1]
    own = replace(
        tree,
        values=spread,
        outputs=tuple(range(columns)),
        weighted=np.ones(spread.shape, dtype=bool),
    )
    return replace(ensemble, trees=(own,), share=1.0, base=np.zeros(columns), winner=None)


def _rows(tree: NodeTree, features: int, dtype: str) -> np.ndarray:
    """Return an input row (leaves, features) that reaches each leaf, as `dtype`; zeros if none."""
    low = np.full((len(tree.left), features), -np.inf, dtype=dtype)
    high = np.full((len(tree.left), features), np.inf, dtype=dtype)
    for node in np.flatnonzero(tree.left >= 0).tolist():  # parents come first
        feature, threshold = tree.feature[node], tree.threshold[node]
        left, right = tree.left[node], tree.right[node]
        for child in (left, right):
            low[child], high[child] = low[node], high[node]
        high[left, feature] = min(high[node, feature], threshold)
        low[right, feature] = max(low[node, feature], threshold)
    at = tree.left < 0
    low, high = low[at], high[at]
    above = np.nextafter(low, np.array(np.inf, dtype=dtype))
    inside = np.where(np.isfinite(high), high, np.where(np.isfinite(low), above, 0))
    return np.where((low < high).all(axis=1, keepdims=True), inside, 0).astype(dtype)


def _leaf_outputs(proto: onnx.ModelProto, ensemble: Ensemble) -> dict[str, np.ndarray]:
    """Return what the operator of one tree puts out at each leaf, by tensor, leaves first."""
    (tree,), node = ensemble.trees, ensemble.node
    features = int(tree.feature.max(initial=0)) + 1
    kind = TensorProto.DOUBLE if ensemble.dtype == "float64" else TensorProto.FLOAT
    name = node.input[0]
    given = helper.make_tensor_value_info(name, kind, [None, features])
    session = session_of(proto, [node], [given], list(node.output))
    rows = _rows(tree, features, ensemble.dtype)
    if len(rows) > _MOST_LEAVES:
        raise UnsupportedModel("a tree of the ONNX graph has too many leaves")
    return dict(zip(node.output, session.run(None, {name: rows}), strict=True))


class _Cut:
    """The graph behind its trees.

    Parameters
    ----------
    ensembles : the trees; leaves : for each what it puts out at each leaf, by tensor
    after : the nodes behind them; answer : the tensor that answers
    """

    def __init__(
        self,
        proto: onnx.ModelProto,
        ensembles: Sequence[Ensemble],
        leaves: Sequence[dict[str, np.ndarray]],
        after: Sequence[NodeProto],
        answer: str,
    ) -> None:
        self._proto, self._ensembles, self._leaves = proto, ensembles, leaves
        self._after, self._answer = after, answer
        counts = [len(next(iter(own.values()))) for own in leaves]
        random = np.random.default_rng(0)
        alone = np.zeros((1 + sum(counts), len(counts)), dtype=np.int64)
        first = 1
        for tree, count in enumerate(counts):
            alone[first : first + count, tree] = np.arange(count)
            first += count
        mixed = np.stack([random.integers(count, size=_COMBINATIONS) for count in counts], axis=1)
        self._counts, self._combinations = counts, np.concatenate([alone, mixed])

    def _run(self, given: dict[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """Return the tensors `outputs` for the tensors `given`, and what lies between."""
        needed, kept = set(outputs), []
        for node in reversed(self._after):
            if needed.intersection(node.output) and not set(node.output) <= set(given):
                kept.append(node)
                needed.update(node.input)
        inputs = [
            helper.make_tensor_value_info(
                name,
                helper.np_dtype_to_tensor_dtype(array.dtype)
                if array.dtype != object
                else TensorProto.STRING,
                [None, *array.shape[1:]],
            )
            for name, array in given.items()
        ]
        session = session_of(self._proto, kept[::-1], inputs, outputs)
        wanted = {value.name for value in session.get_inputs()}
        fed = {name: array for name, array in given.items() if name in wanted}
        return dict(zip(outputs, session.run(list(outputs), fed), strict=True))

    def sums(self) -> _Sum | None:
        """Return the sum that the answer is made from, None if there is none."""
        given = {
            name: array[self._combinations[:, tree]]
            for tree, own in enumerate(self._leaves)
            for name, array in own.items()
        }
        names = [name for node in self._after for name in node.output]
        found = self._run(given, list(dict.fromkeys([*names, self._answer])))
        rows, answer = len(self._combinations), found[self._answer]
        for name in reversed(names):
            tensor = found[name]
            floats = isinstance(tensor, np.ndarray) and tensor.dtype.kind == "f"
            if not floats or tensor.shape[:1] != (rows,) or tensor.ndim > 2:
                continue
            table = tensor.reshape(rows, -1).astype(np.float64)
            parts = self._parts(table) if 1 <= table.shape[1] <= MOST_SCORES else None
            if parts is None:
                continue
            if name == self._answer:
                return _Sum(name, parts, table[0])
            if answer.dtype.kind not in "iUO" or answer.size != rows:
                continue
            decide = self._passed if table.shape[1] == 1 else self._largest
            decided = decide(name, tensor, answer.reshape(-1))
            if decided is not None:
                return _Sum(name, parts, table[0], *decided)
        return None

    def _parts(self, table: np.ndarray) -> list[np.ndarray] | None:
        """Return what each leaf of each tree adds to the first row, None if that is no sum."""
        base, parts, first = table[0], [], 1
        if not np.isfinite(table).all() or not np.ptp(table, axis=0).any():
            return None
        for count in self._counts:
            parts.append(table[first : first + count] - base)
            first += count
        mixed = self._combinations[first:]
        expected = base + sum(part[mixed[:, tree]] for tree, part in enumerate(parts))
        if np.abs(expected - table[first:]).max() > _TOLERANCE * np.abs(table).max():
            return None
        return parts

    def _largest(
        self, name: str, tensor: np.ndarray, answer: np.ndarray
    ) -> tuple[tuple[str | int, ...], float] | None:
        """Return the labels, if the answer is that of the largest column, ties to the first."""
        count = tensor.shape[1]
        low, high = tensor.min(), tensor.max()
        if not low < high:
            return None
        alone = np.full((count, count), low, dtype=tensor.dtype)
        np.fill_diagonal(alone, high)
        even = np.tile(tensor[:count], (count, 1)).astype(tensor.dtype)
        even[:, 0] = even[:, -1] = even.max(axis=1)  # ties go to the first
        answers = self._run({name: np.concatenate([alone, even])}, [self._answer])[self._answer]
        answers = answers.reshape(-1)
        labels = np.array(answers[:count])
        if len(set(labels.tolist())) != count:
            return None
        if not np.array_equal(labels[np.argmax(even, axis=1)], answers[count:]):
            return None
        ranked = np.sort(tensor.astype(np.float64), axis=1)
        clear = ranked[:, -1] - ranked[:, -2] > _TOLERANCE * np.abs(ranked).max()
        if not np.array_equal(labels[np.argmax(tensor, axis=1)][clear], answer[clear]):
            return None
        return tuple(labels.tolist()), 0.0

    def _passed(
        self, name: str, tensor: np.ndarray, answer: np.ndarray
    ) -> tuple[tuple[str | int, ...], float] | None:
        """Return the labels below and above the one value at which the answer changes, and it."""
        shape = (-1, *tensor.shape[1:])

        def evaluate(values: np.ndarray) -> np.ndarray:
            given = values.astype(tensor.dtype).reshape(shape)
            return self._run({name: given}, [self._answer])[self._answer].reshape(-1)

        values = np.unique(tensor)
        answers = evaluate(values)
        changes = np.flatnonzero(answers[1:] != answers[:-1])
        if len(changes) != 1:
            return None
        low, high = values[changes[0]], values[changes[0] + 1]
        below, above = answers[changes[0]], answers[changes[0] + 1]
        while np.nextafter(low, high) < high:
            middle = low + (high - low) / 2
            middle = middle if low < middle < high else np.nextafter(low, high)
            low, high = (middle, high) if evaluate(middle[None])[0] == below else (low, middle)
        flat = tensor.reshape(-1)
        if not np.array_equal(np.where(flat <= low, below, above), answer):
            return None
        limit = (float(low) + float(high)) / 2  # no float of that type lies between the two
        return tuple(np.array([below, above]).tolist()), limit
