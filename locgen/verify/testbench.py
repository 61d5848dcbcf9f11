"""The `testbench/` folder of a build, which runs by itself, wherever it is copied.

The folder holds the Verilog under test, the vectors and frames with golden's answers, the cocotb
tests, a copy of `sim/`, and `run.py`; `docs/templates.md` lists its files.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from locgen.resources import resource
from locgen.top.kinds import FRAMED_TOPS
from locgen.verify.vectors import Vectors, pack_features, pack_results

__all__ = ["FACTS", "BenchFacts", "Frame", "write_testbench"]


class BenchFacts(TypedDict):
    """Facts of a design that its test bench is rendered from, as ``facts.json`` holds them.

    Those that need not be given are about engines and evidence: the kind of memory, where the flash
    holds its image, the digits of evidence for an inference and their width; about cells: files of
    the template that simulate them; and about the top: its ports, its bus's registers, and whether
    it has the ports of a Tiny Tapeout tile.
    """

    name: str
    digest: str
    fabric: str
    feature_bits_total: int
    feature_bits: list[int]
    decision_bits: int
    score_bits: int
    outputs: int
    latency_cycles: int
    interval_cycles: int
    top: str
    clock_hz: int
    baud: int
    memory: NotRequired[str | None]
    boot_offset: NotRequired[int | None]
    evidence_beats: NotRequired[int]
    evidence_width: NotRequired[int]
    models: NotRequired[list[str]]
    tile: NotRequired[bool]
    top_ports: NotRequired[list[tuple[str, str, int]] | None]
    registers: NotRequired[dict[str, int] | None]


FACTS = tuple(sorted(BenchFacts.__required_keys__, key=list(BenchFacts.__annotations__).index))
"""Keys that a design's facts must have; others are written down too."""
_MODELS = ["ice40_cells.v"]
"""Files of the template that simulate the netlist's cells, if none are named."""
_CELLS = "_cells.v"
"""How the names of those files end."""

