"""Answers of locgen's float models against the library's public predict, in every form of rows.

    python benchmarks/agreement.py                 # all cases; writes results/agreement.json, .md
    python benchmarks/agreement.py --share 0.1     # a seeded tenth, as CI runs; writes nothing

A case is an estimator of the tests' kits, trained anew on one kind of labels (text, booleans,
negative, gapped, floats) or one form of rows (as they are, data frames with names, sparse,
float32). locgen reads it, and both answer the test rows and rows at the model's own thresholds and
one step of float64 beside them. predict is called with the form of rows that it was fitted on.
What differs beyond rounding is a wrong answer, unless the outputs that the library decides by are
equal; quantisation has no part in it. An estimator that
its library does not train in a form is counted apart, as is one that locgen refuses in a line.
"""

import argparse
import json
import multiprocessing
import os
import random
import sys
import warnings
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
OUT = ROOT / "benchmarks" / "results"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "kits")]
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

KITS = ("familykit", "unitkit", "layeredkit", "metakit")
LABELS = ("text", "booleans", "negative", "gapped", "floats")
ROWS = ("plain", "frame", "sparse", "float32")
OUTCOMES = ("agrees", "ties", "refused", "not trained", "wrong")


def cases() -> list[tuple[str, str, str]]:
    """Return kit, name and form of every case, in a fixed order."""
    names = [(kit, name) for kit in KITS for name in import_module(kit).CASES]
    return [(kit, name, form) for kit, name in names for form in (*ROWS, *LABELS)]


def relabelled(y: Any, kind: str) -> Any:
    """Return class numbers as labels of a kind, in an order of their own."""
    import numpy as np

    classes, number = np.unique(y, return_inverse=True)
    count = len(classes)
    names = {
        "text": np.array([f"class {chr(98 + 3 * n % 25)}" for n in range(count)]),
        "booleans": np.array([False, True]) if count == 2 else None,
        "negative": np.arange(count) - count,
        "gapped": np.arange(count) * 7 + 3,
        "floats": np.arange(count) * 2.0 + 1.0,
    }[kind]
    return None if names is None else names[number].reshape(np.shape(y))


def answered(case: tuple[str, str, str]) -> tuple[str, str]:
    """Return the outcome of a case, one of `OUTCOMES`, and what there is to say about it."""
    warnings.simplefilter("ignore")
    import numpy as np
    from sklearn.base import clone, is_classifier

    from locgen.errors import LocgenError
    from locgen.frontends import load
    from locgen.frontends.model_check import probe_rows, slack_of

    kit, name, form = case
    np.random.seed(0)  # what estimators without a seed of their own draw from
    fitted, (x_train, x_test, y_train, _) = import_module(kit).fitted(name)
    if form in LABELS:
        last = fitted.steps[-1][1] if hasattr(fitted, "steps") else fitted
        labels = np.asarray(y_train)
        plain = labels.ndim == 1 and labels.dtype.kind in "iub"
        y_train = relabelled(labels, form) if is_classifier(last) and plain else None
        if y_train is None:
            return "not trained", "no classes"
    make = {
        "frame": lambda x: _frame(x, [f"column {n}" for n in range(x.shape[1])]),
        "sparse": _sparse,
        "float32": lambda x: x.astype(np.float32),
    }.get(form, lambda x: x)
    try:
        estimator = clone(fitted).fit(make(x_train), y_train)
        estimator.predict(make(x_test))
    except (TypeError, ValueError) as error:  # the library's own refusal
        return "not trained", f"{type(error).__name__}: {str(error).strip().splitlines()[0][:90]}"
    try:
        loaded = load(estimator, float32=form == "float32", sparse=form == "sparse")
    except LocgenError as error:
        return "refused", str(error)
    rows = np.concatenate([x_test, probe_rows(loaded.reading)])
    if form == "float32":
        rows = rows.astype(np.float32).astype(np.float64)
        rows = rows[np.isfinite(rows).all(axis=1) | np.isnan(rows).any(axis=1)]
    if form == "sparse":
        rows = rows[~np.isnan(rows).any(axis=1)]
        rows[::3] = np.where(np.arange(rows.shape[1]) % 2, rows[::3], 0.0)  # what is left out
    theirs = np.asarray(estimator.predict(make(rows)))
    model = loaded.model
    scores = model.scores(rows)
    slack = slack_of(loaded.reading, rows, scores)
    if model.task == "regression":
        ours = model.decide(scores)
        differ = (np.abs(ours - theirs.reshape(ours.shape)) > slack[:, None]).any(axis=1)
        clear = differ
    else:
        ours = model.labels(model.decide(scores))
        pairs = zip(ours.tolist(), theirs.reshape(ours.shape).tolist(), strict=True)
        differ = np.array([a != b for a, b in pairs])
        clear = differ & (model.rule_of_decision.margin(scores) > 2 * slack)
        if clear.any() and model.targets == 1:
            clear &= ~_equal(estimator, make(rows))
    if clear.any():
        return "wrong", f"{int(clear.sum())} of {len(rows)} rows"
    return ("ties", f"{int(differ.sum())} of {len(rows)} rows") if differ.any() else ("agrees", "")


