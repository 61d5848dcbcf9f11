"""The verbs that make files of models without building anything, or a model to build."""

import json
import runpy
from pathlib import Path
from typing import Annotated

import typer

from locgen.cli.console import err, out
from locgen.cli.groups import Quantising, Reading, asked, spread
from locgen.cli.options import AsJson, Model
from locgen.cli.progress import progress
from locgen.errors import UsageError
from locgen.resources import resource

__all__ = ["convert", "demo"]


@spread
def convert(
    model: Model,
    target_file: Annotated[
        Path, typer.Argument(metavar="FILE", help="what to write; its name ends in .locgen.json")
    ],
    reading: Reading,
    quantising: Quantising,
    as_json: AsJson = False,
) -> None:
    """Quantise a model and write its integers alone: a small file that any build starts from.

    It needs neither the library that trained the model nor trust in where it comes from, and its
    answers are the hardware's, bit for bit.
    """
    from locgen.api import compile as compile_model
    from locgen.flow.folder import write_whole
    from locgen.ir import digest_of, to_json

    if not target_file.name.endswith(".locgen.json"):
        raise UsageError(f"{target_file} must end in .locgen.json, by which builds know it")
    with progress(err, as_json) as tell:
        tell(f"reading {model} and searching widths")
        made = compile_model(model, **asked(reading, quantising)).quantisation.model
        target_file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target_file, to_json(made))
    facts = {
        "file": str(target_file),
        "model": made.family,
        "nodes": len(made.nodes),
        "feature_bits": sum(made.feature_bits),
        "score_bits": made.score_bits,
        "digest": digest_of(made),
    }
    if as_json:
        print(json.dumps(facts))
        return
    out.print(
        f"{target_file}: {made.family}, {len(made.nodes)} nodes, {facts['feature_bits']} feature "
        f"bits, {made.score_bits}-bit scores",
        markup=False,
    )


def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="where it goes")] = Path("demo"),
) -> None:
    """Train a forest on scikit-learn's breast-cancer data, build it for an iCEBreaker, verify it.

    The script that trains is examples/train_breast_cancer.py.
    """
    from locgen.api import compile as compile_model
    from locgen.flow.folder import open_folder, verify_folder
    from locgen.report.terminal import summary_lines

    runpy.run_path(str(resource("examples/train_breast_cancer.py")))["main"](folder)
    with progress(err, False) as tell:
        tell("searching widths")
        design = compile_model(
            folder / "model.pkl", "ice40", folder / "data.npz", board="icebreaker"
        )
        made = folder / "build"
        built = design.build(made, tell)
        tell("verifying the folder once more")
        verify_folder(open_folder(made), "verilator")
    bitstream = None if built.bitstream is None else str(made / built.bitstream.name)
    for line in summary_lines(open_folder(made).report, bitstream, str(made / "report.html")):
        out.print(line, markup=False)
