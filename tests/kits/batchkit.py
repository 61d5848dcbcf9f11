"""Cores of many designs in one Verilator model: one build for all, each checked on its own."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from jinja2 import Environment, StrictUndefined

from locgen.errors import Mismatch
from locgen.flow.bench import design_facts, design_vectors, fabric_of
from locgen.flow.evidence import evidence_words
from locgen.flow.memory import memory_image
from locgen.flow.planned import PlannedDesign
from locgen.resources import resource
from locgen.targets.verilog import write_verilog
from locgen.top.emit import emit_rtlil, ports_of
from locgen.verify.simulate import run_testbench
from locgen.verify.testbench import write_testbench

__all__ = ["Batches", "Checked", "in_batches", "verify_together"]

KITS = Path(__file__).parent
STUB = "module core;\nendmodule\n"
UNFINISHED = {"vectors": 0, "mismatches": 1, "first_mismatch": "the simulation did not get here"}


@dataclass(frozen=True)
class Checked:
    """What the simulation of one design's core found, and the design."""

    design: PlannedDesign
    vectors: int
    mismatches: int
    first_mismatch: object


def verify_together(designs: Mapping[str, PlannedDesign]) -> dict[str, Checked]:
    """Emit the core of each design under a name of its own and simulate all in one model.

    Each core has its own clock, vectors and expectations, as in the test bench of a build, and is
    checked by the same code; only the name of its module differs.

    Parameters
    ----------
    designs : by the name that the results have too

    Returns
    -------
    dict
        What was found of each; mismatches are counted, not raised.
    """
    with tempfile.TemporaryDirectory(prefix="locgen-") as name:
        folder = Path(name)
        bench = folder / "bench"
        modules, cycles = {}, 0
        for number, design in enumerate(designs.values()):
            modules[f"core_{number}"] = emit_rtlil(fabric_of(design), f"core_{number}", reset=True)
            facts, vectors = design_facts(design), design_vectors(design)
            cycles += len(vectors) * facts["interval_cycles"]
            write_testbench(
                bench / f"core_{number}",
                facts | {"top": "stream"},
                vectors,
                None,
                {"core.v": STUB},
                memory_image(design),
                (),
                evidence_words(design, vectors),
            )
        verilog = write_verilog(modules, folder / "verilog", folder / "logs", use_cache=False)
        _write_bench(bench, modules, cycles)
        (bench / "core.v").write_text("".join(path.read_text() for path in verilog.values()))
        with contextlib.suppress(Mismatch):  # each is counted below
            run_testbench(bench, "rtl", log=folder / "logs" / "simulation.log")
        return {
            title: _checked(design, bench / f"core_{number}" / "result.json")
            for number, (title, design) in enumerate(designs.items())
        }


def _write_bench(bench: Path, modules: Mapping[str, str], cycles: int) -> None:
    """Write what simulates all of them: as a test bench's folder, with N cores for one."""
    shutil.copytree(bench / "core_0" / "sim", bench / "sim")
    for name in ("run.py", "bench.vlt"):
        shutil.copyfile(bench / "core_0" / name, bench / name)
    for path in sorted(bench.glob("core_*/*.v")):  # models of memories, which few cores need
        if path.name not in ("core.v", "bench.v"):
            shutil.copyfile(path, bench / path.name)
    shutil.copyfile(resource("templates/testbench") / "test_core.py", bench / "check.py")
    shutil.copyfile(KITS / "batch_bench.py", bench / "test_core.py")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)
    template = environment.from_string((KITS / "batch_bench.v.j2").read_text())
    cores = {name: ports_of(text, name) for name, text in modules.items()}
    (bench / "bench.v").write_text(template.render(cores=cores))
    memories = {json.loads(path.read_text())["memory"] for path in bench.glob("core_*/facts.json")}
    facts = {
        "top_ports": [],
        "memory": "spram" if "spram" in memories else None,
        "interval_cycles": cycles,
        "cores": len(modules),
    }
    (bench / "facts.json").write_text(json.dumps(facts))
    (bench / "vectors.json").write_text(json.dumps({"inputs": ["0"]}))


def _checked(design: PlannedDesign, path: Path) -> Checked:
    found = json.loads(path.read_text()) if path.exists() else UNFINISHED
    return Checked(design, found["vectors"], found["mismatches"], found["first_mismatch"])


def in_batches(name: str, cases: Iterable[str], size: int, marks: Sequence = ()) -> list:
    """Return parameters for `cases`; each `size` of them run on one worker, in one model.

    Parameters
    ----------
    name : of the batches, unlike any other
    cases : names, one parameter each
    size : how many share a model
    marks : of every parameter
    """
    return [
        pytest.param(case, id=f"{case}@{group}", marks=[pytest.mark.xdist_group(group), *marks])
        for case, group in ((case, f"{name}-{n // size}") for n, case in enumerate(cases))
    ]


class Batches:
    """Results of batches, made when the first of their tests asks; each test asks for its own."""

    def __init__(self, session: pytest.Session):
        self._session = session
        self._found: dict[tuple, dict[str, Checked | Exception]] = {}

    def check(self, item: pytest.Item, designed: Callable[[str], PlannedDesign]) -> Checked:
        """Return what was found of the item's ``case``.

        Parameters
        ----------
        item : the test that asks, with a parameter ``case`` from `in_batches`
        designed : makes the design of a case of this batch

        Raises
        ------
        Exception
            What `designed` raised for this case; others are simulated all the same.
        """
        key = self._key(item)
        if key not in self._found:
            selected = [other for other in self._session.items if self._key(other) == key]
            self._found[key] = _run([other.callspec.params["case"] for other in selected], designed)
        found = self._found[key][item.callspec.params["case"]]
        if isinstance(found, Exception):
            raise found
        return found

    @staticmethod
    def _key(item: pytest.Item) -> tuple | None:
        mark = item.get_closest_marker("xdist_group")
        return mark and (item.function, *mark.args)


def _run(cases: Sequence[str], designed) -> dict[str, Checked | Exception]:
    found: dict[str, Checked | Exception] = {}
    designs = {}
    for case in cases:
        try:
            designs[case] = designed(case)
        except Exception as error:  # of this case alone
            found[case] = error
    return found | (verify_together(designs) if designs else {})
