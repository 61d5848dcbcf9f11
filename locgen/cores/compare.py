"""Comparisons with constants: in parallel, and in flight on a serial link."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from locgen.ir import Comparison

__all__ = ["CompareBank", "SerialCompareBank", "at_most"]


def at_most(value: Value, threshold: int, carry: Value | int = 1) -> Value:
    """Return ``value < threshold or (value == threshold and carry)`` as gates, no carry chain.

    See `zeros_at_most`, which takes what thresholds of one value share.
    """
    return zeros_at_most(~value, threshold, carry)


def zeros_at_most(zeros: Value, threshold: int, carry: Value | int = 1) -> Value:
    """Return `at_most` of a value whose bits are 0 where those of `zeros` are 1.

    From the least significant bit up, a 1 in `threshold` lets a 0 pass at once, a 0 stops a 1: one
    two-input gate a bit, which Yosys packs into LUTs and shares between thresholds.
    """
    result: Value | None = None if isinstance(carry, int) else carry  # None: whatever came before
    for position in range(len(zeros)):
        if not threshold >> position & 1:
            result = zeros[position] if result is None else zeros[position] & result
        elif result is not None:
            result = zeros[position] | result
    return Const(1) if result is None else result


def _bases(comparisons: tuple[Comparison, ...], codes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the (feature, threshold) pairs to compute, those that find NaN's code included."""
    pairs = {(c.feature, c.threshold) for c in comparisons if c.threshold >= 0}
    pairs |= {(c.feature, codes[c.feature] - 1) for c in comparisons if c.missing_left}
    return sorted(pairs)


def _combine(
    comparison: Comparison, found: dict[tuple[int, int], Value], codes: tuple[int, ...]
) -> Value:
    """Return the comparison from its base results: NaN's code is the highest of its feature."""
    feature, threshold, missing_left = comparison
    result = found[feature, threshold] if threshold >= 0 else Const(0)
    if missing_left:
        result = result | ~found[feature, codes[feature] - 1]
    return result


class CompareBank(wiring.Component):
    """All comparisons of one place, in parallel.

    Latency 0 (combinational), one set of features per cycle.

    Parameters
    ----------
    comparisons : what to compute, in the order of the output's bits
    feature_bits : width of every feature of the model
    missing_codes : code of NaN of every feature, -1 for none

    Members
    -------
    features : In(sum of feature_bits), packed from the least significant bit in feature order
    bits : Out(len(comparisons))
    """

    def __init__(
        self,
        comparisons: tuple[Comparison, ...],
        feature_bits: tuple[int, ...],
        missing_codes: tuple[int, ...],
    ) -> None:
        self.comparisons = comparisons
        self.feature_bits = feature_bits
        self.missing_codes = missing_codes
        super().__init__({"features": In(max(sum(feature_bits), 1)), "bits": Out(len(comparisons))})

    def elaborate(self, platform: object) -> Module:
        """Build one gate chain a distinct threshold."""
        m = Module()
        start, zeros = 0, []
        for feature, bits in enumerate(self.feature_bits):
            zeros.append(Signal(bits, name=f"feature_{feature}_zeros"))
            m.d.comb += zeros[-1].eq(~self.features[start : start + bits])
            start += bits
        found = {}
        for feature, threshold in _bases(self.comparisons, self.missing_codes):
            found[feature, threshold] = signal = Signal(
                name=f"feature_{feature}_at_most_{threshold}"
            )
            m.d.comb += signal.eq(zeros_at_most(zeros[feature], threshold))
        results = [_combine(c, found, self.missing_codes) for c in self.comparisons]
        m.d.comb += self.bits.eq(Cat(results))
        return m


class SerialCompareBank(wiring.Component):
    """Comparisons made in flight: one flip-flop each instead of the features themselves.

    Features pass as digits, least significant first, each feature in its own run of beats. A result
    is right from the cycle after the last beat until the next inference's first. Latency 1.

    Parameters
    ----------
    comparisons : what to compute, in the order of the output's bits
    starts : for each feature (first beat, number of beats), or None if it never travels
    missing_codes : code of NaN of every feature, -1 for none
    width, index_bits : bits of a digit and of the beat number

    Members
    -------
    data : In(width); index : In(index_bits), the beat on `data`; down : In(1), a beat is there
    bits : Out(len(comparisons))
    """

    def __init__(
        self,
        comparisons: tuple[Comparison, ...],
        starts: tuple[tuple[int, int] | None, ...],
        missing_codes: tuple[int, ...],
        width: int,
        index_bits: int,
    ) -> None:
        self.comparisons = comparisons
        self.starts = starts
        self.missing_codes = missing_codes
        super().__init__(
            {
                "data": In(width),
                "index": In(index_bits),
                "down": In(1),
                "bits": Out(len(comparisons)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build one state bit a distinct threshold."""
        m = Module()
        found, passing = {}, {}
        for feature, threshold in _bases(self.comparisons, self.missing_codes):
            start, beats = self.starts[feature]
            if feature not in passing:
                passing[feature] = beat = Signal(beats, name=f"feature_{feature}_beat")
                m.d.comb += [
                    beat[k].eq(self.down & (self.index == start + k)) for k in range(beats)
                ]
            found[feature, threshold] = state = Signal(
                name=f"feature_{feature}_at_most_{threshold}"
            )
            self._compare(m, state, passing[feature], threshold)
        results = [_combine(c, found, self.missing_codes) for c in self.comparisons]
        m.d.comb += self.bits.eq(Cat(results))
        return m

    def _compare(self, m: Module, state: Signal, beat: Signal, threshold: int) -> None:
        """Fold the digits of one feature into `state`; before the first they are equal so far."""
        width = len(self.data)
        steps = [
            at_most(self.data, threshold >> k * width & (1 << width) - 1, state if k else 1)
            for k in range(len(beat))
        ]
        if width > 1:
            for k, step in enumerate(steps):
                with m.If(beat[k]):
                    m.d.sync += state.eq(step)
            return
        # The state holds itself through gates rather than a clock enable: with one, the next state
        # would follow every bit that passes. On breast cancer's forest the whole core toggles half
        # as much for 10 % more cells.
        after = ~beat.any() & state
        for k, step in enumerate(steps):
            after = after | (beat[k] & step)
        m.d.sync += state.eq(after)
