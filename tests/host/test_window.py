"""Many requests under way: every answer to its row, whatever the line does, and no time wasted."""

import random
from dataclasses import replace

import numpy as np
import pytest
from linkkit import Device
from test_board import PLAIN, WIDTHS, Line, right, rows

from locgen.errors import BoardError
from locgen.host.board import Board
from locgen.host.frames import Frame, encode_frame
from locgen.host.window import Pace, pace_of
from locgen.top.protocol import LinkParams, MessageType

CLOCK, BAUD = 12_000_000, 1_000_000


def board(line, window=16, **options):
    return Board(line, pace=lambda params, evidence: Pace(window, 1, 0.3), **options)


@pytest.mark.parametrize("window", [1, 2, 3, 16, 64])
@pytest.mark.parametrize("faults", [0, 30, 200])
def test_every_answer_belongs_to_its_row(window, faults):
    q = rows(np.random.default_rng(faults), 900)  # sequence numbers come round three times
    line = Line(Device(PLAIN), faults, seed=window)
    told = []
    got = board(line, window, attempts=12).predict(
        q, WIDTHS, PLAIN.digest, lambda done, total: told.append((done, total))
    )
    assert right(got, q, PLAIN)
    assert told[-1] == (900, 900)
    assert told == sorted(told)


class Lossy(Line):
    """A line that keeps the order and loses one frame of fifty, in both directions."""

    def faulty(self, piece, late):
        return [] if self.random.randrange(50) == 0 else [piece]


def test_a_lost_frame_is_noticed_by_the_answer_after_it():
    q = rows(np.random.default_rng(1), 2000)
    line = Lossy(Device(PLAIN))
    assert right(board(line, 32).predict(q, WIDTHS), q, PLAIN)
    # About 80 frames were lost; to wait for each would have taken 24 seconds.
    assert line.time < 6
    one = Lossy(Device(PLAIN))
    assert right(board(one, 1).predict(q, WIDTHS), q, PLAIN)
    assert one.time > 20


def test_a_device_that_falls_silent():
    q = rows(np.random.default_rng(1), 200)
    line = Line(Device(PLAIN))

    def stop(done, total):
        line.dead = done > 100

    with pytest.raises(BoardError, match="does not answer after 3 tries"):
        board(line, 8, attempts=3).predict(q, WIDTHS, progress=stop)


@pytest.mark.parametrize("when", [100, 200])
def test_another_device_behind_the_same_port_is_noticed(when):
    """At the latest by the hello after the last row."""
    q = rows(np.random.default_rng(1), 200)
    line = Line(Device(PLAIN))

    def swap(done, total):
        if done >= when:
            line.device = Device(replace(PLAIN, digest=77))

    with pytest.raises(BoardError, match=r"model 0{14}4d now, not fedcba9876543210 as before"):
        board(line, 8).predict(q, WIDTHS, progress=swap)


def test_windows_are_below_half_of_the_sequence_numbers():
    with pytest.raises(ValueError, match="window must be from 1 to 64, not 65"):
        Pace(65, 0, 1.0)


class Clocked:
    """The device's timing on paper: which requests does it lose that come at a pace."""

    def __init__(self, params: LinkParams, cycles: int, evidence: bool):
        self.params, self.cycles, self.evidence = params, cycles, evidence

    def overruns(self, pace: Pace, count: int = 200) -> int:
        """Return the requests of which a byte comes while the device is busy."""
        params, source = self.params, random.Random(1)
        byte = 10 * CLOCK / BAUD
        extra = params.evidence_bytes if self.evidence else 0
        size = params.response_bytes + extra
        now, free, sent, lost = 0.0, 0.0, 0.0, 0
        for _ in range(count):
            frame = Frame(MessageType.PREDICT, 7, source.randbytes(params.feature_bytes))
            line = encode_frame(frame)
            lost += now < free
            now += len(line) * byte
            # Busy until the first byte of the answer is out, which waits for the answer before it.
            free = max(now + self.cycles + 9 * (6 + size) + 20, sent)
            answer = encode_frame(Frame(0x82, 7, bytes(source.randbytes(size))))
            sent = free + len(answer) * byte
            now += pace.gap_bytes * byte
        return lost


@pytest.mark.parametrize("cycles", [2, 100, 5000])
@pytest.mark.parametrize("outputs", [1, 10, 200])
@pytest.mark.parametrize("evidence", [False, True])
def test_the_gap_is_long_enough(cycles, outputs, evidence):
    params = LinkParams(103, 4, 12, outputs, 1, 3 if evidence else 1, evidence_bits=300 * evidence)
    pace = pace_of(params, cycles, CLOCK, BAUD, evidence=evidence)
    assert Clocked(params, cycles, evidence).overruns(pace) == 0
    if cycles > 100:
        assert Clocked(params, cycles, evidence).overruns(replace(pace, gap_bytes=1)) > 0