_SOURCES = ("core.v", "top.v", "core_netlist.v", "top_netlist.v", "standard_cells.v")
_MODULE = re.compile(r"^\s*module\s+(\\\S+|\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Frame:
    """Bytes on the wire: a request, and the response that it must get (empty for none)."""

    label: str
    request: bytes
    response: bytes


def write_testbench(
    out: Path,
    facts: BenchFacts,
    vectors: Vectors,
    frames: Sequence[Frame] | None,
    sources: Mapping[str, str | Path],
    memory: Sequence[int] = (),
    flash: Sequence[int] = (),
    evidence: Sequence[int] = (),
) -> None:
    """Write the test bench into the folder `out`, which may exist and is brought up to date.

    Parameters
    ----------
    out : the folder, usually ``<build>/testbench``
    facts : the design's facts; they must hold every key of `FACTS`
    vectors : from `make_vectors`
    frames : what is sent to module ``top``, bytes of rows and answers for one behind pins; needed
        exactly when the facts' top has frames or is ``"pins"``
    sources : Verilog as text, or the path of a file that holds it, by file name: ``core.v``,
        ``top.v`` for a design with a top, and once synthesis is done the same with ``_netlist``,
        with ``standard_cells.v`` where their cells are in no file of the template
    memory : all words of the engines' memories from address 0 on; empty without engines
    flash : the words that the board's flash holds at the facts' ``boot_offset``
    evidence : for each vector the digits of its evidence, the first lowest; empty without evidence

    Raises
    ------
    ValueError
        If facts, frames and sources do not fit together, or two files of a level define the same
        module.
    """
    facts = _completed(facts)
    if (facts["top"] in (*FRAMED_TOPS, "pins")) != (frames is not None):
        raise ValueError(f"frames must be given for uart, spi and pins, not for {facts['top']!r}")
    texts = {
        name: source.read_text() if isinstance(source, Path) else source
        for name, source in sources.items()
    }
    _check_sources(texts, facts["top"] != "stream")
    out.mkdir(parents=True, exist_ok=True)
    template = resource("templates/testbench")
    _copy_files(template, out, facts["models"])
    values = {
        "facts": facts,
        "output_bits": facts["decision_bits"] + facts["score_bits"] * facts["outputs"],
        "vectors": len(vectors),
        "frames": frames,
        "has_netlist": "core_netlist.v" in texts,
    }
    texts |= _rendered(template, values)
    for name, words in (("memory", memory), ("flash", flash), ("evidence", evidence)):
        if words:
            texts[f"{name}.json"] = _words_text(words)
    texts["facts.json"] = json.dumps(dict(facts), indent=1) + "\n"
    texts["vectors.json"] = _vectors_text(facts, vectors)
    if frames is not None:
        texts["frames.json"] = _frames_text(frames)
    for name, text in sorted(texts.items()):
        _write(out / name, text)


def _completed(facts: BenchFacts) -> BenchFacts:
    """Return the facts with those that were not given."""
    missing = [key for key in FACTS if key not in facts]
    if missing:
        raise ValueError(f"facts must hold {missing[0]!r}, which is missing")
    whole: BenchFacts = {
        "memory": None,
        "boot_offset": None,
        "evidence_beats": 0,
        "evidence_width": 0,
        "models": _MODELS,
        "tile": False,
        "top_ports": None,
        "registers": None,
        **facts,
    }
    if whole["top_ports"] is None:
        whole["top_ports"] = _usual_ports(whole)
    return whole


def _rendered(template: Path, values: Mapping[str, object]) -> dict[str, str]:
    """Return the files that are rendered, by name."""
    environment = Environment(
        loader=FileSystemLoader(template),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Verilog and Markdown
    )
    paths = sorted(template.glob("*.j2"))
    return {path.stem: environment.get_template(path.name).render(values) for path in paths}


def _copy_files(template: Path, out: Path, models: Sequence[str]) -> None:
    """Copy what needs no rendering: the tests, models of the cells, and `sim/`."""
    for path in sorted(template.iterdir()):
        unused = path.name.endswith(_CELLS) and path.name not in models
        if path.is_file() and path.suffix != ".j2" and not unused:
            shutil.copyfile(path, out / path.name)
    (out / "sim").mkdir(exist_ok=True)
    for path in sorted(resource("sim").glob("*.py")):
        shutil.copyfile(path, out / "sim" / path.name)


def _usual_ports(facts: BenchFacts) -> list[tuple[str, str, int]]:
    """Return the ports of a top besides its clock, as the bench sees them: name, way, width."""
    if facts["top"] == "pins":
        inputs = {"rst": 1, "data_in": 8, "write": 1, "read": 1, "restart": 1}
        outputs = {"data_out": 8, "ready": 1, "done": 1}
    elif facts["top"] == "uart":
        inputs, outputs = {"rx": 1}, {"tx": 1}
        if facts["boot_offset"] is not None:
            inputs |= {"flash__miso": 1}
            outputs |= dict.fromkeys((f"flash__{name}" for name in ("sck", "cs", "mosi")), 1)
    else:
        return []
    ports = [(name, "input", width) for name, width in inputs.items()]
    return ports + [(name, "output", width) for name, width in outputs.items()]


def _check_sources(texts: Mapping[str, str], has_top: bool) -> None:
    unknown = sorted(set(texts) - set(_SOURCES))
    if unknown:
        raise ValueError(f"sources must be among {_SOURCES}, not {unknown[0]!r}")
    for suffix in ("", "_netlist"):
        wanted = [f"core{suffix}.v", *([f"top{suffix}.v"] if has_top else [])]
        present = [name for name in wanted if name in texts]
        if (present and present != wanted) or not (present or suffix):
            raise ValueError(f"sources must hold {' and '.join(wanted)}, not {sorted(texts)}")
        # Verilator would take the first of two definitions and say nothing.
        modules: dict[str, str] = {}
        for name in present:
            for module in _MODULE.findall(texts[name]):
                if module in modules:
                    raise ValueError(f"Module {module} is defined in {modules[module]} and {name}")
                modules[module] = name
        for name in present:
            if name.split("_")[0].removesuffix(".v") not in modules:
                raise ValueError(f"{name} must define module {name.split('_')[0]}")


def _vectors_text(facts: BenchFacts, vectors: Vectors) -> str:
    """Vectors as JSON: payloads in hexadecimal, one line for each list so that it stays compact."""
    inputs = pack_features(vectors.q, facts["feature_bits"])
    outputs = pack_results(
        vectors.decision, vectors.scores, facts["decision_bits"], facts["score_bits"]
    )
    if vectors.scores.shape[1] != facts["outputs"]:
        raise ValueError(f"scores must have {facts['outputs']} columns, not {vectors.scores.shape}")
    columns = {
        "inputs": [f"{word:x}" for word in inputs],
        "outputs": [f"{word:x}" for word in outputs],
        "decision": None if vectors.decision is None else vectors.decision.tolist(),
        "scores": vectors.scores.tolist(),
        "labels": list(vectors.labels),
    }
    lines = [
        f'"{name}": {json.dumps(values, separators=(",", ":"))}' for name, values in columns.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _words_text(words: Sequence[int]) -> str:
    return "[\n" + ",\n".join(map(str, words)) + "\n]\n"


def _frames_text(frames: Sequence[Frame]) -> str:
    rows = [
        {"label": f.label, "request": f.request.hex(), "response": f.response.hex()} for f in frames
    ]
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text)
    part.replace(path)