def _equal(estimator: Any, rows: Any) -> Any:
    """Return the rows between whose two best outputs the library itself sees no difference."""
    import numpy as np

    outputs_of = getattr(estimator, "decision_function", None) or getattr(
        estimator, "predict_proba", None
    )
    if outputs_of is None:
        return np.zeros(rows.shape[0], dtype=bool)
    outputs = np.asarray(outputs_of(rows)).reshape(rows.shape[0], -1)
    if outputs.shape[1] == 1:
        return outputs[:, 0] == 0.0
    best = np.sort(outputs, axis=1)
    return best[:, -1] == best[:, -2]


def _frame(x: Any, names: list[str]) -> Any:
    from pandas import DataFrame

    return DataFrame(x, columns=names)


def _sparse(x: Any) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix(x)


def chosen(share: float) -> list[tuple[str, str, str]]:
    """Return a seeded share of the cases."""
    every = cases()
    return sorted(random.Random(0).sample(every, round(share * len(every)))) if share < 1 else every


def run(picked: list[tuple[str, str, str]], jobs: int) -> list[tuple[str, str]]:
    """Return outcome and remark of each case."""
    if jobs == 1:
        return [answered(case) for case in picked]
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        return pool.map(answered, picked, chunksize=4)


def table(picked: list[tuple[str, str, str]], outcomes: list[tuple[str, str]]) -> str:
    """Return the counts by form as Markdown."""
    counts = Counter((form, what) for (_, _, form), (what, _) in zip(picked, outcomes, strict=True))
    lines = ["| form | " + " | ".join(OUTCOMES) + " |", "|---" * (len(OUTCOMES) + 1) + "|"]
    for form in (*ROWS, *LABELS):
        lines.append(f"| {form} | " + " | ".join(str(counts[form, o]) for o in OUTCOMES) + " |")
    totals = Counter(what for what, _ in outcomes)
    lines.append("| all | " + " | ".join(str(totals[o]) for o in OUTCOMES) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the cases, print the table, and end with exit code 1 if an answer is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the cases, seeded")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    picked = chosen(arguments.share)
    outcomes = run(picked, arguments.jobs)
    for case, (what, remark) in zip(picked, outcomes, strict=True):
        if what in ("wrong", "refused", "ties"):
            print(f"{'/'.join(case)}: {what}: {remark}")
    text = table(picked, outcomes)
    print(text)
    if arguments.share == 1:
        kept = {
            "/".join(case): f"{what}: {remark}" if remark else what
            for case, (what, remark) in zip(picked, outcomes, strict=True)
        }
        (OUT / "agreement.json").write_text(json.dumps(kept, indent=0) + "\n")
        (OUT / "agreement.md").write_text(f"# Agreement with the library's predict\n\n{text}\n")
    sys.exit(any(what == "wrong" for what, _ in outcomes))


if __name__ == "__main__":
    main()
