"""Preprocessing before a model: evaluated through the fitted steps, never folded.

A split compares what the steps before the model and the library's cast make of one raw column. Two
kinds of columns come out of the steps supported here. One rises with its raw column (scalers,
binarisers, ordinal bins, imputed values): the split's cut is found by bisecting exactly what the
library computes, casts and all. The other depends on which interval or category the raw value lies
in (one-hot and ordinal codes): the split is evaluated once for each of these, and becomes a limit
where the answers allow it, else a `Membership`. Many splits are packed into one matrix, each
candidate in the column of its raw feature, since no step looks at two columns at a time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_matrix, issparse

from locgen.errors import UnsupportedModel
from locgen.frontends.memberships import Memberships, union
from locgen.frontends.pipeline import LARGEST, library_quiet
from locgen.frontends.step_outputs import Output, Transformer, dense, transformed
from locgen.ir.membership import Membership
from locgen.quantise.bisect import largest_true

__all__ = ["Lowered", "Preprocessing"]

_CELLS = 1 << 21  # of one packed matrix: 16 MB, and the steps make a few copies of it


@dataclass(frozen=True)
class Lowered:
    """Splits over raw columns and memberships, (splits,) each.

    `swapped` marks those whose children change places: what went left now goes right.
    """

    feature: np.ndarray
    cut: np.ndarray
    missing_left: np.ndarray
    swapped: np.ndarray


@dataclass(frozen=True)
class Preprocessing:
    """Fitted steps, in order, in front of a model over `columns` raw columns.

    Members
    -------
    names : of the raw columns
    transform : raw rows (rows, columns) to what the model is given
    outputs : where each of the model's features comes from
    memberships : shared by all models behind the same raw columns
    neutral : (columns,) a raw value that every step accepts, for the columns not evaluated
    steps : the fitted steps
    zeros_missing : whether the model takes zeros for missing values, see `without_zeros`
    float32 : whether raw rows are float32, in which the steps then compute
    sparse : whether raw rows are sparse matrices
    """

    names: tuple[str, ...]
    transform: Callable[[np.ndarray], np.ndarray]
    outputs: tuple[Output, ...]
    memberships: Memberships
    neutral: np.ndarray
    steps: tuple[Transformer, ...] = field(default=())
    zeros_missing: bool = False
    float32: bool = False
    sparse: bool = False

    @classmethod
    def bare(
        cls, names: Sequence[str], float32: bool = False, sparse: bool = False
    ) -> "Preprocessing":
        """Return what stands before a model that is given the raw columns themselves."""
        count = len(names)
        return cls(
            names=tuple(names),
            transform=lambda x: csr_matrix(x) if sparse else x,
            float32=float32,
            sparse=sparse,
            outputs=tuple(Output.raw(column) for column in range(count)),
            memberships=Memberships(count),
            neutral=np.zeros(count),
        )

    @property
    def columns(self) -> int:
        """Number of raw columns."""
        return len(self.names)

    @property
    def features(self) -> int:
        """Number of features that the model is given."""
        return len(self.outputs)

    @property
    def imputes(self) -> bool:
        """Whether a step replaces missing values, so that NaN is welcome."""
        return any(output.imputed for output in self.outputs)

    def then(
        self, step: Transformer, outputs: Iterable[Output], neutral: np.ndarray
    ) -> "Preprocessing":
        """Return this preprocessing with the fitted transformer `step` after it.

        Parameters
        ----------
        outputs, neutral : of `step`, see `Outputs`
        """
        before = self
        return replace(
            self,
            transform=lambda x: transformed(step, before.transform(x)),
            outputs=tuple(outputs),
            neutral=neutral,
            steps=(*self.steps, step),
        )

    def selected(self, features: Iterable[int]) -> "Preprocessing":
        """Return this preprocessing with nothing but some of its outputs, in that order."""
        before, picked = self, [int(feature) for feature in features]
        return replace(
            self,
            transform=lambda x: before.transform(x)[:, picked],
            outputs=tuple(self.outputs[feature] for feature in picked),
        )

    def raw_column(self, feature: int, what: str) -> int:
        """Return the raw column that the model's `feature` is, untouched by any step."""
        output = self.outputs[feature]
        if not output.untouched:
            raise UnsupportedModel(
                f"{what} has a categorical split behind a transformer: hand that column to the "
                "model as it is (remainder='passthrough')"
            )
        return output.column

    @property
    def is_sparse(self) -> bool:
        """Whether the model is given a sparse matrix, from the last step or as raw rows."""
        with library_quiet():
            return issparse(self.transform(self.neutral[None]))

    def without_zeros(self) -> "Preprocessing":
        """Return this preprocessing for a model that misses what a sparse row leaves out."""
        return replace(self, zeros_missing=True)

    def values(self, x: np.ndarray) -> np.ndarray:
        """Return what the model is given (rows, features) for raw rows (rows, columns)."""
        values = self._values(x)
        return np.where(values == 0, np.nan, values) if self.zeros_missing else values

    def _values(self, x: np.ndarray) -> np.ndarray:
        """Return what the last step hands over, zeros and all."""
        with library_quiet():
            dtype = np.float32 if self.float32 else np.float64
            return dense(self.transform(np.asarray(x, dtype=np.float64).astype(dtype)))

    def acceptable(self, x: np.ndarray, missing: bool = True) -> np.ndarray:
        """Return the raw rows `x` with every value that a step refuses replaced by one it takes.

        Encoders refuse categories that they have not seen; what stands beside an imputer may refuse
        missing values.

        Parameters
        ----------
        missing : whether the model takes NaN, of which encoders may make unknown categories
        """
        x = x.copy()
        if self.zeros_missing:  # scaled, the least float64 become zeros that a sparse row holds
            x[np.abs(x) < np.finfo(np.float64).tiny] = 0.0
        strict = set() if missing or not self.steps else self._makers_of_missing()
        for feature, output in enumerate(self.outputs):
            own = x[:, output.column]
            refuses_missing = self.imputes or output.intervals is not None
            if refuses_missing and not output.imputed:
                own = np.where(np.isnan(own), self.neutral[output.column], own)
            refuses_unknown = output.unknown is None or feature in strict
            if output.intervals is not None and refuses_unknown and len(output.intervals[0]):
                low, high = output.intervals
                place = np.clip(np.searchsorted(high, own, side="left"), 0, len(high) - 1)
                outside = ~np.isnan(own) & ((own <= low[place]) | (own > high[place]))
                own = np.where(outside, np.clip(high[place], -LARGEST, LARGEST), own)
            x[:, output.column] = own
        return x

    def _makers_of_missing(self) -> set[int]:
        """Return the features that are NaN for a category that their encoder does not know."""
        tolerant = [f for f, output in enumerate(self.outputs) if output.unknown is not None]
        return {
            feature
            for feature in tolerant
            for output in [self.outputs[feature]]
            if np.isnan(self.evaluate(output.column, np.array([output.unknown]))[0, feature])
        }

    def lower(
        self,
        feature: np.ndarray,
        goes_left: Callable[[np.ndarray, np.ndarray], np.ndarray],
        missing_left: np.ndarray,
        threshold: np.ndarray,
    ) -> Lowered:
        """Return splits of the model's features as splits of raw columns.

        Parameters
        ----------
        feature : (splits,) the feature that each split compares
        goes_left : the library's comparison: float64 values that are not NaN and thresholds, of one
            shape, to booleans; true up to some value and false above it
        missing_left : (splits,) whether NaN goes left, if it reaches the split
        threshold : (splits,) what `goes_left` is given for each split
        """
        if any(not self.outputs[f].rising for f in feature):
            raise UnsupportedModel(
                "trees behind PolynomialFeatures or SplineTransformer compare what does not rise "
                "with one column: train them on the columns themselves"
            )
        count = len(feature)
        column = np.array([self.outputs[f].column for f in feature], dtype=np.int64)
        lowered = Lowered(
            column.copy(), np.empty(count), missing_left.copy(), np.zeros(count, dtype=bool)
        )
        stepped = np.array([self.outputs[f].intervals is not None for f in feature], dtype=bool)
        rising = np.flatnonzero(~stepped)
        if len(rising):
            limits = threshold[rising]
            lowered.cut[rising] = self.bisect(
                feature[rising], lambda value, part: goes_left(value, limits[part])
            )
        for feature_number in np.unique(feature):
            output = self.outputs[feature_number]
            own = np.flatnonzero(feature == feature_number)
            if output.imputed:
                value = self.at_missing(int(feature_number))
                lowered.missing_left[own] = (
                    missing_left[own]
                    if np.isnan(value)
                    else goes_left(np.full(len(own), value), threshold[own])
                )
            if output.intervals is not None:
                self._lower_stepped(lowered, own, int(feature_number), goes_left, threshold)
            elif self.zeros_missing:
                at_zero = goes_left(np.zeros(len(own)), threshold[own])
                apart = own[at_zero != missing_left[own]]
                self._lower_without_zeros(lowered, apart, int(feature_number))
        return lowered

    def _lower_without_zeros(self, lowered: Lowered, splits: np.ndarray, feature: int) -> None:
        """Lower `splits` of one rising feature that send zeros, which are missing, elsewhere."""
        low, high = self.bisect(
            np.full(2, feature), lambda value, part: np.where(part == 0, value < 0, value <= 0)
        )
        if not len(splits) or low == high:
            return
        for split in splits:
            cut = lowered.cut[split]
            if cut >= high:
                lows, highs = np.array([-np.inf, high]), np.array([low, cut])
            else:
                lows, highs = np.array([-np.inf, low]), np.array([cut, high])
            kept = lows < highs
            edges = union(lows[kept], highs[kept])
            shown = f"(-inf, {cut:g}] where 0 goes {'right' if cut >= high else 'left'}"
            column = self.outputs[feature].column
            missing = bool(lowered.missing_left[split])
            lowered.feature[split] = self.member(column, edges, missing, shown)
            lowered.cut[split], lowered.missing_left[split] = 0.0, False

    def bisect(
        self,
        feature: np.ndarray,
        goes_left: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ) -> np.ndarray:
        """Return for each predicate on a feature the largest raw float64 for which it holds.

        Parameters
        ----------
        feature : (predicates,) the feature that each looks at, one that rises with its raw column
        goes_left : (values, positions in `feature`) to booleans

        Returns
        -------
        (predicates,) float64; +inf if it holds for every number, -inf if for none
        """
        if not len(feature):
            return np.zeros(0)
        column = np.array([self.outputs[f].column for f in feature], dtype=np.int64)
        order = np.argsort(column, kind="stable")
        rank = np.empty(len(order), dtype=np.int64)
        ranked = column[order]
        rank[order] = np.arange(len(order)) - np.searchsorted(ranked, ranked)
        at_once = max(1, _CELLS // max(self.columns, self.features))
        cut = np.empty(len(feature))
        for start in range(0, int(rank.max(initial=0)) + 1, at_once):
            part = np.flatnonzero((rank >= start) & (rank < start + at_once))
            row = rank[part] - start
            matrix = np.tile(self.neutral, (int(row.max()) + 1, 1))
            place, own = column[part], feature[part]

            def holds(
                x: np.ndarray, matrix=matrix, row=row, place=place, own=own, part=part
            ) -> np.ndarray:
                value = x
                if self.steps or self.float32:
                    matrix[row, place] = x
                    value = self._values(matrix)[row, own]
                return goes_left(value, part)

            with library_quiet():
                cut[part] = largest_true(holds, len(part))
        return cut

    def evaluate(self, column: int, values: np.ndarray) -> np.ndarray:
        """Return what the model is given, (len(values), features), for values of a raw column."""
        matrix = np.tile(self.neutral, (len(values), 1))
        matrix[:, column] = values
        return self.values(matrix)

    def member(self, column: int, edges: np.ndarray, missing: bool, what: str) -> int:
        """Return the index of the feature that is 0 inside of `edges`, see `Membership`."""
        name = f"{self.names[column]} in {what}"
        return self.memberships.index_of(
            Membership(name, column, tuple(float(e) for e in edges), missing)
        )

    def at_missing(self, feature: int) -> float:
        """Return what the model's `feature` is where the raw value is missing."""
        return float(self.evaluate(self.outputs[feature].column, np.array([np.nan]))[0, feature])

    def _lower_stepped(
        self,
        lowered: Lowered,
        splits: np.ndarray,
        feature: int,
        goes_left: Callable[[np.ndarray, np.ndarray], np.ndarray],
        threshold: np.ndarray,
    ) -> None:
        """Lower the `splits` of one feature that depends on intervals of its raw column."""
        output = self.outputs[feature]
        assert output.intervals is not None
        low, high = output.intervals
        value = self.evaluate(output.column, np.minimum(high, LARGEST))[:, feature]
        other = 0.0
        if output.unknown is not None:
            other = float(self.evaluate(output.column, np.array([output.unknown]))[0, feature])
        for split in splits:
            evaluated = np.append(value, other)
            missing = bool(lowered.missing_left[split])
            known = goes_left(np.nan_to_num(evaluated), np.full(len(evaluated), threshold[split]))
            answers = np.where(np.isnan(evaluated), missing, known)
            outcome, outside = answers[:-1], bool(answers[-1])
            if output.unknown is None and len(np.flatnonzero(np.diff(outcome))) <= 1:
                self._lower_limit(lowered, split, outcome, high)
                continue
            # The set holds what differs from the outcome of every value that is in no interval.
            chosen = outcome != outside
            edges = union(low[chosen], high[chosen])
            listed = [f"({a:g}, {b:g}]" for a, b in zip(edges[::2], edges[1::2], strict=True)]
            shown = " or ".join(listed[:4]) + (" ..." if len(listed) > 4 else "")
            lowered.feature[split] = self.member(
                output.column, edges, missing != outside, shown or "nothing"
            )
            lowered.cut[split] = 0.0
            lowered.missing_left[split] = False
            lowered.swapped[split] = outside

    def _lower_limit(
        self, lowered: Lowered, split: int, outcome: np.ndarray, high: np.ndarray
    ) -> None:
        """Lower a split whose answer changes at most once over the rising intervals."""
        first = bool(outcome[0])
        lowered.swapped[split] = not first
        lowered.missing_left[split] ^= not first
        lowered.cut[split] = high[np.flatnonzero(outcome == first)[-1]]
