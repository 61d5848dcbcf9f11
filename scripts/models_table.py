"""The tables of docs/models.md, written from the registry of estimators.

python scripts/models_table.py            # write them between their markers
python scripts/models_table.py --check    # exit code 1 if they differ
"""

import argparse
import re
import sys
from pathlib import Path

from locgen.frontends.registry import ESTIMATORS

DOCUMENT = Path(__file__).parent.parent / "docs" / "models.md"
HEADINGS = {
    "trees": ("estimator", "a leaf adds", "decision", "compares"),
    "arithmetic": ("estimator", "becomes", "decision", "evidence"),
    "ensembles": ("estimator", "what is added up", "second stage", "decision"),
}
"""The columns of each table, see `entries.Row`."""


def table(name: str) -> str:
    """Return the table `name` in Markdown: a row for each `Row` of the registry, in its order."""
    names: dict[object, list[str]] = {}
    for entry in ESTIMATORS:
        for row in entry.rows:
            if row.table == name:
                names.setdefault(row, []).append(f"`{entry.name}`")
    lines = [HEADINGS[name], ("---",) * len(HEADINGS[name])]
    for row, owners in names.items():
        title = row.title.replace("{}", ", ".join(owners))
        lines.append((title, row.becomes, row.decision, row.evidence))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def with_tables(text: str) -> str:
    """Return the document `text` with its tables anew."""

    def renewed(found: re.Match[str]) -> str:
        return f"{found[1]}\n{table(found[2])}\n{found[3]}"

    return re.sub(r"(<!-- table (\w+): [^\n]*-->)\n.*?\n(<!-- end -->)", renewed, text, flags=re.S)


def main() -> int:
    """Write the tables, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    text = DOCUMENT.read_text()
    written = with_tables(text)
    if options.check:
        return int(written != text)
    DOCUMENT.write_text(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
