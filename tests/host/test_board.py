"""The host's `Board` against a device in Python, on a line that is as bad as lines get."""

import random
import sys
import types
from dataclasses import replace

import numpy as np
import pytest
from linkkit import Device, expected_evidence, expected_result
from memorykit import (
    CAPACITY,
    MEMORY,
    MemoryDevice,
    digest_of,
    expected_with,
    make_image,
    random_image,
)

from locgen.errors import BoardError, ToolNotFound
from locgen.host.board import BURST, Board, split_image
from locgen.host.frames import Frame, encode_frame
from locgen.host.packing import payload_words
from locgen.host.transport import SerialTransport
from locgen.host.window import Pace
from locgen.top.protocol import ErrorCode, LinkParams, MessageType

WIDTHS = [5, 0, 8]
PLAIN = LinkParams(13, 2, 10, 3, 0xFEDCBA9876543210)


class Line:
    """A transport and the device at its end; time passes only while the host waits.

    `faults` of 1000 frames are dropped, damaged, repeated, delayed or overrun, in each direction.
    """

    def __init__(self, device, faults: int = 0, seed: int = 0):
        self.device = device
        self.faults = faults
        self.random = random.Random(seed)
        self.time = 0.0
        self.arriving = bytearray()
        self.coming: list[tuple[float, bytes]] = []
        self.late: list[bytes] = []
        self.dead = False
        self.served: list[int] = []

    def now(self) -> float:
        return self.time

    def write(self, data: bytes) -> None:
        self.arriving += data
        *pieces, rest = bytes(self.arriving).split(b"\0")
        self.arriving = bytearray(rest)
        for piece in pieces:
            if piece and not self.dead:
                late, self.late = self.late, []
                for each in [*self.faulty(piece, self.late), *late]:
                    self.serve(each)

    def faulty(self, piece: bytes, late: list[bytes]) -> list[bytes]:
        """Return what becomes of a frame; it may also be kept in `late` for a while."""
        if self.random.randrange(1000) >= self.faults:
            return [piece]
        kind = self.random.randrange(5)
        if kind == 0:
            return []
        if kind == 1:
            at = self.random.randrange(len(piece))
            return [piece[:at] + bytes([self.random.randrange(1, 256)]) + piece[at + 1 :]]
        if kind == 2:
            return [piece, piece]
        if kind == 3:
            late.append(piece)
            return []
        return [piece[: self.random.randrange(len(piece))]]

    def serve(self, piece: bytes) -> None:
        answer = self.device.answer(piece)
        if answer is None:
            return
        self.served.append(answer.type)
        if self.random.randrange(1000) < self.faults // 5:
            answer = Frame(MessageType.ERROR_RESPONSE, answer.sequence, bytes([ErrorCode.OVERRUN]))
        late: list[bytes] = []
        for each in self.faulty(encode_frame(answer)[:-1], late):
            self.coming.append((self.time + 0.001, each + b"\0"))
        for each in late:
            delay = self.random.choice([0.01, 0.2, 0.5])
            self.coming.append((self.time + delay, each + b"\0"))
        self.coming.sort(key=lambda item: item[0])

    def read(self, count: int, timeout_s: float) -> bytes:
        if not self.coming or self.coming[0][0] > self.time + timeout_s:
            self.time += timeout_s
            return b""
        at, data = self.coming.pop(0)
        self.time = max(self.time, at)
        if len(data) > count:
            self.coming.insert(0, (at, data[count:]))
        return data[:count]


def rows(source: np.random.Generator, count: int) -> np.ndarray:
    return source.integers(0, [2**w for w in WIDTHS], (count, len(WIDTHS)))


def expected(q, params, image=None):
    words = payload_words(q, WIDTHS)
    answers = [
        expected_result(word, params) if image is None else expected_with(image, word, params)
        for word in words
    ]
    return [a for a, _ in answers], [list(s) for _, s in answers]


def right(got, q, params, image=None) -> bool:
    decisions, scores = expected(q, params, image)
    return got[0].tolist() == decisions and got[1].tolist() == scores


