"""What an engine holds: the words of its memory, and how many cycles it needs for them.

docs/engines.md describes the layout; `cores.engine` reads what `tree_image` writes.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from locgen.errors import DoesNotFit
from locgen.ir import TreeNode

__all__ = [
    "HEADER_WORDS",
    "SMALLEST_IMAGE",
    "WORD_BITS",
    "EngineShape",
    "deal_lanes",
    "lane_steps",
    "leaf_addresses",
    "tree_image",
]

WORD_BITS = 32
HEADER_WORDS = 4
"""Words of all sites, words of this site, the digest's lower and upper half."""
SMALLEST_IMAGE = HEADER_WORDS + 1
_LANES = 2


@dataclass(frozen=True)
class EngineShape:
    """What one engine is built for: any image within it can be loaded without synthesis.

    Members
    -------
    words : capacity of its memory; memory : what it is made of, ``block`` or ``spram``
    features : features that it can look at, in the order in which they travel
    code_bits : width of a feature's code, and of a threshold
    columns, leaf_bits : scores in a leaf (all outputs, or the one that its tree belongs to) and
        their width
    outputs, score_bits : accumulators and their width
    cycles : length of the compute phase
    """

    words: int
    memory: Literal["block", "spram"]
    features: int
    code_bits: int
    columns: int
    leaf_bits: int
    outputs: int
    score_bits: int
    cycles: int

    def __post_init__(self) -> None:
        """Check that a split and a score fit a word."""
        if self.columns not in (1, self.outputs):
            raise ValueError("columns must be 1 or all outputs")
        needed = max(self.split_bits, self.leaf_bits) + 1
        if needed > WORD_BITS or self.score_bits > WORD_BITS:
            raise DoesNotFit(
                f"an engine's word of {WORD_BITS} bits is too small for a split of "
                f"{self.split_bits} bits or a score of {max(self.score_bits, self.leaf_bits)}: use "
                "fewer features, --feature-bits, or --core hardwired"
            )

    @property
    def address_bits(self) -> int:
        """Width of an address inside the memory."""
        return (self.words - 1).bit_length()

    @property
    def feature_index_bits(self) -> int:
        """Width of a feature's number."""
        return max((self.features - 1).bit_length(), 1)

    @property
    def output_bits(self) -> int:
        """Width of an output's number."""
        return max((self.outputs - 1).bit_length(), 1)

    @property
    def split_bits(self) -> int:
        """Width of a split: threshold, feature, address of the right child."""
        return self.code_bits + self.feature_index_bits + self.address_bits

    @cached_property
    def leaf_fields(self) -> tuple[tuple[int, int], ...]:
        """For each column (word of the leaf, first bit in it); bit 31 of word 0 marks a leaf."""
        fields, word, bit = [], 0, 0
        for _ in range(self.columns):
            if bit + self.leaf_bits > WORD_BITS - (word == 0):
                word, bit = word + 1, 0
            fields.append((word, bit))
            bit += self.leaf_bits
        return tuple(fields)

    @property
    def leaf_words(self) -> int:
        """Words of a leaf."""
        return self.leaf_fields[-1][0] + 1

    @property
    def directory(self) -> int:
        """Address of the directory, behind the header and one initial value an output."""
        return HEADER_WORDS + self.outputs

    def size_of(self, node: TreeNode) -> int:
        """Return the words of a tree: its records, and its entry in the directory."""
        return 1 + len(node.feature) + len(node.leaf_scores) * self.leaf_words

    def words_of(self, nodes: Sequence[TreeNode]) -> int:
        """Return the words of an image that holds `nodes`."""
        spare = max(_LANES - len(nodes), 0) * (1 + self.leaf_words)
        return self.directory + sum(map(self.size_of, nodes)) + spare + 1

    def steps_of(self, node: TreeNode) -> int:
        """Return the words that the longest way through `node` reads."""
        return 1 + node.depth + self.leaf_words

    def cycles_of(self, nodes: Sequence[TreeNode]) -> int:
        """Return the cycles that the slowest row takes."""
        return max(_LANES * n + 1 + lane for lane, n in enumerate(lane_steps(self, nodes)))


def deal_lanes(shape: EngineShape, nodes: Sequence[TreeNode]) -> tuple[int, ...]:
    """Return the order of `nodes` in the directory: lanes take turns and get about equal work.

    By falling length, and of each pair the longer goes to the lane that has less so far.
    """
    longest_first = sorted(range(len(nodes)), key=lambda i: (-shape.steps_of(nodes[i]), i))
    order: list[int] = []
    load = [shape.outputs, 0]
    for at in range(0, len(longest_first), _LANES):
        pair = longest_first[at : at + _LANES]
        if len(pair) == _LANES and load[0] > load[1]:
            pair.reverse()
        for lane, number in enumerate(pair):
            load[lane] += shape.steps_of(nodes[number])
        order += pair
    return tuple(order)


