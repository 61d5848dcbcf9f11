"""Plain Verilog for any tool, and a core file for FuseSoC."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from locgen.devices import Device
from locgen.resources import resource
from locgen.targets.target import Job, Mapped, Target
from locgen.top.kinds import BUS_TOPS, FRAMED_TOPS

__all__ = ["VerilogTarget"]

_TEMPLATE = "fusesoc.core.j2"


@dataclass(frozen=True, kw_only=True)
class VerilogTarget(Target):
    """Verilog for any tool: nothing is mapped, counted or routed."""

    name: str = "verilog"
    title: str = "plain Verilog for any tool"
    tops: tuple[str, ...] = ("stream", *FRAMED_TOPS, *BUS_TOPS)
    notes: str = "no figures of size, clock or energy: your own tools will tell"

    def synthesise(self, modules: Mapping[str, str], device: Device | None, job: Job) -> None:
        """Map nothing."""

    def deliver(self, name: str, out: Path, mapped: Mapped | None) -> None:
        """Write ``<name>.core``, which FuseSoC reads."""
        environment = Environment(
            loader=FileSystemLoader(resource("templates")),
            undefined=StrictUndefined,
            trim_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,  # YAML, with a name that is checked
        )
        has_top = (out / "netlist" / "top.v").is_file()
        toplevel = "top" if has_top else "core"
        text = environment.get_template(_TEMPLATE).render(name=name, toplevel=toplevel)
        (out / f"{name}.core").write_text(text, "utf-8")
