"""Costs of integer nodes before any synthesis: counts that a synthesiser's result follows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields

__all__ = [
    "BLOCK_BITS",
    "Cost",
    "Links",
    "function_luts",
    "lookup_luts",
    "memory_blocks",
    "nonzero_digits",
    "signed_digits",
    "total",
]

BLOCK_BITS = 4096
"""Bits of a block RAM as every iCE40 has them, see `memory_blocks`."""
_BLOCK_SHAPES = ((256, 16), (512, 8), (1024, 4), (2048, 2))
"""Words and bits of a block RAM of 4 kbit (Lattice TN1250)."""
_IN_GATES = 1 << 9
"""Bits of a memory of constants that becomes gates."""


@dataclass(frozen=True)
class Cost:
    """Counts of what a node is made of; `plan.estimate` knows the logic cells of each.

    Members
    -------
    tree : multiplexers of decision diagrams
    function : functions of the beat number at the leaves of a tree
    table : LUT4 of what is looked up, and bits of features caught for it
    product : adder bits of what is computed
    adder : result bits of adders between terms
    sum : bits of accumulators
    weight : LUT4 of weights and stored codes, functions of the feature that passes
    digit : bits of scores and evidence that a digit is chosen from
    multiplier : bits of the partial products of multipliers in turn
    pipeline : bits of sums, tables' inputs, scores and counters of nodes that compute in turn
    shared : counts that all nodes with the same entry have once
    """

    tree: float = 0
    function: float = 0
    table: float = 0
    product: float = 0
    adder: float = 0
    sum: float = 0
    weight: float = 0
    digit: float = 0
    multiplier: float = 0
    pipeline: float = 0
    shared: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: "Cost") -> "Cost":
        """Return both together."""
        return total((self, other))

    def counts(self, *names: str) -> dict[str, float]:
        """Return the counts with these `names`, what is shared included."""
        return {name: getattr(self, name) + self.shared.get(name, 0) for name in names}

    @property
    def luts(self) -> float:
        """LUT4 of a node where all works at once."""
        return self.tree + self.table + self.product


COUNTS = tuple(member.name for member in fields(Cost) if member.name != "shared")


@dataclass(frozen=True)
class Links:
    """The links of a tree fabric, as a node at a site sees them.

    Members
    -------
    down_width, up_width : bits of a link in either direction
    digits : beats of a score on its way up
    beats : beats of each feature on its way down, features without any left out
    down_beats : beats of all features
    """

    down_width: int
    up_width: int
    digits: int
    beats: Mapping[int, int]
    down_beats: int

    @property
    def number_bits(self) -> int:
        """Width of the number of the feature that passes."""
        return max(len(self.beats) - 1, 1).bit_length()

    @property
    def weight_luts(self) -> float:
        """LUT4 of a bit that is another for each feature that passes."""
        return function_luts(self.number_bits) * len(self.beats) / (1 << self.number_bits)

    @property
    def serial(self) -> bool:
        """Whether some feature takes several beats."""
        return any(count > 1 for count in self.beats.values())


def function_luts(inputs: int) -> float:
    """Return the LUT4 of one function of so many bits that has no structure."""
    return 1.0 if inputs <= 4 else 1.5 * 2 ** (inputs - 4)


def lookup_luts(rows: Sequence[Sequence[int]], bits: int) -> float:
    """Return the LUT4 of a table of `rows` of scores by a code of `bits` bits.

    Scores count from the lowest of their column; equal functions of the code are made once.
    """
    functions = set()
    for column in zip(*rows, strict=True):
        low = min(column)
        for bit in range((max(column) - low).bit_length()):
            functions.add(tuple((score - low) >> bit & 1 for score in column))
    return len(functions) * function_luts(bits)


def signed_digits(number: int) -> tuple[tuple[int, int], ...]:
    """Return (shift, sign) of the fewest powers of two that add up to `number`: Booth's recoding.

    A constant product needs an adder for each but the first.
    """
    digits, shift = [], 0
    while number:
        if number & 1:
            sign = 2 - (number & 3)
            digits.append((shift, sign))
            number -= sign
        number >>= 1
        shift += 1
    return tuple(digits)


def nonzero_digits(number: int) -> int:
    """Return how many `signed_digits` a number has."""
    triple = 3 * abs(number)
    return (triple ^ abs(number)).bit_count()


def memory_blocks(memories: Mapping[str, tuple[int, int]]) -> int:
    """Return about how many block RAMs of 4 kbit `memories` take; small constants take none.

    Parameters
    ----------
    memories : words and bits of each; `values` is written as well
    """
    return sum(
        min(-(-words // depth) * -(-bits // width) for depth, width in _BLOCK_SHAPES)
        for name, (words, bits) in memories.items()
        if name == "values" or words * bits > _IN_GATES
    )


def total(costs: Iterable[Cost]) -> Cost:
    """Return all `costs` together."""
    each = list(costs)
    shared = {name: count for cost in each for name, count in cost.shared.items()}
    counts = {name: sum(getattr(cost, name) for cost in each) for name in COUNTS}
    return Cost(**counts, shared=shared)