def lane_steps(shape: EngineShape, nodes: Sequence[TreeNode]) -> tuple[int, int]:
    """Return the most words that each lane reads in an inference; lane 0 also the initial ones."""
    steps = [shape.outputs, 0]
    for position, number in enumerate(deal_lanes(shape, nodes)):
        steps[position % _LANES] += shape.steps_of(nodes[number])
    for lane in range(len(nodes), _LANES):
        steps[lane] += 1 + shape.leaf_words
    return steps[0], steps[1]


def tree_image(
    shape: EngineShape,
    nodes: Sequence[TreeNode],
    initial: Sequence[int],
    slot_of: Sequence[int],
    digest: int,
    total_words: int | None = None,
) -> tuple[int, ...]:
    """Return the words of the memory that makes an engine of `shape` compute `nodes`.

    Parameters
    ----------
    nodes : trees; scores count from the lowest of their output, so that leaves hold no sign
    initial : (outputs,) what the accumulators start from, not negative
    slot_of : (features of the model,) number of each feature in the engine
    digest : 64 bits, what `hello` answers
    total_words : words of all sites' images together, None for a single one

    Raises
    ------
    DoesNotFit
        If the memory or the compute phase is too small, or a number exceeds its field.
    """
    count = shape.words_of(nodes)
    if count > shape.words:
        raise DoesNotFit(
            f"{len(nodes)} trees need {count} words, the engine has {shape.words}: train fewer or "
            "smaller trees, or build anew"
        )
    cycles = shape.cycles_of(nodes)
    if cycles > shape.cycles:
        raise DoesNotFit(
            f"the model takes {cycles} cycles, the engine was built for {shape.cycles}: train "
            "fewer or shallower trees, or build anew"
        )
    words = [total_words or count, count, digest & 0xFFFFFFFF, digest >> 32]
    for value in initial:
        _check("an initial score", value, shape.score_bits)
        words.append(value)
    entries = [nodes[i] for i in deal_lanes(shape, nodes)]
    directory = len(words)
    address = directory + max(len(entries), _LANES)
    records: list[int] = []
    for position in range(max(len(entries), _LANES)):
        node = entries[position] if position < len(entries) else None
        output = node.outputs[0] if node is not None and shape.columns == 1 else 0
        last = position >= max(len(entries), _LANES) - _LANES
        words.append(address + len(records) | output << shape.address_bits | last << WORD_BITS - 1)
        if node is None:
            records += _leaf(shape, [0] * shape.columns)
        else:
            records += _tree(shape, node, address + len(records), slot_of)
    words += records
    body = b"".join(word.to_bytes(4, "little") for word in words)
    return (*words, zlib.crc32(body))


def _check(what: str, value: int, bits: int) -> None:
    if not 0 <= value < 1 << bits:
        raise DoesNotFit(
            f"{what} is {value}, the engine has {bits} bits for it: build anew, or train a model "
            "closer to the one it was built for"
        )


def _leaf(shape: EngineShape, scores: Sequence[int]) -> list[int]:
    words = [1 << WORD_BITS - 1] + [0] * (shape.leaf_words - 1)
    for (word, bit), score in zip(shape.leaf_fields, scores, strict=True):
        _check("a leaf's score", score, shape.leaf_bits)
        words[word] |= score << bit
    return words


def leaf_addresses(shape: EngineShape, nodes: Sequence[TreeNode]) -> tuple[tuple[int, ...], ...]:
    """Return for each node the address of each of its leaves in `tree_image`."""
    found: list[tuple[int, ...]] = [()] * len(nodes)
    address = shape.directory + max(len(nodes), _LANES)
    for number in deal_lanes(shape, nodes):
        places = [0] * len(nodes[number].leaf_scores)
        size = _walk(shape, nodes[number], address, places)
        found[number] = tuple(places)
        address += size
    return tuple(found)


def _walk(shape: EngineShape, node: TreeNode, address: int, places: list[int]) -> int:
    """Note where each leaf of a tree at `address` stands; return the tree's words."""
    offset, waiting = 0, [0 if node.feature else -1]
    while waiting:
        position = waiting.pop()
        if position < 0:
            places[~position] = address + offset
            offset += shape.leaf_words
            continue
        waiting += [node.right[position], node.left[position]]
        offset += 1
    return offset


def _tree(shape: EngineShape, node: TreeNode, address: int, slot_of: Sequence[int]) -> list[int]:
    """Return the records of a tree from `address` on: its root, all to the left, then the right."""
    words: list[int] = []
    waiting: list[tuple[int, int | None]] = [(0 if node.feature else -1, None)]
    while waiting:
        position, parent = waiting.pop()
        if parent is not None:
            right = address + len(words)
            words[parent] |= right << shape.code_bits + shape.feature_index_bits
        if position < 0:
            scores = [0] * shape.columns
            row = node.leaf_scores[~position]
            for column, score in enumerate(row):
                place = node.outputs[column] if shape.columns > 1 else 0
                scores[place] = score - node.ranges[column][0]
            words += _leaf(shape, scores)
            continue
        slot = slot_of[node.feature[position]]
        _check("a feature's number", slot, shape.feature_index_bits)
        _check("a threshold", node.threshold[position], shape.code_bits)
        waiting.append((node.right[position], len(words)))
        waiting.append((node.left[position], None))
        words.append(node.threshold[position] | slot << shape.code_bits)
    return words
