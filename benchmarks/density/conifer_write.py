"""Writes conifer's VHDL of a model. Runs in conifer's own environment, not in locgen's.

    python conifer_write.py MODEL.ubj ROWS.npy FOLDER LEAST_AGREEMENT WIDTH,INTEGER ...

WIDTH and INTEGER are those of ``ap_fixed``, which conifer's VHDL uses for inputs, thresholds and
scores alike; of those named, in their order, the first whose decisions on ROWS (integers, float64)
agree with XGBoost's on LEAST_AGREEMENT of them is written. Numbers round to nearest and saturate.
Features are integers that stand in the lowest bits of the number; thresholds are scaled by a power
of two to match, which changes no comparison. FOLDER receives conifer's project, ``scores.npy``
(what its integers come to for each row) and ``facts.json``. A model that was loaded from a file
says that its depth is XGBoost's default, to which conifer 1.11 would pad every tree: here trees
are padded to the deepest one.
"""

import json
import os
import resource
import sys
from pathlib import Path


def main() -> None:
    """Write the project and the facts."""
    model_path, rows_path, folder = (Path(word).resolve() for word in sys.argv[1:4])
    least = float(sys.argv[4])
    formats = [tuple(int(part) for part in word.split(",")) for word in sys.argv[5:]]
    _find_headers()
    import numpy as np
    import xgboost
    from conifer.backends import vhdl
    from conifer.converters.xgboost import convert

    booster = xgboost.Booster()
    booster.load_model(model_path)
    rows = np.load(rows_path)
    predicted = booster.predict(xgboost.DMatrix(rows))
    predicted = predicted > 0.5 if predicted.dtype != np.int64 and _binary(booster) else predicted
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)  # conifer leaves the converter that it compiles in the working directory
    start = _cpu_seconds()
    ensemble = convert(booster)
    converted = _cpu_seconds() - start
    leaves = [[_leaves_of(tree, rows) for tree in trees] for trees in ensemble["trees"]]
    tried = []
    for width, integer in formats:
        scores, overflows = _scores(ensemble, leaves, width, integer)
        decided = scores[:, 0] > 0 if scores.shape[1] == 1 else scores.argmax(axis=1)
        tried.append([width, integer, float(np.mean(decided == predicted)), overflows])
        if tried[-1][2] >= least:
            break
    else:
        sys.exit(f"conifer: no format reaches {least}: {tried}")
    unit = 2.0 ** (integer - width)
    for trees in ensemble["trees"]:
        for tree in trees:
            tree["threshold"] = [threshold * unit for threshold in tree["threshold"]]
    ensemble["max_depth"] = max(_depth(tree) for trees in ensemble["trees"] for tree in trees)
    config = vhdl.auto_config()
    config["OutputDir"] = str(folder)
    config["Precision"] = f"ap_fixed<{width},{integer},AP_RND,AP_SAT>"
    start = _cpu_seconds()
    model = vhdl.make_model(ensemble, config)
    model.write()
    np.save(folder / "scores.npy", scores)
    facts = {
        "features": int(model.n_features),
        "outputs": scores.shape[1],
        "width": width,
        "integer": integer,
        "tried": tried,
        "seconds": converted + _cpu_seconds() - start,
    }
    (folder / "facts.json").write_text(json.dumps(facts))


def _cpu_seconds() -> float:
    """Return processor seconds of this process and of the compiler that conifer runs."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(who)[:2]) for who in both)


def _find_headers() -> None:
    """Point conifer at the ``ap_types`` headers that da4ml's wheel holds, and at this Python."""
    import da4ml

    headers = Path(da4ml.__file__).parent / "codegen" / "hls" / "source" / "ap_types" / "include"
    os.environ.setdefault("XILINX_AP_INCLUDE", str(headers))
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def _binary(booster: object) -> bool:
    learner = json.loads(booster.save_config())["learner"]
    return learner["learner_model_param"]["num_class"] == "0"


def _leaves_of(tree: dict, rows: object) -> object:
    """Return the number of the leaf that each of `rows` reaches, by conifer's own reading."""
    import numpy as np

    feature, threshold = np.array(tree["feature"]), np.array(tree["threshold"])
    left, right = np.array(tree["children_left"]), np.array(tree["children_right"])
    at, row = np.zeros(len(rows), dtype=np.int64), np.arange(len(rows))
    for _ in range(_depth(tree)):
        goes_left = rows[row, np.maximum(feature[at], 0)] < threshold[at]
        at = np.where(feature[at] == -2, at, np.where(goes_left, left[at], right[at]))
    return at


def _scores(ensemble: dict, leaves: list, width: int, integer: int) -> tuple[object, int]:
    """Return the scores in ``ap_fixed<width,integer>``, as integers, and how many overflow.

    Features and thresholds of integers are exact as long as they have the bits.
    """
    import numpy as np

    half = 1 << (width - 1)

    def rounded(values: object) -> object:
        scaled = np.floor(np.array(values, dtype=np.float64) * 2.0 ** (width - integer) + 0.5)
        return np.clip(scaled, -half, half - 1).astype(np.int64)

    total = np.tile(rounded(ensemble["init_predict"]), (len(leaves[0][0]), 1))
    for trees, reached in zip(ensemble["trees"], leaves, strict=True):
        for one, (tree, leaf) in enumerate(zip(trees, reached, strict=True)):
            total[:, one] += rounded(tree["value"])[leaf]
    wrapped = (total + half) % (2 * half) - half
    return wrapped, int(np.sum(wrapped != total))


def _depth(tree: dict) -> int:
    """Return the splits on the longest way through `tree`."""
    depths = {0: 0}
    for node, children in enumerate(
        zip(tree["children_left"], tree["children_right"], strict=True)
    ):
        depths |= {child: depths[node] + 1 for child in children if child != -1}
    return max(depths.values())


if __name__ == "__main__":
    main()
