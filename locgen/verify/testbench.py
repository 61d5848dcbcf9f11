"""Writes the `testbench/` folder of a build: it runs by itself, wherever it is copied.

The folder holds the Verilog under test, the vectors and frames with golden's answers, the cocotb
tests, a copy of `sim/`, and `run.py`; `docs/templates.md` lists its files.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from locgen.resources import resource
from locgen.top.kinds import FRAMED_TOPS
from locgen.verify.vectors import Vectors, pack_features, pack_results

__all__ = ["FACTS", "Frame", "write_testbench"]

FACTS = (
    "name",
    "digest",
    "fabric",
    "feature_bits_total",
    "feature_bits",
    "decision_bits",
    "score_bits",
    "outputs",
    "latency_cycles",
    "interval_cycles",
    "top",
    "clock_hz",
    "baud",
)
"""Keys that a design's facts must have; others are written down too."""

_OPTIONAL_FACTS = {
    "memory": None,
    "boot_offset": None,
    "evidence_beats": 0,
    "evidence_width": 0,
    "models": ["ice40_cells.v"],
    "tile": False,
    "top_ports": None,
    "registers": None,
}
"""What engines and evidence add: the kind of memory, where the flash holds its image, and
the digits of evidence for an inference with their width. And the files of the template that
simulate the netlist's cells, and whether the top has the ports of a Tiny Tapeout tile."""
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
    facts: Mapping[str, object],
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
    out : Path
        The folder, usually ``<build>/testbench``.
    facts : mapping
        The design's facts; it must hold every key of `FACTS`.
    vectors : Vectors
        From `make_vectors`.
    frames : sequence of Frame, or None
        What is sent to module ``top``, bytes of rows and answers for one behind pins; needed
        exactly when the facts' top has frames or is ``"pins"``.
    sources : mapping
        Verilog as text, or the path of a file that holds it, by file name: ``core.v``, ``top.v``
        for a design with a top, and once synthesis is done the same with ``_netlist``,
        with ``standard_cells.v`` where their cells are in no file of the template.
    memory : sequence of int
        All words of the engines' memories from address 0 on; empty without engines.
    flash : sequence of int
        The words that the board's flash holds at the facts' ``boot_offset``.
    evidence : sequence of int
        For each vector the digits of its evidence, the first lowest; empty where none is gathered.

    Raises
    ------
    ValueError
        If facts, frames and sources do not fit together, or two files of a level define the same
        module.
    """
    facts = _OPTIONAL_FACTS | dict(facts)
    missing = [key for key in FACTS if key not in facts]
    if missing:
        raise ValueError(f"facts must hold {missing[0]!r}, which is missing")
    has_frames = facts["top"] in (*FRAMED_TOPS, "pins")
    if facts["top_ports"] is None:
        facts["top_ports"] = _usual_ports(facts)
    if has_frames != (frames is not None):
        raise ValueError(f"frames must be given for uart, spi and pins, not for {facts['top']!r}")
    texts = {
        name: source.read_text() if isinstance(source, Path) else source
        for name, source in sources.items()
    }
    _check_sources(texts, facts["top"] != "stream")

    out.mkdir(parents=True, exist_ok=True)
    template = resource("templates/testbench")
    for path in sorted(template.iterdir()):
        unused = path.name.endswith(_CELLS) and path.name not in facts["models"]
        if path.is_file() and path.suffix != ".j2" and not unused:
            shutil.copyfile(path, out / path.name)
    (out / "sim").mkdir(exist_ok=True)
    for path in sorted(resource("sim").glob("*.py")):
        shutil.copyfile(path, out / "sim" / path.name)

    environment = Environment(
        loader=FileSystemLoader(template),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Verilog and Markdown
    )
    output_bits = facts["decision_bits"] + facts["score_bits"] * facts["outputs"]
    for path in sorted(template.glob("*.j2")):
        text = environment.get_template(path.name).render(
            facts=facts,
            output_bits=output_bits,
            vectors=len(vectors),
            frames=frames,
            has_netlist="core_netlist.v" in texts,
        )
        _write(out / path.stem, text)

    for name, text in sorted(texts.items()):
        _write(out / name, text)
    if memory:
        _write(out / "memory.json", _words_text(memory))
    if flash:
        _write(out / "flash.json", _words_text(flash))
    if evidence:
        _write(out / "evidence.json", _words_text(evidence))
    _write(out / "facts.json", json.dumps(dict(facts), indent=1) + "\n")
    _write(out / "vectors.json", _vectors_text(facts, vectors))
    if frames is not None:
        _write(out / "frames.json", _frames_text(frames))


def _usual_ports(facts: Mapping[str, object]) -> list[tuple[str, str, int]]:
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


def _vectors_text(facts: Mapping[str, object], vectors: Vectors) -> str:
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
