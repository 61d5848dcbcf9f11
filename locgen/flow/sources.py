"""A trained model and its user's rows, read and compared with the library's predict."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from locgen.flow.data import form_of_rows, read_dataset
from locgen.flow.tables import read_npz
from locgen.frontends import Agreement, Loaded, load
from locgen.passes import Context, refuse_missing
from locgen.quantise import Dataset

__all__ = ["Source", "read_source"]


class Source(NamedTuple):
    """A model, the rows to search its widths on, and how it agrees with its library on them."""

    loaded: Loaded
    dataset: Dataset | None
    agreement: Agreement | None


def read_source(
    source: object,
    data: object = None,
    *,
    label: str | None = None,
    na: str | Sequence[str] | None = None,
    trust: bool = False,
    refuses_missing: bool = False,
) -> Source:
    """Return a trained model and the user's rows; parameters are those of `plan_design`.

    Parameters
    ----------
    refuses_missing : whether the user refuses missing values that the model accepts

    Raises
    ------
    LocgenError
        As of `load` and `read_dataset`; UnsupportedModel if an answer differs from the library's.
    """
    what = "data"
    path = Path(data) if isinstance(data, str | Path) else None
    if path is not None and path.suffix.lower() == ".npz" and path.is_file():
        what, data = str(path), read_npz(path)
    if isinstance(source, Loaded):
        loaded = source
    else:
        loaded = load(source, trust=trust, **form_of_rows(data))
    model = refuse_missing.run(loaded.model, Context(refuse_missing=refuses_missing)).model
    loaded = replace(loaded, model=model)
    dataset = read_dataset(data, model, label, na, loaded.named, what)
    if dataset is None:
        return Source(loaded, None, None)
    train = loaded.compare(dataset.x_train, dataset.frame_train)
    agreement = train + loaded.compare(dataset.x_test, dataset.frame_test)
    return Source(loaded, replace(dataset, answers_train=train.answers), agreement)
