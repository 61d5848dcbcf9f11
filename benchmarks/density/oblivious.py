"""Boosted oblivious trees of one-bit leaves: a tree that asks six bits is one LUT6.

All splits of one level ask the same (Kohavi 1994), so a tree of depth d is a table of 2**d entries,
and here an entry is 0 or 1: what a class gets from its trees is a count. Classes take turns. A new
tree is grown level by level where it lowers the softmax loss most to the first order, which for
entries of one size is the sum over its cells of the absolute gradient; rows are drawn by the size
of their gradient. Then each tree in turn is taken out and grown again, or its entries alone are
chosen again: all other trees stand still, so each entry's loss is known exactly.

The result is an XGBoost booster, so that it is read, checked and built like any other.
"""

import json
from dataclasses import dataclass

import numpy as np
from xgboost import Booster, XGBClassifier

__all__ = ["Literal", "Oblivious", "literals"]


@dataclass(frozen=True, order=True)
class Literal:
    """What a level asks: whether `feature` is at least `threshold`."""

    feature: int
    threshold: int


def literals(x: np.ndarray, bits: int, least: float) -> tuple[Literal, ...]:
    """Return the questions about integers `x` (rows, features) that tell rows apart.

    Parameters
    ----------
    bits : of each feature
    least : share of the rows that has to lie on either side
    """
    found = []
    for feature, column in enumerate(x.T):
        for threshold in range(1, 1 << bits):
            share = np.mean(column >= threshold)
            if least < share < 1 - least:
                found.append(Literal(feature, threshold))
    return tuple(found)


class Oblivious:
    """Counts of one-bit tables, one sum a class.

    Parameters
    ----------
    classes, trees : number of classes, and of trees for each of them
    depth : questions of a tree, at most 8
    step : what one count adds to the logit of its class
    fresh : share of its gain that a question loses if no tree asks it yet
    questions : share of the questions that a tree may choose from
    rows : drawn to grow a tree
    regrown, passes : times that every tree is grown again; that its entries are chosen again
    seed : of all draws

    Members
    -------
    asked_ : integers (classes, trees, depth), places in `literals_`
    tables_ : integers (classes, trees, 2**depth), 0 or 1; question l is bit l of the place
    """

    def __init__(
        self,
        classes: int,
        trees: int,
        depth: int = 6,
        step: float = 0.25,
        fresh: float = 0.0,
        questions: float = 0.4,
        rows: int = 6000,
        regrown: int = 1,
        passes: int = 2,
        seed: int = 0,
    ) -> None:
        self.classes = classes
        self.trees = trees
        self.depth = depth
        self.step = step
        self.fresh = fresh
        self.questions = questions
        self.rows = rows
        self.regrown = regrown
        self.passes = passes
        self.seed = seed

    def fit(self, x: np.ndarray, y: np.ndarray, asked: tuple[Literal, ...]) -> "Oblivious":
        """Train on integers `x` (rows, features) and classes `y` (rows,) with these questions."""
        self.literals_ = asked
        self.features_ = x.shape[1]
        self._random = np.random.default_rng(self.seed)
        self._bits = self._answers(x)
        self._by_row = np.ascontiguousarray(self._bits.T)
        self._used = np.zeros(len(asked), dtype=bool)
        shape = (self.classes, self.trees)
        self.asked_ = np.zeros((*shape, self.depth), dtype=np.int64)
        self.tables_ = np.zeros((*shape, 1 << self.depth), dtype=np.uint8)
        self._cells = np.zeros((*shape, len(y)), dtype=np.uint8)
        self._sizes = np.ones((self.classes, len(y)), dtype=np.float32)
        self._own = [y == number for number in range(self.classes)]
        for turn in range(1 + self.regrown + self.passes):
            for tree in range(self.trees):
                for number in range(self.classes):
                    self._visit(number, tree, grow=turn <= self.regrown, first=turn == 0)
        del self._bits, self._by_row, self._used, self._cells, self._sizes, self._own
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the class (rows,) with the largest count, the first of equals."""
        bits = self._answers(x)
        counts = np.zeros((self.classes, len(x)), dtype=np.int64)
        for number in range(self.classes):
            for asked, table in zip(self.asked_[number], self.tables_[number], strict=True):
                counts[number] += table[_cells(bits, asked)]
        return counts.argmax(axis=0)

    def _answers(self, x: np.ndarray) -> np.ndarray:
        """Return the answers (questions, rows) to all questions, 0 or 1."""
        return np.array([x[:, one.feature] >= one.threshold for one in self.literals_], np.uint8)

    def _visit(self, number: int, tree: int, grow: bool, first: bool) -> None:
        """Choose one tree again, or for the first time; its questions only if that pays.

        A class's size is the exponential of its logit, in which an entry counts ``step / 2`` or
        ``-step / 2``: classes that still wait for their turn are not left behind.
        """
        table, cells, size = self.tables_[number, tree], self._cells[number, tree], self._sizes
        half = np.exp([-self.step / 2, self.step / 2]).astype(np.float32)
        others = size.sum(axis=0) - size[number]
        without = size[number] if first else size[number] / half[table[cells]]
        gain = np.log((others + without * half[1]) / (others + without * half[0]))
        gain -= np.float32(self.step) * self._own[number]  # the loss with 1 less that with 0
        lost = None if first else np.bincount(cells, gain, len(table))
        if grow:
            asked = self._grow(gain)
            new_cells = _cells(self._bits, asked)
            new_lost = np.bincount(new_cells, gain, len(table))
            if first or np.minimum(new_lost, 0).sum() < np.minimum(lost, 0).sum():
                self.asked_[number, tree], lost, cells = asked, new_lost, new_cells
                self._cells[number, tree] = cells
                self._used[asked] = True
        self.tables_[number, tree] = lost < 0
        size[number] = without * half[self.tables_[number, tree][cells]]

    def _grow(self, gain: np.ndarray) -> np.ndarray:
        """Return the questions (depth,) whose cells have the largest sum of absolute `gain`.

        Rows are drawn by the size of their gain, so each counts 1 or -1.
        """
        ends = np.cumsum(np.abs(gain), dtype=np.float64)
        drawn = np.searchsorted(ends, self._random.random(self.rows) * ends[-1])
        drawn = np.minimum(drawn, len(gain) - 1)
        sign = np.sign(gain[drawn]).astype(np.float32)
        many = max(int(self.questions * len(self.literals_)), self.depth)
        offered = np.sort(self._random.permutation(len(self.literals_))[:many])
        answers = self._by_row[drawn][:, offered].astype(np.float32)
        kept = np.where(self._used[offered], 1.0, 1.0 - self.fresh)
        cells, every = np.zeros(self.rows, dtype=np.int64), np.arange(self.rows)
        chosen = []
        for level in range(self.depth):
            signs = np.zeros((1 << level, self.rows), dtype=np.float32)
            signs[cells, every] = sign
            total = signs.sum(axis=1)[:, None]
            ones = signs @ answers
            score = (np.abs(ones) + np.abs(total - ones)).sum(axis=0) - np.abs(total).sum()
            best = int((score * kept).argmax())
            chosen.append(offered[best])
            cells |= (answers[:, best] > 0).astype(np.int64) << level
        return np.array(chosen)

    def booster(self) -> XGBClassifier:
        """Return the same model as XGBoost's: a leaf adds 0 or `step` to its class."""
        template = XGBClassifier(n_estimators=1, max_depth=1, base_score=0.5)
        rows = np.zeros((self.classes, self.features_))
        template.fit(rows, np.arange(self.classes))
        model = json.loads(template.get_booster().save_raw("json"))
        ensemble = model["learner"]["gradient_booster"]["model"]
        trees = []
        for tree in range(self.trees):
            for number in range(self.classes):
                asked = [self.literals_[place] for place in self.asked_[number, tree]]
                nodes = _nodes(asked, self.tables_[number, tree], self.step)
                trees.append(_xgboost_tree(nodes, len(trees), self.features_))
        ensemble["trees"] = trees
        ensemble["tree_info"] = [place % self.classes for place in range(len(trees))]
        ensemble["iteration_indptr"] = list(range(0, len(trees) + 1, self.classes))
        ensemble["gbtree_model_param"]["num_trees"] = str(len(trees))
        booster = Booster()
        booster.load_model(bytearray(json.dumps(model), "utf-8"))
        template._Booster = booster
        return template


