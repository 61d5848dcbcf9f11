"""The report's pictures as SVG, each usable alone.

Every function takes ``standalone=True`` to put colours for light, dark and print into the picture
itself; the report page passes False and carries them once.
"""

from locgen.report.agreement import confusion_svg, scatter_svg
from locgen.report.charts import features_svg, modules_svg, trials_svg
from locgen.report.floorplan import floorplan_svg
from locgen.report.network import network_svg
from locgen.report.pipeline import pipeline_svg

__all__ = [
    "confusion_svg",
    "features_svg",
    "floorplan_svg",
    "modules_svg",
    "network_svg",
    "pipeline_svg",
    "scatter_svg",
    "trials_svg",
]