def test_predictions_of_a_design_without_memories():
    board = Board(Line(Device(PLAIN)))
    hello = board.hello()
    assert (hello.params, hello.digest) == (PLAIN, PLAIN.digest)
    q = rows(np.random.default_rng(1), 600)  # more than there are sequence numbers
    assert right(board.predict(q, WIDTHS, PLAIN.digest), q, PLAIN)
    decisions, scores = board.predict(q[:0], WIDTHS)
    assert decisions.shape == (0,)
    assert scores.shape == (0, 3)
    regression = replace(PLAIN, decision_bits=0)
    assert Board(Line(Device(regression))).predict(q[:2], WIDTHS)[0] is None


def test_predictions_with_evidence():
    params = replace(PLAIN, capabilities=3, evidence_bits=29)
    line = Line(Device(params), faults=60, seed=3)
    q = rows(np.random.default_rng(1), 300)
    decisions, scores, evidence = Board(line).explain(q, WIDTHS, params.digest)
    assert right((decisions, scores), q, params)
    assert evidence == [expected_evidence(word, params) for word in payload_words(q, WIDTHS)]
    assert MessageType.EXPLAIN_RESPONSE in line.served
    assert right(Board(line).predict(q[:20], WIDTHS), q[:20], params)


def test_a_board_without_evidence_is_refused():
    with pytest.raises(BoardError, match="gathers no evidence: flash a design built with"):
        Board(Line(Device(PLAIN))).explain(rows(np.random.default_rng(1), 3), WIDTHS)


def test_update_and_predictions():
    line = Line(MemoryDevice(MEMORY))
    board, told = Board(line), []
    image = random_image(random.Random(1))
    hello = board.update(
        image, digest_of(image), MEMORY.digest, lambda done, total: told.append((done, total))
    )
    assert (hello.params, hello.digest) == (MEMORY, digest_of(image))
    assert told[-1] == (5, 5)
    q = rows(np.random.default_rng(2), 20)
    assert right(board.predict(q, WIDTHS, digest_of(image)), q, MEMORY, image)
    shorter = make_image(5, 6)
    board.update(shorter, 5)
    assert right(board.predict(q, WIDTHS, 5), q, MEMORY, shorter)
    assert line.time < 1


