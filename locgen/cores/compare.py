"""Comparisons with constants: in parallel, and in flight on a serial link."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from locgen.cores.features import feature_codes, feature_layout
from locgen.cores.serial import LinkSchedule
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


class _Bank(wiring.Component):
    """Comparisons of several features, from one bit for each distinct threshold.

    Members
    -------
    bits : Out(len(comparisons)), their results; and the `inputs`
    """

    def __init__(
        self,
        comparisons: tuple[Comparison, ...],
        missing_codes: tuple[int, ...],
        inputs: dict[str, wiring.Member],
    ) -> None:
        self.comparisons = comparisons
        self.missing_codes = missing_codes
        super().__init__({**inputs, "bits": Out(len(comparisons))})

    @property
    def results(self) -> dict[Comparison, Value]:
        """Result of each comparison."""
        return dict(zip(self.comparisons, self.bits, strict=True))

    def combine(self, m: Module) -> dict[tuple[int, int], Signal]:
        """Drive `bits`; return the signals to drive with ``feature <= threshold``, by these two.

        NaN's code is the highest of its feature, so that one more threshold finds it.
        """
        codes = self.missing_codes
        pairs = {(c.feature, c.threshold) for c in self.comparisons if c.threshold >= 0}
        pairs |= {(c.feature, codes[c.feature] - 1) for c in self.comparisons if c.missing_left}
        found = {
            (feature, threshold): Signal(name=f"feature_{feature}_at_most_{threshold}")
            for feature, threshold in sorted(pairs)
        }
        results: list[Value] = []
        for feature, threshold, missing_left in self.comparisons:
            result: Value = found[feature, threshold] if threshold >= 0 else Const(0)
            missing = ~found[feature, codes[feature] - 1] if missing_left else None
            results.append(result if missing is None else result | missing)
        m.d.comb += self.bits.eq(Cat(results))
        return found


class CompareBank(_Bank):
    """All comparisons of one place, in parallel.

    Latency 0 (combinational), one set of features per cycle.

    Parameters
    ----------
    comparisons : what to compute, in the order of the output's bits
    feature_bits : width of every feature of the model
    missing_codes : code of NaN of every feature, -1 for none

    Members
    -------
    features : In(feature_layout(feature_bits)); bits : Out(len(comparisons))
    """

    def __init__(
        self,
        comparisons: tuple[Comparison, ...],
        feature_bits: tuple[int, ...],
        missing_codes: tuple[int, ...],
    ) -> None:
        self.feature_bits = feature_bits
        features = {"features": In(feature_layout(feature_bits))}
        super().__init__(comparisons, missing_codes, features)

    def elaborate(self, platform: object) -> Module:
        """Build one gate chain a distinct threshold."""
        m = Module()
        zeros = []
        for feature, code in enumerate(feature_codes(self.features, self.feature_bits)):
            zeros.append(Signal(len(code), name=f"feature_{feature}_zeros"))
            m.d.comb += zeros[-1].eq(~code)
        for (feature, threshold), found in self.combine(m).items():
            m.d.comb += found.eq(zeros_at_most(zeros[feature], threshold))
        return m


class SerialCompareBank(_Bank):
    """Comparisons made in flight: one flip-flop each instead of the features themselves.

    Features pass as digits, least significant first, each feature in its own run of beats. A result
    is right from the cycle after the last beat until the next inference's first. Latency 1.

    Parameters
    ----------
    comparisons : what to compute, in the order of the output's bits
    schedule : when features pass
    missing_codes : code of NaN of every feature, -1 for none

    Members
    -------
    link : In(schedule.link); bits : Out(len(comparisons))
    """

    def __init__(
        self,
        comparisons: tuple[Comparison, ...],
        schedule: LinkSchedule,
        missing_codes: tuple[int, ...],
    ) -> None:
        self.schedule = schedule
        super().__init__(comparisons, missing_codes, {"link": In(schedule.link)})

    def elaborate(self, platform: object) -> Module:
        """Build one state bit a distinct threshold."""
        m = Module()
        link = self.link
        passing: dict[int, Signal] = {}
        for (feature, threshold), state in self.combine(m).items():
            if feature not in passing:
                start, beats = self.schedule.beats_of(feature)
                passing[feature] = beat = Signal(beats, name=f"feature_{feature}_beat")
                m.d.comb += [
                    beat[k].eq(link.down & (link.index == start + k)) for k in range(beats)
                ]
            self._compare(m, state, passing[feature], threshold)
        return m

    def _compare(self, m: Module, state: Signal, beat: Signal, threshold: int) -> None:
        """Fold the digits of one feature into `state`; before the first they are equal so far."""
        width = len(self.link.digit)
        steps = [
            at_most(self.link.digit, threshold >> k * width & (1 << width) - 1, state if k else 1)
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
