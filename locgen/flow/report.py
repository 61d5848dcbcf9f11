"""The report of a build: `report.json`, `report.html` and the page of the folder."""

from locgen.flow.built import Built
from locgen.flow.planned import PlannedDesign
from locgen.flow.report_chip import chip_section
from locgen.flow.report_hardware import (
    core_section,
    energy_section,
    evidence_section,
    fabric_section,
    synthesis_section,
    target_section,
    throughput_section,
    timing_section,
)
from locgen.flow.report_pictures import make_pictures
from locgen.flow.report_quantisation import (
    experts_section,
    pruning_section,
    quantisation_section,
)
from locgen.report.html import render_html
from locgen.report.project import render_readme
from locgen.report.schema import Estimate, ModelFacts, Report, Usage, Verification
from locgen.targets.toolchain import find_tool
from locgen.version import __version__

__all__ = ["make_report", "write_report"]


def make_report(design: PlannedDesign, built: Built | None = None) -> Report:
    """Return the report of `design`; without `built`, what only tools can tell is None."""
    model = design.model
    mapped, routed, chip = (
        (None, None, None) if built is None else (built.mapped, built.routed, built.chip)
    )
    core = core_section(mapped, chip)
    return Report(
        digest=design.digest,
        model=ModelFacts(
            name=model.name,
            family=model.family,
            library=model.library,
            nodes=len(model.nodes),
            features=len(model.features),
            outputs=model.outputs,
            task=model.task,
        ),
        quantisation=quantisation_section(design),
        pruning=pruning_section(design.quantisation),
        fabric=fabric_section(design.plan),
        evidence=evidence_section(design.plan, built),
        target=target_section(design, built),
        utilisation=None if routed is None else Usage(**routed.utilisation.as_dict()),
        core=core,
        synthesis=synthesis_section(mapped, design.options.effort, core),
        chip=None if chip is None else chip_section(chip),
        estimate=Estimate(
            logic_cells=design.estimate.logic_cells,
            fmax_mhz=design.fmax_mhz and round(design.fmax_mhz, 2),
        ),
        timing=timing_section(routed, chip),
        throughput=throughput_section(design, built),
        energy=None if built is None else energy_section(built),
        experts=experts_section(design, built),
        verification=[] if built is None else [Verification.of(r) for r in built.results],
        unverified=None if built is None else built.unverified,
        tools=_tools(design, built),
    )


def _tools(design: PlannedDesign, built: Built | None) -> dict[str, str]:
    """Return what made the figures; before a build that is locgen alone."""
    tools = {"locgen": __version__}
    if built is not None:
        tools["yosys"] = find_tool("yosys").version
        tools |= {result.simulator: result.simulator_version for result in built.results}
        if built.chip is not None and built.chip.timing is not None and built.chip.timing.start:
            tools["sta"] = find_tool("sta").version
        if built.routed is not None:
            placer = design.target.backend.tools[1]
            tools[placer] = find_tool(placer).version
    return tools


def write_report(design: PlannedDesign, built: Built) -> Report:
    """Write `report.json`, `report.html` and `README.md` into the build folder."""
    report = make_report(design, built)
    bitstream = None if built.bitstream is None else built.bitstream.name
    texts = {
        "report.html": render_html(report, make_pictures(design, built)),
        "README.md": render_readme(report, bitstream),
        "report.json": report.to_json(),
    }
    for name, text in texts.items():
        (built.out / name).write_text(text, "utf-8")
    return report
