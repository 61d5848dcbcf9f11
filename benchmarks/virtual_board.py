"""The virtual board under load: predictions a second, and wrong answers on a damaged line.

The breast cancer forest is built for the iCEBreaker, and its emitted top is simulated behind a
pseudo-terminal. First rows go through an undamaged line, for the speed; then, for each seed, rows
go through a line that damages one frame of a hundred in each direction: a bit flipped, a byte
lost or inserted, the frame cut off. Every answer is compared with golden.

``board s`` and ``host s`` are processor seconds of the simulator and of the host's program.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import markdown, out_argument, tools_used, write_result
from models import load_case

import locgen
from locgen.verify.virtual_board import Damage, virtual_board

BAR_PER_SECOND = 1000
DAMAGE_PERCENT = 1.0
CLEAN_ROWS = 20_000


def rows_around(x: np.ndarray, count: int) -> np.ndarray:
    """Return `count` rows near those of `x` (rows, features), so that all thresholds are met."""
    source = np.random.default_rng(0)
    near = 0.3 * x.std(axis=0) * source.standard_normal((count, x.shape[1]))
    return x[source.integers(0, len(x), count)] + near


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(folder: Path, rows: np.ndarray, damage: Damage) -> dict[str, object]:
    """Send `rows` through a virtual board; return what happened."""
    with virtual_board(folder, damage=damage) as virtual:
        board = locgen.Board(folder, virtual.port)
        began = time.process_time()
        answers = board.run(rows)
        host = time.process_time() - began
        used = processor_seconds(virtual.process.pid)
    counts = {}
    for way in ("to_board", "to_host"):
        said = dict(virtual.counters[way])
        counts[f"frames {way.replace('_', ' ')}"] = said.pop("frames")
        counts[f"damaged {way.replace('_', ' ')}"] = sum(said.values())
    return {
        "seed": damage.seed if damage.percent else "no damage",
        "rows": len(rows),
        "wrong": len(answers.wrong),
        **counts,
        "seconds": round(answers.seconds, 1),
        "board s": round(used, 1),
        "host s": round(host, 1),
        "per second": round(len(rows) / answers.seconds),
        "per processor second": round(len(rows) / max(used, host)),
    }


def main() -> None:
    """Measure, print and write ``virtual_board.md`` and ``virtual_board.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000, help="rows for each seed")
    parser.add_argument("--seeds", type=int, default=20, help="number of seeds")
    out_argument(parser)
    arguments = parser.parse_args()
    case = load_case("bc")
    data = case.dataset()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bc"
        locgen.compile(case.estimator, "ice40", data, board=case.recipe.board, pnr=False).build(
            folder
        )
        x = np.concatenate([data.x_train, data.x_test])
        found = [measure(folder, rows_around(x, CLEAN_ROWS), Damage())]
        print(json.dumps(found[-1]), flush=True)
        rows = rows_around(x, arguments.rows)
        for seed in range(1, arguments.seeds + 1):
            found.append(measure(folder, rows, Damage(DAMAGE_PERCENT, seed)))
            print(json.dumps(found[-1]), flush=True)
    wrong = sum(row["wrong"] for row in found)
    speed = found[0]["per second"]
    text = "# The virtual board: breast cancer RF 20x5 behind a pseudo-terminal\n\n"
    text += markdown(list(found[0]), (row.values() for row in found))
    met = "met" if wrong == 0 else "MISSED"
    text += (
        f"\nBar: no wrong answer with {DAMAGE_PERCENT:g} % of the frames damaged: {wrong}: {met}.\n"
    )
    met = "met" if speed >= BAR_PER_SECOND else "MISSED"
    text += f"Bar: {BAR_PER_SECOND:,} predictions a second without damage: {speed:,}: {met}.\n"
    text += f"\n{tools_used()}.\n"
    write_result(arguments.out, "virtual_board", text, {"runs": found})


if __name__ == "__main__":
    main()
