"""Neighbours: the nearest of stored rows, all at once, and one after the other."""

from amaranth import *
from amaranth.lib import data
from amaranth.lib.memory import Memory

from locgen.cores.arithmetic import (
    Term,
    absolute_difference,
    add_up,
    constant_term,
    largest,
    signed_shape,
)
from locgen.cores.parallel import NodeCore
from locgen.cores.serial import NodeStream, store_features
from locgen.ir import NeighboursNode

__all__ = ["NeighboursCore", "NeighboursStream"]


def _size(m: Module, code: Value, stored: Value | int, metric: str, bits: int, name: str) -> Value:
    """Return the size of a difference of codes of `bits` bits, squared for l2."""
    size = absolute_difference(m, code, stored, bits, name)
    return size * size if metric == "l2" else size


class NeighboursCore(NodeCore[NeighboursNode]):
    """All distances in gates, and a list of the nearest that every stored row goes through.

    For a few stored rows; see `NodeCore`.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the distances, the list and the sums of votes."""
        m = Module()
        node = self.node
        votes = self._nearest_votes if node.radius is None else self._votes_within
        summands = votes(m, [self._distance(m, n, row) for n, row in enumerate(node.stored)])
        for column, (bias, terms) in enumerate(zip(node.bias, summands, strict=True)):
            total, _, _ = add_up(m, [constant_term(bias), *terms], f"sum_{column}")
            m.d.comb += self.scores[column].eq(total)
        return m

    def _nearest_votes(self, m: Module, distances: list[Value]) -> list[list[Term]]:
        """Return the votes of the nearest rows, for each output."""
        node = self.node
        wide = node.distance_bits + 1  # what no row is yet lies beyond all distances
        number = range(max(len(node.stored), 2))
        nearest: list[tuple[Value, Value]] = [(Const((1 << wide) - 1, wide), Const(0, number))]
        nearest *= node.nearest
        for place, distance in enumerate(distances):
            before = [distance < kept for kept, _ in nearest]
            moved: list[tuple[Value, Value]] = []
            for slot, (kept, kept_place) in enumerate(nearest):
                above, above_place = nearest[slot - 1] if slot else (distance, Const(place, number))
                is_new = before[slot] & (~before[slot - 1] if slot else 1)
                best = Signal(wide, name=f"distance_{place}_{slot}")
                who = Signal(number, name=f"place_{place}_{slot}")
                m.d.comb += [
                    best.eq(Mux(is_new, distance, Mux(before[slot], above, kept))),
                    who.eq(Mux(is_new, place, Mux(before[slot], above_place, kept_place))),
                ]
                moved.append((best, who))
            nearest = moved
        summands: list[list[Term]] = []
        for column, votes in enumerate(zip(*node.votes, strict=True)):
            low, high = min(votes), max(votes)
            terms: list[Term] = []
            for slot, (_, who) in enumerate(nearest):
                vote = Signal(signed_shape(low, high), name=f"vote_{column}_{slot}")
                with m.Switch(who):
                    for place, value in enumerate(votes):
                        if value:
                            with m.Case(place):
                                m.d.comb += vote.eq(value)
                terms.append((vote, low, high))
            summands.append(terms)
        return summands

    def _votes_within(self, m: Module, distances: list[Value]) -> list[list[Term]]:
        """Return the votes of the rows inside the radius, for each output."""
        within = [Signal(name=f"within_{place}") for place in range(len(distances))]
        m.d.comb += [
            flag.eq(distance <= self.node.radius)
            for flag, distance in zip(within, distances, strict=True)
        ]
        summands: list[list[Term]] = []
        for votes in zip(*self.node.votes, strict=True):
            terms: list[Term] = []
            for flag, vote in zip(within, votes, strict=True):
                if vote:
                    ends = min(vote, 0), max(vote, 0)
                    terms.append((Mux(flag, Const(vote, signed_shape(*ends)), 0), *ends))
            summands.append(terms)
        return summands

    def _distance(self, m: Module, number: int, row: tuple[int, ...]) -> Value:
        """Return the distance to a stored row."""
        node, name = self.node, f"row_{number}"
        terms: list[Term] = []
        for place, (code, stored) in enumerate(zip(self.codes, row, strict=True)):
            bits = len(code)
            size = _size(m, code, stored, node.metric, bits, f"{name}_size_{place}")
            terms.append((size, 0, ((1 << bits) - 1) ** (2 if node.metric == "l2" else 1)))
        distance = Signal(node.distance_bits + 1, name=f"{name}_distance")
        linf = node.metric == "linf"
        far = largest(t for t, *_ in terms) if linf else add_up(m, terms, f"{name}_sum")[0]
        m.d.comb += distance.eq(far)
        return distance


