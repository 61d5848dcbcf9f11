"""The `README.md` of a build folder: what lies there and how to use it."""

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from locgen.report.facts import hardware
from locgen.report.schema import Report
from locgen.resources import resource

__all__ = ["render_readme"]


def render_readme(report: Report, bitstream: str | None) -> str:
    """Return the page for a build with this report and bitstream file (None without one)."""
    environment = Environment(
        loader=FileSystemLoader(resource("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown; every value comes from the checked report
    )
    return environment.get_template("project_readme.md.j2").render(
        r=report, bitstream=bitstream, hardware=hardware(report)
    )