@pytest.mark.parametrize("write_words", [1, 3, 8, 40])
@pytest.mark.parametrize("words", [5, 39, 40, 41, 200])
def test_images_are_split_into_whole_writes_that_cover_them(write_words, words):
    image = list(range(1, words + 1))
    memory = [None] * max(words, write_words)
    writes = split_image(image, write_words)
    for address, piece in writes:
        assert len(piece) == write_words
        memory[address : address + write_words] = piece
    assert memory == image + [0] * (len(memory) - words)
    assert len(writes) == -(-words // write_words)


def test_many_bursts():
    params = replace(MEMORY, memory_words=1000, write_words=2)
    image = random_image(random.Random(3), 999)
    for faults in (0, 20):
        line = Line(MemoryDevice(params), faults, seed=4)
        Board(line).update(image, digest_of(image))
        assert line.device.memory.words[:999] == image
    assert 4 * BURST < 999 / 2


@pytest.mark.parametrize("seed", range(12))
def test_a_bad_line_costs_time_or_an_error_but_is_never_wrong(seed):
    """Every answer is right or a BoardError; most of them come."""
    device = MemoryDevice(MEMORY)
    line = Line(device, faults=250, seed=seed)
    board = Board(line, attempts=8)
    source, images = np.random.default_rng(seed), random.Random(seed)
    loaded, done, refused = None, 0, 0
    for _ in range(12):
        image = random_image(images)
        try:
            hello = board.update(image, digest_of(image), MEMORY.digest)
            assert hello.digest == digest_of(image)
            loaded = image
            done += 1
        except BoardError:
            refused += 1
        if loaded is None:
            continue
        for _ in range(4):
            q = rows(source, 3)
            try:
                assert right(board.predict(q, WIDTHS, digest_of(loaded)), q, MEMORY, loaded)
                done += 1
            except BoardError:  # also after an update that did not come to its end
                refused += 1
    assert done > 25, (done, refused)


def test_a_silent_board():
    line = Line(Device(PLAIN))
    line.dead = True
    board = Board(line, timeout_s=0.2, attempts=3)
    with pytest.raises(BoardError, match="does not answer after 3 tries") as caught:
        board.hello()
    assert caught.value.exit_code == 6
    assert 0.6 < line.time < 1.5
    line.dead = False
    assert board.hello().params == PLAIN


def test_a_board_that_falls_silent_during_an_update():
    line = Line(MemoryDevice(MEMORY))
    board = Board(line, attempts=2)
    image = random_image(random.Random(1))

    def stop(done, total):
        line.dead = done == total

    with pytest.raises(BoardError, match="does not answer"):
        board.update(image, digest_of(image), progress=stop)
    line.dead = False
    with pytest.raises(BoardError, match="holds no whole model"):
        board.predict(np.zeros((1, 3), int), WIDTHS)
    board.update(image, digest_of(image))
    line.dead = True
    with pytest.raises(BoardError, match="does not answer"):
        board.update(image, digest_of(image))


def test_noise_that_never_ends():
    class Noise(Line):
        def read(self, count, timeout_s):
            self.time += 0.01
            return self.random.randbytes(50)

    with pytest.raises(BoardError, match="never falls idle"):
        Board(Noise(Device(PLAIN))).hello()


def test_refusals_of_an_update():
    device = MemoryDevice(MEMORY)
    line = Line(device)
    board = Board(line)
    image = random_image(random.Random(1))
    digest = digest_of(image)
    before = list(device.memory.words)
    with pytest.raises(BoardError, match=f"memories hold {CAPACITY} words, the model needs 14"):
        board.update([*image, 0], digest)
    with pytest.raises(BoardError, match="the model needs 0"):
        board.update([], digest)
    with pytest.raises(BoardError, match=r"0123456789abcdef, the image was made for 0{15}1:"):
        board.update(image, digest, design=1)
    with pytest.raises(BoardError, match="cannot be updated"):
        Board(Line(Device(PLAIN))).update(image, digest)
    assert device.memory.words == before
    assert MessageType.WRITE_RESPONSE not in line.served
    wrong = list(image)
    wrong[4] ^= 1
    with pytest.raises(BoardError, match="no whole model after all words were written"):
        board.update(wrong, digest)
    with pytest.raises(BoardError, match="holds no whole model"):
        board.predict(np.zeros((1, 3), int), WIDTHS)
    with pytest.raises(BoardError, match=rf"answers with model {digest:016x} after the update"):
        board.update(image, digest ^ 1)


def test_refusals_of_a_prediction():
    device = MemoryDevice(MEMORY)
    board = Board(Line(device))
    image = random_image(random.Random(1))
    board.update(image, digest_of(image))
    q = np.zeros((1, 3), int)
    with pytest.raises(BoardError, match=r"Board holds model .*, not 0*9: flash or update it"):
        board.predict(q, WIDTHS, 9)
    with pytest.raises(BoardError, match="takes 13 feature bits, not 14"):
        board.predict(q, [5, 1, 8])
    with pytest.raises(ValueError, match="feature 0 must be from 0 to 31"):
        board.predict(q + 32, WIDTHS)
    device.memory.loaded = False
    with pytest.raises(BoardError, match="holds no whole model"):
        board.predict(q, WIDTHS)


def test_a_board_that_boots_is_waited_for_and_given_up():
    class Booting(Line):
        """Ready after a while."""

        until = 0.12

        def write(self, data):
            self.device.booting = self.time < self.until
            super().write(data)

    line = Booting(MemoryDevice(MEMORY))
    image = random_image(random.Random(1))
    Board(line).update(image, digest_of(image))
    assert 0.12 < line.time < 1
    line.until = 1e9
    with pytest.raises(BoardError, match="still loads its own model after 5 tries"):
        Board(line).update(image, digest_of(image))


def test_answers_that_make_no_sense():
    class Strange(Device):
        def answer(self, piece):
            answer = super().answer(piece)
            return replace(answer, payload=answer.payload[:-1])

    with pytest.raises(BoardError, match="something else than it should: payload of type 0x81"):
        Board(Line(Strange(PLAIN))).hello()

    class Refusing(Device):
        def answer(self, piece):
            answer = super().answer(piece)
            return Frame(MessageType.ERROR_RESPONSE, answer.sequence, bytes([self.code]))

    device = Refusing(PLAIN)
    for code, message in [
        (1, "does not know the request"),
        (2, "requests of another length"),
        (3, "expects other features"),
        (6, "holds no whole model"),
        (77, "answers with error 77"),
        (4, "does not answer after 5 tries"),
        (5, "does not answer after 5 tries"),
    ]:
        device.code = code
        with pytest.raises(BoardError, match=message):
            Board(Line(device)).hello()


class FakePort:
    """What pyserial offers, on a `Line`."""

    def __init__(self, line, port, baud):
        self.line, self.settings = line, (port, baud)
        self.timeout = None
        self.buffer = b""
        self.fails = False

    def write(self, data):
        if self.fails:
            raise OSError("device disconnected")
        self.line.write(data)

    @property
    def in_waiting(self):
        return len(self.buffer)

    def read(self, count):
        if not self.buffer:
            self.buffer = self.line.read(4096, self.timeout)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def close(self):
        self.settings = None


def test_serial_transport_is_opened_when_used(monkeypatch):
    line, ports = Line(MemoryDevice(MEMORY)), []

    def opened(port, baud):
        if port == "wrong" or (ports and ports[-1].fails):
            raise OSError("no such file")
        ports.append(FakePort(line, port, baud))
        return ports[-1]

    monkeypatch.setitem(sys.modules, "serial", types.SimpleNamespace(Serial=opened))
    transport = SerialTransport("/dev/ttyUSB1", 1_000_000, patience_s=0)
    assert ports == []
    image = random_image(random.Random(1))
    board = Board(transport)
    board.update(image, digest_of(image))
    assert [port.settings for port in ports] == [("/dev/ttyUSB1", 1_000_000)]
    q = rows(np.random.default_rng(3), 5)
    assert right(board.predict(q, WIDTHS), q, MEMORY, image)
    ports[0].fails = True
    with pytest.raises(BoardError, match=r"ttyUSB1 does not work: device disconnected; check") as e:
        board.hello()
    assert "\n" not in str(e.value)
    assert ports[0].settings is None
    ports[0].fails = False
    transport.close()
    transport.close()
    assert board.hello().digest == digest_of(image)
    assert len(ports) == 2
    with pytest.raises(BoardError, match="Port wrong does not work: no such file"):
        Board(SerialTransport("wrong", 9600)).hello()


def test_without_pyserial_the_pip_line_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(ToolNotFound, match=r'pip install "locgen\[board\]"') as caught:
        Board(SerialTransport("/dev/ttyUSB1", 1_000_000)).hello()
    assert caught.value.exit_code == 3


def test_a_port_that_comes_back_is_opened_again(monkeypatch):
    """A pulled cable costs what was under way, which is asked again."""
    line, ports = Line(Device(PLAIN)), []

    class Pulled(FakePort):
        writes = 0

        def write(self, data):
            self.writes += 1
            if self.writes == 4 and len(ports) == 1:
                raise OSError("device disconnected")
            super().write(data)

    def opened(port, baud):
        ports.append(Pulled(line, port, baud))
        return ports[-1]

    monkeypatch.setitem(sys.modules, "serial", types.SimpleNamespace(Serial=opened))
    q = rows(np.random.default_rng(5), 40)
    board = Board(SerialTransport("/dev/ttyUSB1", 1_000_000), pace=lambda *_: Pace(8, 1, 0.3))
    assert right(board.predict(q, WIDTHS), q, PLAIN)
    assert len(ports) == 2
