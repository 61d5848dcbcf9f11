"""Draws the README's pictures into docs/pictures: breast cancer's forest on an iCEBreaker.

Usage: python benchmarks/pictures.py
"""

import tempfile
from pathlib import Path

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

import locgen
from locgen.flow.report_pictures import make_pictures
from locgen.report.svg import floorplan_svg, network_svg

OUT = Path(__file__).resolve().parent.parent / "docs" / "pictures"


def main() -> None:
    """Build once with the tree fabric and write floor plan and network."""
    bunch = load_breast_cancer()
    data = train_test_split(
        bunch.data, bunch.target, test_size=0.3, random_state=0, stratify=bunch.target
    )
    forest = RandomForestClassifier(n_estimators=20, max_depth=5, random_state=0)
    forest.fit(data[0], data[2])
    design = locgen.compile(forest, data=data, board="icebreaker", fabric="tree")
    with tempfile.TemporaryDirectory() as folder:
        built = design.build(Path(folder) / "build")
        pictures = make_pictures(design, built)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "floorplan.svg").write_text(floorplan_svg(pictures), "utf-8")
    (OUT / "network.svg").write_text(network_svg(pictures), "utf-8")


if __name__ == "__main__":
    main()
