"""Planning of a design: from a model and options to the integer model and its plan."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from locgen.errors import ConfigurationError, ModelFileError
from locgen.flow.build_target import BuildTarget, resolve_target
from locgen.flow.fabric_choice import choose_plan
from locgen.flow.options import BuildOptions, make_options
from locgen.flow.planned import PlannedDesign
from locgen.flow.sources import read_source
from locgen.frontends import Loaded
from locgen.ir import from_json
from locgen.passes import INTEGER_PASSES, Context, run_passes
from locgen.quantise import Dataset, Quantisation, QuantiseOptions, quantise

__all__ = ["plan_design"]


def plan_design(
    source: object,
    target: str | None = None,
    data: object = None,
    *,
    label: str | None = None,
    na: str | Sequence[str] | None = None,
    trust: bool = False,
    **options: object,
) -> PlannedDesign:
    """Return `source` quantised and planned for `target`; no tool runs.

    Parameters
    ----------
    source : fitted estimator, path of a model file, or what `load` returned
    target : name of the family or target, see ``locgen targets``
    data : path of a .npz, .csv or .parquet, a mapping with the keys of a .npz, (X, y), or four
        arrays as ``train_test_split`` returns them; rows may be data frames or sparse
    label, na : label column of a table, texts in a .csv that mean a missing value
    trust : run whatever a pickle asks for
    options : any of `BuildOptions`, such as ``board="icebreaker"`` or ``fabric="tree"``

    Raises
    ------
    LocgenError
        See the classes of `locgen.errors`.
    """
    chosen = make_options(target=target, **options)
    where = resolve_target(chosen)
    if isinstance(source, str | Path) and str(source).endswith(".locgen.json"):
        return _planned(None, _read_integer_model(Path(source), chosen, data), None, chosen, where)
    loaded, dataset, agreement = read_source(
        source, data, label=label, na=na, trust=trust, refuses_missing=chosen.missing == "refuse"
    )
    candidates = _quantisations(loaded, chosen, dataset)
    designs = [_planned(loaded, each, dataset, chosen, where) for each in candidates]
    best = min(designs, key=lambda design: design.estimate.logic_cells)
    if dataset is not None:
        best.rows(dataset.x_test)  # golden answers them for the report
    return replace(best, agreement=agreement)


def _quantisations(
    loaded: Loaded, options: BuildOptions, dataset: Dataset | None
) -> list[Quantisation]:
    """Return the integer model; of a pruned one both, since fewer leaves need not be fewer cells.

    What pruning spends of the budget, rounding lacks, and scores may take more bits.
    """
    widths = QuantiseOptions(
        feature_bits=options.feature_bits,
        score_bits=options.score_bits,
        feature_kind=options.feature_kind,
        max_accuracy_drop=options.max_accuracy_drop,
        max_changed=options.max_changed,
        rounding=options.rounding,
        prune=options.prune,
        condense=options.condense,
        tabled=options.core == "engine",
    )
    quantisation = quantise(loaded.model, loaded.name, widths, dataset)
    if quantisation.pruning is None or not quantisation.pruning.cut:
        return [quantisation]
    whole = quantise(loaded.model, loaded.name, replace(widths, prune=False), dataset)
    return [quantisation, replace(whole, pruning=quantisation.pruning.undone)]


def _planned(
    loaded: Loaded | None,
    quantisation: Quantisation,
    dataset: Dataset | None,
    options: BuildOptions,
    target: BuildTarget,
) -> PlannedDesign:
    context = Context(answer=options.answer)
    model, _ = run_passes(quantisation.model, INTEGER_PASSES, context)
    quantisation = replace(quantisation, model=model)
    chosen = choose_plan(quantisation.model, options, target)
    return PlannedDesign(loaded, quantisation, dataset, options, target, chosen)


def _read_integer_model(path: Path, options: BuildOptions, data: object) -> Quantisation:
    """Return the integer model in `path`: widths are fixed, no float model to compare with."""
    if data is not None or options.feature_bits or options.score_bits or options.prune:
        raise ConfigurationError(
            f"{path} is quantised already: leave --data, --feature-bits, --score-bits and --prune "
            "out, or build from the trained model"
        )
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}") from error
    return Quantisation(from_json(text, str(path)), (), 0)
