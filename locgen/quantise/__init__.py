"""From floats to integers: feature quantisers, leaf scores, and the search for their widths."""

from locgen.quantise.dataset import Dataset, check_rows, in_order, match_columns, numbered
from locgen.quantise.search import Quantisation, QuantiseOptions, Trial, quantise, synthetic_rows

__all__ = [
    "Dataset",
    "Quantisation",
    "QuantiseOptions",
    "Trial",
    "check_rows",
    "in_order",
    "match_columns",
    "numbered",
    "quantise",
    "synthetic_rows",
]