class NeighboursStream(NodeStream[NeighboursNode]):
    """Stored rows in memory, compared code by code, and a sorted list of the nearest so far.

    The features that pass are kept. In each cycle of the compute phase one code enters a pipeline:
    memories; difference; size; distance; list. The list compares a whole distance with all that it
    keeps at once and takes it in front of the first that is larger, so that of equals the first
    stays first. Then the nearest give their votes, one in each cycle. With a radius there is no
    list: a row inside gives its votes as soon as its distance is whole. ``node.compute_cycles``
    cycles after the last feature the scores stand, until the next compute phase. See
    `NodeStream`.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the memories, the order of steps, the list, the votes and the digits."""
        m = Module()
        node = self.node
        rows, width, bits = len(node.stored), len(node.features), max(node.feature_bits)
        place = Signal(range(max(width, 2)), name="place")
        row = Signal(range(max(rows, 2)), name="row")
        address = Signal(range(max(rows * width, 2)), name="address")
        done = Signal(name="done")
        step = Signal(data.StructLayout({"valid": 1, "first": 1, "last": 1, "row": row.shape()}))
        read, operand, sized, summed = (
            Signal(step.shape(), name=name) for name in ("read", "operand", "sized", "summed")
        )
        m.d.sync += [read.eq(step), operand.eq(read), sized.eq(operand), summed.eq(sized)]
        m.d.comb += [
            step.valid.eq(self.link.compute & ~done),
            step.first.eq(place == 0),
            step.last.eq(place == width - 1),
            step.row.eq(row),
        ]
        with m.If(step.valid):
            m.d.sync += [place.eq(place + 1), address.eq(address + 1)]
            with m.If(step.last):
                m.d.sync += [place.eq(0), row.eq(row + 1), done.eq(row == rows - 1)]
        with m.If(self.link.down):
            m.d.sync += [place.eq(0), row.eq(0), address.eq(0), done.eq(0)]

        m.submodules.values = values = Memory(shape=bits, depth=max(width, 2), init=[])
        fetch = values.read_port()
        m.d.comb += fetch.addr.eq(place)
        words = [code for stored in node.stored for code in stored]
        m.submodules.stored = memory = Memory(shape=bits, depth=max(len(words), 2), init=words)
        stored = memory.read_port()
        m.d.comb += stored.addr.eq(address)
        store_features(m, self, values.write_port())

        code, other = Signal(bits, name="code"), Signal(bits, name="other")
        size = Signal(2 * bits, name="size")
        distance = Signal(node.distance_bits + 1, name="distance")
        so_far = Mux(sized.first, 0, distance)
        m.d.sync += [
            code.eq(fetch.data),
            other.eq(stored.data),
            size.eq(_size(m, code, other, node.metric, bits, "difference")),
        ]
        with m.If(sized.valid):
            if node.metric == "linf":
                m.d.sync += distance.eq(Mux(size > so_far, size, so_far))
            else:
                m.d.sync += distance.eq(so_far + size)
        nearest = self._inside if self.node.radius is not None else self._nearest
        self.send(m, self.recounted(self._votes(m, *nearest(m, summed, distance)), least=1))
        return m

    def _inside(self, m: Module, summed: Signal, distance: Signal) -> tuple[Value, Value]:
        """Return whether a row votes, and which: the one whose distance is whole."""
        return summed.valid & summed.last & (distance <= self.node.radius), summed.row

    def _nearest(self, m: Module, summed: Signal, distance: Signal) -> tuple[Value, Value]:
        """Keep the nearest; return whether a row votes, and which."""
        node = self.node
        empty = (1 << len(distance)) - 1
        kept = [Signal(len(distance), name=f"kept_{n}") for n in range(node.nearest)]
        places = [Signal(summed.row.shape(), name=f"place_{n}") for n in range(node.nearest)]
        nearer = [Signal(name=f"nearer_{n}") for n in range(node.nearest)]
        m.d.comb += [flag.eq(distance < best) for flag, best in zip(nearer, kept, strict=True)]
        whole = summed.valid & summed.last
        last_row = Signal(name="last_row")
        m.d.sync += last_row.eq(whole & (summed.row == len(node.stored) - 1))
        voting = Signal(range(node.nearest + 1), name="voting")
        is_voting = voting != 0
        for slot in range(node.nearest):
            with m.If(whole & nearer[slot]):
                if slot:
                    m.d.sync += [
                        kept[slot].eq(Mux(nearer[slot - 1], kept[slot - 1], distance)),
                        places[slot].eq(Mux(nearer[slot - 1], places[slot - 1], summed.row)),
                    ]
                else:
                    m.d.sync += [kept[0].eq(distance), places[0].eq(summed.row)]
            if slot + 1 < node.nearest:
                with m.If(is_voting):  # the list moves on: its first row votes
                    m.d.sync += places[slot].eq(places[slot + 1])
            with m.If(self.link.down):
                m.d.sync += kept[slot].eq(empty)
        with m.If(last_row):
            m.d.sync += voting.eq(node.nearest)
        with m.Elif(is_voting):
            m.d.sync += voting.eq(voting - 1)
        return is_voting, places[0]

    def _votes(self, m: Module, voting: Value, place: Value) -> list[Signal]:
        """Return the sums of the rows' votes, each counted from its lowest."""
        node = self.node
        votes = list(zip(*node.votes, strict=True))
        lowest = [min(column) for column in votes]
        fields = [(max(column) - min(column)).bit_length() for column in votes]
        words = []
        for row in node.votes:
            word = start = 0
            for given, low, field in zip(row, lowest, fields, strict=True):
                word |= (given - low) << start
                start += field
            words.append(word)
        memory = Memory(shape=max(sum(fields), 1), depth=max(len(words), 2), init=words)
        m.submodules.votes = memory
        port = memory.read_port()
        m.d.comb += port.addr.eq(place)
        counted = Signal(name="counted")
        m.d.sync += counted.eq(voting)
        sums, start = [], 0
        for number, ((low, high), field, least, bias) in enumerate(
            zip(node.ranges, fields, lowest, node.bias, strict=True)
        ):
            # From its lowest: never below 0, since the nearest are `nearest` different rows.
            total = Signal(max((high - low).bit_length(), 1) + 1, name=f"sum_{number}")
            begin = bias + node.nearest * least - low
            vote: Value = port.data[start : start + field]
            if node.radius is not None:  # any number of rows: a vote counts from 0
                begin, vote = bias - low, vote + least
            start += field
            with m.If(self.link.down):
                m.d.sync += total.eq(begin)
            with m.Elif(counted):
                m.d.sync += total.eq(total + vote)
            sums.append(total)
        return sums
