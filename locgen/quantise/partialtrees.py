"""Models of trees with integer splits, whose leaves are still to be rounded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from locgen.ir import (
    Feature,
    Gate,
    Model,
    Node,
    QuantisedModel,
    TreeNode,
    add_constants,
)
from locgen.ir.integer import trees_of
from locgen.quantise.assemble import LARGEST_BIAS, assemble
from locgen.quantise.constants import constants_of
from locgen.quantise.splits import routed, split_node, threshold_maps
from locgen.quantise.widths.base import Widths

__all__ = ["PartialTrees", "partial_trees"]


@dataclass(frozen=True)
class PartialTrees:
    """A model with integer splits whose leaf scores are still floats.

    `splits` holds for each tree a `TreeNode` whose leaf scores are leaf numbers of the float tree:
    pruning comparisons that a quantiser made constant drops some. `gate` is final. `rows` (rows,
    columns) are those that candidates are tried on.
    """

    model: Model
    features: tuple[Feature, ...]
    splits: tuple[TreeNode, ...]
    gate: Gate | None
    rows: np.ndarray | None = None

    @cached_property
    def _reached(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Leaves that the rows reach, and which trees count for them."""
        assert self.rows is not None
        columns = self.columns(self.rows)
        return self.leaves_at(columns), self.open_table(columns)

    def scores(self, model: QuantisedModel) -> np.ndarray:
        """Return golden's scores of the rows by one of the integer models."""
        return self.integer_scores(model, *self._reached)

    def leaves_at(
        self, columns: np.ndarray, thresholds: Sequence[Sequence[int]] | None = None
    ) -> np.ndarray:
        """Return the leaf (trees, rows) that each row reaches, as numbered in `splits`, small.

        Parameters
        ----------
        columns : codes (features, rows)
        thresholds : for each tree codes (splits,) in place of its own
        """
        thresholds = thresholds or [node.threshold for node in self.splits]
        missing = self.missing_codes.tolist()
        most = max((len(tree.leaf_values) for tree in self.model.trees), default=1)
        table = np.zeros((len(self.splits), columns.shape[1]), dtype=np.min_scalar_type(most - 1))
        for number, (node, own) in enumerate(zip(self.splits, thresholds, strict=True)):
            table[number] = routed(node, own, columns, missing)
        return table

    def columns(self, x: np.ndarray) -> np.ndarray:
        """Return the codes of rows `x`, a feature after the other: (features, rows), small."""
        x = self.model.expand(x)
        widest = max((feature.bits for feature in self.features), default=0)
        small = np.uint8 if widest <= 8 else np.int32
        columns = np.zeros((len(self.features), len(x)), dtype=small)
        for number, feature in enumerate(self.features):
            if feature.bits:
                columns[number] = feature.quantise(x[:, number])
        return columns

    def open_table(self, columns: np.ndarray) -> np.ndarray | None:
        """Return whether each tree counts for each row, booleans (trees, rows); None if all do.

        Parameters
        ----------
        columns : codes (features, rows)
        """
        if self.gate is None:
            return None
        counts = np.ones((len(self.splits), columns.shape[1]), dtype=bool)
        mask = self.gate.evaluate(columns.T.astype(np.int64), self.missing_codes)
        for expert, members in enumerate(self.model.experts):
            counts[list(members)] = mask[:, expert]
        return counts

    def leaf_values(self, levels: float) -> tuple[np.ndarray, ...]:
        """Return for each tree its leaves' values (leaves, outputs) in score steps, not rounded.

        Parameters
        ----------
        levels : steps that the widest range of a tree's leaves takes; values count from the lowest
        """
        _, _, steps, reached = self._scaled(levels)
        return tuple(
            (values - values.min(axis=0)) * steps[list(tree.outputs)]
            for tree, values in zip(self.model.trees, reached, strict=True)
        )

    def integer_model(
        self,
        levels: float,
        name: str,
        rounded: Sequence[np.ndarray] | None = None,
        thresholds: Sequence[Sequence[int]] | None = None,
    ) -> QuantisedModel:
        """Return the integer model whose widest leaf range takes `levels` steps.

        Leaves are their `leaf_values`, rounded: small unsigned numbers. The lowest values go into
        one bias an output (for regression into the real-valued offset), as does what all outputs of
        an argmax have in common. Regression outputs have a scale each; classes share one, since
        they are compared. What an expert has more than the lowest of all experts goes into its
        leaves, for only an open expert may add it.

        Parameters
        ----------
        rounded : for each tree integers (leaves, outputs) in place of the nearest
        thresholds : for each tree codes (splits,) in place of its own
        """
        model = self.model
        base, own, steps, _ = self._scaled(levels)
        if rounded is None:
            rounded = [np.rint(values) for values in self.leaf_values(levels)]
        if thresholds is None:
            thresholds = [node.threshold for node in self.splits]
        nodes: list[Node] = [
            replace(
                node,
                threshold=tuple(map(int, codes)),
                leaf_scores=tuple(map(tuple, np.asarray(scores).astype(int).tolist())),
                outputs=tree.outputs,
            )
            for tree, node, scores, codes in zip(
                model.trees, self.splits, rounded, thresholds, strict=True
            )
        ]
        for members, constants in zip(model.experts, np.rint(own * steps).astype(int), strict=True):
            mine = add_constants([nodes[n] for n in members], [int(c) for c in constants])
            for number, node in zip(members, mine, strict=True):
                nodes[number] = node

        every = tuple(nodes)
        experts = model.experts
        return assemble(model, self.features, every, base, steps, name, self.gate, experts)

    def of_widths(self, widths: Widths, name: str) -> QuantisedModel:
        """Return the integer model whose widest leaf range takes ``widths.score`` bits."""
        return self.integer_model((1 << widths.score) - 1, name)

    def _scaled(self, levels: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]:
        """Return base, experts' constants, steps in a score of 1, and each tree's leaf values."""
        model = self.model
        base = np.array(model.base, dtype=np.float64)
        reached = [
            tree.leaf_values[[leaf for (leaf,) in node.leaf_scores]]
            for tree, node in zip(model.trees, self.splits, strict=True)
        ]
        widest = np.zeros(model.outputs)
        for tree, values in zip(model.trees, reached, strict=True):
            outputs = list(tree.outputs)
            widest[outputs] = np.maximum(widest[outputs], np.ptp(values, axis=0))
        parts = [
            (values.min(axis=0), np.zeros(values.shape[1]), np.ptp(values, axis=0))
            for values in reached
        ]
        common, own = constants_of(model, parts, widest.max() / levels)
        base += common
        for scale in model.rule_of_decision.scales:
            outputs = list(scale.outputs)
            constant = base[outputs] - (0.0 if scale.absolute else base[outputs].min())
            largest = max(np.abs(constant).max(), np.max(own, initial=0))
            most = widest[outputs].max()
            widest[outputs] = max(most or largest, largest / LARGEST_BIAS)
        steps = levels / np.where(widest > 0, widest, 1.0)
        return base, own, steps, reached

    def integer_scores(
        self, model: QuantisedModel, leaves: np.ndarray, counts: np.ndarray | None
    ) -> np.ndarray:
        """Return golden's scores (rows, outputs) of one of the integer models.

        Parameters
        ----------
        leaves : (trees, rows) see `leaves_at`; counts : (trees, rows) booleans, None for all
        """
        scores = np.repeat(np.array(model.bias, dtype=np.int64)[:, None], leaves.shape[1], axis=1)
        for number, node in enumerate(trees_of(model.nodes)):
            for column, output in enumerate(node.outputs):
                table = np.array([row[column] for row in node.leaf_scores], dtype=np.int64)
                part = table[leaves[number]]
                scores[output] += part if counts is None else part * counts[number]
        return scores.T

    @property
    def missing_codes(self) -> np.ndarray:
        """Code of NaN of each feature (features,), -1 where there is none."""
        codes = [-1 if f.missing_code is None else f.missing_code for f in self.features]
        return np.array(codes, dtype=int)


def partial_trees(
    model: Model,
    features: tuple[Feature, ...],
    gate: Gate | None = None,
    rows: np.ndarray | None = None,
) -> PartialTrees:
    """Return `model` (already merged) with its splits in the codes of `features`.

    Parameters
    ----------
    gate : in integers; rows : (rows, columns) that candidates are tried on
    """
    maps = threshold_maps(model, features)
    splits = tuple(split_node(t, features, maps) for t in model.trees)
    return PartialTrees(model, features, splits, gate, rows)