def _cells(bits: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return the place (rows,) that `bits` (questions, rows) lead to."""
    cells = np.zeros(bits.shape[1], dtype=np.uint8)
    for level, question in enumerate(asked):
        cells |= bits[question] << level
    return cells


def _nodes(asked: list[Literal], table: np.ndarray, step: float) -> list[tuple]:
    """Return a tree's nodes from the root on: (Literal, left, right) or (value,).

    Children lie side by side, as XGBoost wants them. What does not tell entries apart is left out.
    """
    nodes: list[tuple] = [()]
    waiting = [(0, 0, table)]
    for place, level, entries in waiting:
        if (entries == entries[0]).all():
            nodes[place] = (float(entries[0]) * step,)
            continue
        while (entries[0::2] == entries[1::2]).all():
            level, entries = level + 1, entries[0::2]
        left = len(nodes)
        nodes[place] = (asked[level], left, left + 1)
        nodes += [(), ()]
        waiting += [(left, level + 1, entries[0::2]), (left + 1, level + 1, entries[1::2])]
    return nodes


def _xgboost_tree(nodes: list[tuple], number: int, features: int) -> dict[str, object]:
    """Return a tree as XGBoost's JSON has it; a row goes left below the threshold."""
    size = len(nodes)
    parents = [2**31 - 1] * size
    for place, node in enumerate(nodes):
        for child in node[1:]:
            parents[child] = place
    leaf = [len(node) == 1 for node in nodes]
    return {
        "base_weights": [node[0] if end else 0.0 for node, end in zip(nodes, leaf, strict=True)],
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "default_left": [0] * size,
        "id": number,
        "left_children": [-1 if len(node) == 1 else node[1] for node in nodes],
        "loss_changes": [0.0] * size,
        "parents": parents,
        "right_children": [-1 if len(node) == 1 else node[2] for node in nodes],
        "split_conditions": [
            node[0] if len(node) == 1 else node[0].threshold - 0.5 for node in nodes
        ],
        "split_indices": [0 if len(node) == 1 else node[0].feature for node in nodes],
        "split_type": [0] * size,
        "sum_hessian": [1.0] * size,
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(features),
            "num_nodes": str(size),
            "size_leaf_vector": "1",
        },
    }
