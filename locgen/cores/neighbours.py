"""Neighbours cores: the nearest of stored rows, all at once, and one after the other."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In

from locgen.cores.capture import send_digits, summed_evidence
from locgen.cores.linear import add_up, count_features
from locgen.cores.nodecore import NodeCore, NodeStream, signed_shape

__all__ = ["NeighboursCore", "NeighboursStream"]


def _size(m: Module, code: Value, stored: Value | int, metric: str, bits: int, name: str) -> Value:
    """Return the size of a difference of codes of `bits` bits, squared for l2."""
    size = Signal(bits, name=name)
    m.d.comb += size.eq(Mux(code < stored, stored - code, code - stored))
    return size * size if metric == "l2" else size


class NeighboursCore(NodeCore):
    """All distances in gates, and a list of the nearest that every stored row goes through.

    Latency 0 (combinational), one inference per cycle; for a few stored rows.

    Parameters
    ----------
    node : the stored rows; ``scores == node.evaluate(q)``

    Members
    -------
    features : In(sum(node.feature_bits)), packed in the node's order
    scores : Out(ArrayLayout(shape, len(node.outputs))) of the narrowest shape for all outputs
    """

    def elaborate(self, platform: object) -> Module:
        """Build the distances, the list and the sums of votes."""
        m = Module()
        node = self.node
        wide = node.distance_bits + 1  # what no row is yet lies beyond all distances
        number = range(max(len(node.stored), 2))
        if node.radius is not None:
            self._within(m)
            return m
        nearest: list[tuple[Value, Value]] = [(Const((1 << wide) - 1, wide), Const(0, number))]
        nearest *= node.nearest
        for place, row in enumerate(node.stored):
            distance = self._distance(m, row, f"row_{place}")
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
        for column, bias in enumerate(node.bias):
            votes = [row[column] for row in node.votes]
            low, high = min(votes), max(votes)
            parts = [(Const(bias, signed_shape(bias, bias)), bias, bias)]
            for slot, (_, who) in enumerate(nearest):
                vote = Signal(signed_shape(low, high), name=f"vote_{column}_{slot}")
                with m.Switch(who):
                    for place, value in enumerate(votes):
                        if value:
                            with m.Case(place):
                                m.d.comb += vote.eq(value)
                parts.append((vote, low, high))
            m.d.comb += self.scores[column].eq(add_up(m, parts, f"sum_{column}")[0])
        return m

    def _within(self, m: Module) -> None:
        """Add up the votes of the rows inside the radius."""
        node = self.node
        within = []
        for place, row in enumerate(node.stored):
            flag = Signal(name=f"within_{place}")
            m.d.comb += flag.eq(self._distance(m, row, f"row_{place}") <= node.radius)
            within.append(flag)
        for column, bias in enumerate(node.bias):
            parts: list[tuple[Value, int, int]] = [
                (Const(bias, signed_shape(bias, bias)), bias, bias)
            ]
            for flag, row in zip(within, node.votes, strict=True):
                ends = min(row[column], 0), max(row[column], 0)
                vote = Mux(flag, Const(row[column], signed_shape(*ends)), 0)
                parts += [(vote, *ends)] if row[column] else []
            m.d.comb += self.scores[column].eq(add_up(m, parts, f"sum_{column}")[0])

    def _distance(self, m: Module, row: tuple[int, ...], name: str) -> Value:
        node, start, parts = self.node, 0, []
        for place, (bits, stored) in enumerate(zip(node.feature_bits, row, strict=True)):
            code = self.features[start : start + bits]
            start += bits
            size = _size(m, code, stored, node.metric, bits, f"{name}_size_{place}")
            most = ((1 << bits) - 1) ** (2 if node.metric == "l2" else 1)
            parts.append((size, 0, most))
        distance = Signal(node.distance_bits + 1, name=f"{name}_distance")
        if node.metric == "linf":
            largest: Value = Const(0)
            for size, _, _ in parts:
                largest = Mux(size > largest, size, largest)
            m.d.comb += distance.eq(largest)
        else:
            m.d.comb += distance.eq(add_up(m, parts, f"{name}_sum")[0])
        return distance


class NeighboursStream(NodeStream):
    """Stored rows in memory, compared code by code, and a sorted list of the nearest so far.

    The features that pass are kept. In each cycle of the compute phase one code enters a pipeline:
    memories; difference; size; distance; list. The list compares a whole distance with all that it
    keeps at once and takes it in front of the first that is larger, so that of equals the first
    stays first. Then the nearest give their votes, one in each cycle. With a radius there is no
    list: a row inside gives its votes as soon as its distance is whole. ``node.compute_cycles``
    cycles after the last feature the scores stand, until the next compute phase. Latency 0 from a
    beat of the up phase to its digit.

    Parameters
    ----------
    node : the stored rows; schedule : when features pass and scores leave
    from_zero : send the scores, none below 0, as they are; else counted from the lowest
    evidence : first beat in which all scores leave once more, counted from the lowest, None to send
        none

    Members
    -------
    compute : In(1), the compute phase; and those of `LinkSchedule.ports`
    """

    def ports(self) -> dict[str, wiring.Member]:
        """Return the link's ports, and the compute phase."""
        return {**super().ports(), "compute": In(1)}

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
            step.valid.eq(self.compute & ~done),
            step.first.eq(place == 0),
            step.last.eq(place == width - 1),
            step.row.eq(row),
        ]
        with m.If(step.valid):
            m.d.sync += [place.eq(place + 1), address.eq(address + 1)]
            with m.If(step.last):
                m.d.sync += [place.eq(0), row.eq(row + 1), done.eq(row == rows - 1)]
        with m.If(self.down):
            m.d.sync += [place.eq(0), row.eq(0), address.eq(0), done.eq(0)]

        m.submodules.values = values = Memory(shape=bits, depth=max(width, 2), init=[])
        fetch = values.read_port()
        m.d.comb += fetch.addr.eq(place)
        words = [code for stored in node.stored for code in stored]
        m.submodules.stored = memory = Memory(shape=bits, depth=max(len(words), 2), init=words)
        stored = memory.read_port()
        m.d.comb += stored.addr.eq(address)
        self._capture(m, values.write_port())

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
        self._send(m, self._votes(m, *nearest(m, summed, distance)))
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
            with m.If(self.down):
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
            for vote, low, field in zip(row, lowest, fields, strict=True):
                word |= (vote - low) << start
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
            with m.If(self.down):
                m.d.sync += total.eq(begin)
            with m.Elif(counted):
                m.d.sync += total.eq(total + vote)
            sums.append(total)
        return sums

    def _capture(self, m: Module, write: object) -> None:
        """Write each of the node's features as it has passed."""
        node, schedule = self.node, self.schedule
        counter = count_features(m, self, schedule)
        width = schedule.down_width
        most = max(schedule.beats_of(feature)[1] for feature in schedule.travelling)
        code: Value = self.data
        if most > 1:
            kept = Signal((most - 1) * width, name="passing")
            beat = Signal(range(most), name="beat")
            whole = Signal(most * width, name="whole")
            m.d.comb += whole.eq(Mux(counter.first, 0, kept))
            with m.Switch(Mux(counter.first, 0, beat)):
                for position in range(most):
                    with m.Case(position):
                        m.d.comb += whole.word_select(position, width).eq(self.data)
            with m.If(self.down):
                m.d.sync += [kept.eq(whole), beat.eq(Mux(counter.first, 1, beat + 1))]
            code = whole
        with m.Switch(counter.number):
            for number, feature in enumerate(schedule.travelling):
                if feature in node.features:
                    with m.Case(number):
                        m.d.comb += [
                            write.en.eq(counter.last),
                            write.addr.eq(node.features.index(feature)),
                            write.data.eq(code),
                        ]

    def _send(self, m: Module, sums: list[Signal]) -> None:
        """Send the scores."""
        node = self.node
        sent = [
            (total + (low - counted_from))[: max((high - counted_from).bit_length(), 1)]
            for total, (low, high), counted_from in zip(sums, node.ranges, self.lows, strict=True)
        ]
        evidence = summed_evidence(node, sent, self.lows, self.evidence)
        send_digits(m, self, dict(zip(node.outputs, sent, strict=True)), self.schedule, evidence)
