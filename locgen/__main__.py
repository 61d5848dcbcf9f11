"""``python -m locgen`` is the command line."""

from locgen.cli import main

main()
