"""The part of an ONNX graph before its model, as a preprocessing step."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from locgen.frontends.onnx.values import Codes, Trace, damaged
from locgen.frontends.polynomial import Polynomial
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.step_outputs import Output, encoded_by, outside

__all__ = ["OnnxColumns"]


@dataclass(frozen=True)
class OnnxColumns:
    """The part of a graph before the tensor `tensor`, as a step.

    Members
    -------
    tensor : its name
    traces : of its columns
    run : raw rows (rows, columns) and a tensor's name to its rows
    sized : for a model that counts sizes: NaN is welcome only where it is replaced
    """

    tensor: str
    traces: tuple[Trace, ...]
    run: Callable[[np.ndarray, str], np.ndarray]
    sized: bool = False

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Return the tensor's rows for the raw rows `x`."""
        return self.run(x, self.tensor).reshape(len(x), -1)

    def after(self, before: Preprocessing) -> Preprocessing:
        """Return `before` with this step after it: one output a column."""
        neutral = before.neutral.copy()
        known: dict[Codes, tuple[np.ndarray, np.ndarray]] = {}
        found = []
        for trace in self.traces:
            welcome = trace.missing == "replaced" if self.sized else trace.missing != "refused"
            known_as = None
            if trace.affine is not None:
                known_as = Polynomial.of_column(trace.column).scaled(*trace.affine)
            output = Output(trace.column, known_as, untouched=False, imputed=welcome)
            codes = trace.codes
            if codes is not None:
                if codes not in known:
                    known[codes] = self._intervals(codes, trace.column, before)
                low, high = known[codes]
                if not codes.tolerant:
                    neutral[trace.column] = encoded_by(high)
                unknown = outside(low, high) if codes.tolerant else None
                output = replace(output, intervals=(low, high), unknown=unknown)
            found.append(output)
        return before.then(self, found, neutral)

    def _intervals(
        self, codes: Codes, column: int, before: Preprocessing
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the raw intervals in which an encoder finds each of its keys."""
        count = codes.position + 1
        source = replace(
            self, tensor=codes.tensor, traces=(Trace(column, untouched=False),) * count
        )
        keys = np.array(codes.keys)
        limits = np.concatenate([keys, keys])
        strict = np.arange(len(limits)) < len(keys)

        def below(x: np.ndarray, part: np.ndarray) -> np.ndarray:
            x = np.trunc(x) if codes.whole else x
            return np.where(strict[part], x < limits[part], x <= limits[part])

        ends = source.after(before).bisect(np.full(len(limits), codes.position), below)
        low, high = ends[: len(keys)], ends[len(keys) :]
        found = low < high
        if not found.any():
            raise damaged("an encoder knows no value that can occur")
        return low[found], high[found]
