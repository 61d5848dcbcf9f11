"""The public `Design`: a model quantised and planned, with scikit-learn's names and shapes."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from locgen.errors import ConfigurationError, Mismatch, ModelFileError
from locgen.flow.data import as_dataset, load_dataset
from locgen.flow.options import BuildOptions, make_options
from locgen.flow.place import Choice, Place, choose_plan, resolve_place
from locgen.frontends import Loaded, load
from locgen.ir import Model, QuantisedModel, digest_of, from_json
from locgen.plan.evidence import Gathered, gathered_of, read_runs
from locgen.quantise import (
    Dataset,
    Quantisation,
    QuantiseOptions,
    check_rows,
    condense,
    quantise,
)

if TYPE_CHECKING:
    from locgen.flow.build import Built
    from locgen.report.schema import Report

__all__ = ["Design", "Explanation", "compile_model", "load_model"]


@dataclass(frozen=True)
class Explanation:
    """Why each row got its answer, in integers that recombine to the score bit for bit.

    Members
    -------
    leaf_ids : (rows, nodes) the library's number of the leaf that each tree reached, -1 for a node
        of another kind or of a closed expert
    evidence : for each node what there is to say about it, integers by name, rows first: `leaf_id`;
        `prototype` and `distance`; `terms` (rows, features, outputs), see `NodeBase.account`. They
        are computed here, and were found to amount to `contributions`.
    contributions : (rows, nodes, outputs) what each node adds to each score
    bias : (outputs,) the constant part
    scores : (rows, outputs) ``bias + contributions.sum(axis=1)``
    hardware : what the gates send, with ``explain=True``; None without. Its scores are `scores`.
    """

    leaf_ids: np.ndarray
    contributions: np.ndarray
    bias: np.ndarray
    scores: np.ndarray
    evidence: tuple[dict[str, np.ndarray], ...]
    hardware: Gathered | None


@dataclass(frozen=True)
class Design:
    """A compiled model: golden to predict with, a plan, and the way to gates.

    Members
    -------
    loaded : float model and estimator; None when it came from a `.locgen.json`
    quantisation : the integer model and the widths tried; data : the rows it was searched on
    options, place, choice : what was asked for, the device or board, the plan
    """

    loaded: Loaded | None
    quantisation: Quantisation
    data: Dataset | None
    options: BuildOptions
    place: Place
    choice: Choice

    @property
    def model(self) -> QuantisedModel:
        """The integer model, with the ports of its plan; it owns golden."""
        return self.choice.model

    @cached_property
    def digest(self) -> str:
        """16 hex digits over integer model, plan, top and link: what the hardware answers."""
        plan = self.choice.plan
        facts = {key: repr(value) for key, value in sorted(vars(plan).items())}
        return digest_of(self.model, facts, self.place.top)

    @property
    def classes_(self) -> np.ndarray:
        """Labels in the order of `decision_function` and `predict_proba`."""
        return np.array(self.model.classes)

    @property
    def n_features_in_(self) -> int:
        """Number of columns that `predict` expects."""
        return self.model.columns

    def __repr__(self) -> str:
        """Return what it is in a line."""
        return (
            f"<Design {self.model.name}: {self.model.family}, {len(self.model.nodes)} nodes, "
            f"{self.choice.plan.kind} fabric, {self.digest}>"
        )

    def _rows(self, x: object) -> np.ndarray:
        return check_rows(x, self.model.column_names, self.model.rule.missing)

    def _codes(self, x: object) -> np.ndarray:
        return self.model.quantise(self._rows(x))

    def predict(self, x: object) -> np.ndarray:
        """Return golden's answers: labels (rows,), or values (rows,) or (rows, outputs).

        Raises
        ------
        DataError
            If `x` (rows, features) has another number of columns, or values the model refuses.
        """
        return self.model.predict(self._rows(x))

    def decision_function(self, x: object) -> np.ndarray:
        """Return golden's raw scores as reals: (rows,) for two classes, else (rows, outputs).

        For an isolation forest, what the library calls so: anomaly score less its offset.
        """
        raw = self.model.raw(self.model.scores(self._codes(x)))
        if self.model.anomaly_offset is not None:
            return self.model.anomaly_offset * (np.exp2(-raw[:, 0]) - 1)
        return raw[:, 0] if self.model.outputs == 1 else raw

    def score_samples(self, x: object) -> np.ndarray:
        """Return the anomaly scores (rows,) of an isolation forest, the lower the more abnormal.

        Raises
        ------
        AttributeError
            If the model is another.
        """
        if self.model.anomaly_offset is None:
            raise AttributeError(f"score_samples: {self.model.family} is no isolation forest")
        return self.decision_function(x) + self.model.anomaly_offset

    def predict_proba(self, x: object) -> np.ndarray:
        """Return class probabilities (rows, classes), computed here from the integer scores.

        Raises
        ------
        AttributeError
            If the model gives none: regression, and classifiers without a scale of their own.
        """
        model = self.model
        if model.task == "regression":
            raise AttributeError("predict_proba needs a classifier")
        if model.probability == "none":
            raise AttributeError(f"predict_proba: {model.family} gives no probabilities")
        raw = model.raw(model.scores(self._codes(x)))
        if model.outputs > 1:
            if model.probability == "softmax":
                power = np.exp(raw - raw.max(axis=1, keepdims=True))
                return power / power.sum(axis=1, keepdims=True)
            return np.clip(raw / model.members, 0, 1)
        if len(model.classes) == 1:
            return np.ones((len(raw), 1))
        score = raw[:, 0]
        if model.probability == "mean":
            one = np.clip((score / model.members + 1) / 2, 0, 1)
        else:
            factor = 2 if model.probability == "sigmoid2" else 1
            one = 1 / (1 + np.exp(-factor * score))
        return np.stack([1 - one, one], axis=1)

    def explain(self, x: object, board: object = None) -> Explanation:
        """Return the evidence for each row of `x` (rows, features); see `Explanation`.

        Parameters
        ----------
        board : asked for its evidence about each row if given: a `host.board.Board`, or the name of
            a serial port

        Raises
        ------
        DataError
            As `predict` does.
        ConfigurationError
            If there is a board and the design was compiled without ``explain=True``.
        Mismatch
            If accounts, contributions, and what the gates send or should send do not agree.
        BoardError
            If the board is silent, or holds another design.
        """
        model, q = self.model, self._codes(x)
        codes = model.missing_codes
        accounts = tuple(node.account(q, codes) for node in model.nodes)
        ids = np.full((len(q), len(model.nodes)), -1, dtype=np.int64)
        parts = np.zeros((len(q), len(model.nodes), model.outputs), dtype=np.int64)
        counts = model.open_nodes(q)
        for number, (node, said) in enumerate(zip(model.nodes, accounts, strict=True)):
            counted = counts[:, number]
            ids[:, number] = np.where(counted, said.get("leaf_id", -1), -1)
            scores = node.evaluate(q, codes)
            if not np.array_equal(node.total(said), scores):
                raise Mismatch(f"the account of node {number} is not what it scores: report this")
            parts[:, number, list(node.outputs)] = scores * counted[:, None]
        bias = np.array(model.bias, dtype=np.int64)
        total = bias + parts.sum(axis=1)
        plan = self.choice.plan
        sent = gathered_of(model, plan, q) if plan.evidence else None
        if sent is not None and not np.array_equal(sent.scores, total):
            raise Mismatch("the evidence does not recombine to the scores: report this")
        if board is not None:
            sent = self._ask(board, q, sent)
        return Explanation(ids, parts, bias, total, accounts, sent)

    def _ask(self, board: object, q: np.ndarray, expected: Gathered | None) -> Gathered:
        """Return what `board` says about codes `q`, after comparing it with `expected`."""
        from locgen.flow.update import open_board

        if expected is None:
            raise ConfigurationError(
                f"{self.model.name} gathers no evidence that a board could send: compile it with "
                "explain=True, or leave the board out"
            )
        model, plan = self.model, self.choice.plan
        asked = open_board(board, self)
        _, scores, runs = asked.explain(q, model.feature_bits, int(self.digest, 16))
        got = read_runs(model, plan, runs)
        wrong = np.flatnonzero(
            (got.numbers != expected.numbers).any(axis=1) | (scores != expected.scores).any(axis=1)
        )
        if len(wrong):
            raise Mismatch(
                f"the board says something else than golden about {len(wrong)} of {len(q)} rows, "
                f"the first is row {wrong[0]}: report this",
                tuple(wrong[:8].tolist()),
            )
        return got

    @property
    def report(self) -> "Report":
        """What is known before any tool runs: `report.json`'s keys, the measured ones empty."""
        from locgen.flow.summary import make_report

        return make_report(self)

    def build(self, out: str | Path, tell: object = None) -> "Built":
        """Build into the folder `out`, verified; see `flow.build.build`."""
        from locgen.flow.build import build

        return build(self, Path(out), tell)

    def update(self, source: object, board: object = None, data: object = None) -> "Design":
        """Return this design with another model in its engines, written to a board if one is given.

        Parameters
        ----------
        source : as for `locgen.compile`; data : rows to search widths on
        board : a `host.board.Board`, or the name of a serial port

        Raises
        ------
        LocgenError
            If the engines cannot hold the model (says why), or the board does not take it; see
            `flow.update`.
        """
        from locgen.flow.update import open_board, replace_model, write_model

        updated = replace_model(self, source, data)
        if board is not None:
            write_model(updated, open_board(board, self))
        return updated

    def verify(self) -> list:
        """Verify RTL and netlist against golden without keeping a build; see `flow.build`."""
        from locgen.flow.build import verify_design

        return verify_design(self)


def load_model(source: object, *, trust: bool = False) -> Model:
    """Return the float model in a file or estimator; see `frontends.load`."""
    return load(source, trust=trust).model


def compile_model(
    source: object,
    target: str | None = None,
    data: object = None,
    *,
    label: str | None = None,
    trust: bool = False,
    **options: object,
) -> Design:
    """Return `source` quantised and planned for `target`; no tool runs.

    Parameters
    ----------
    source : fitted estimator, path of a model file, or what `load` returned
    data : path of a .npz or .csv, a mapping with their keys, (X, y), or four arrays as
        ``train_test_split`` returns them
    label : label column of a .csv; trust : run whatever a pickle asks for
    options : any of `BuildOptions`, such as ``board="icebreaker"`` or ``fabric="tree"``

    Raises
    ------
    LocgenError
        See the classes of `locgen.errors`.
    """
    chosen = make_options(target=target, **options)
    place = resolve_place(chosen)
    if isinstance(source, (str, Path)) and str(source).endswith(".locgen.json"):
        loaded, quantisation, dataset = None, _read_integer_model(Path(source), chosen, data), None
    else:
        loaded = source if isinstance(source, Loaded) else load(source, trust=trust)
        if chosen.missing == "refuse":
            rule = replace(loaded.model.rule, missing=False)
            loaded = replace(loaded, model=replace(loaded.model, rule=rule))
        if data is None:
            dataset = None
        elif isinstance(data, (str, Path)):
            dataset = load_dataset(Path(data), loaded.model, label)
        else:
            dataset = as_dataset(data, loaded.model)
        asked = QuantiseOptions(
            feature_bits=chosen.feature_bits,
            score_bits=chosen.score_bits,
            feature_kind=chosen.feature_kind,
            max_accuracy_drop=chosen.max_accuracy_drop,
            max_changed=chosen.max_changed,
            rounding=chosen.rounding,
            prune=chosen.prune,
            tabled=chosen.core == "engine",
        )
        float_model, condensing = loaded.model, None
        if chosen.condense != "none":
            float_model, condensing = condense(float_model, chosen.condense)
        quantisation = quantise(float_model, loaded.name, asked, dataset)
        quantisation = replace(quantisation, condensing=condensing)
        if quantisation.pruning is not None and quantisation.pruning.cut:
            # Fewer leaves need not be fewer cells: what pruning spends of the budget, rounding
            # lacks, and scores may take more bits.
            asked = replace(asked, prune=False)
            whole = quantise(float_model, loaded.name, asked, dataset)
            whole = replace(whole, pruning=quantisation.pruning.undone)
            designs = (_planned(loaded, q, dataset, chosen, place) for q in (quantisation, whole))
            return min(designs, key=lambda design: design.choice.estimate.logic_cells)
    return _planned(loaded, quantisation, dataset, chosen, place)


def _planned(
    loaded: Loaded | None,
    quantisation: Quantisation,
    dataset: Dataset | None,
    chosen: BuildOptions,
    place: Place,
) -> Design:
    if chosen.answer == "decision":
        quantisation = _decision_alone(quantisation)
    choice = choose_plan(quantisation.model, chosen, place)
    return Design(loaded, quantisation, dataset, chosen, place, choice)


def _decision_alone(quantisation: Quantisation) -> Quantisation:
    """Return the same model, answering its decision and no scores."""
    if quantisation.model.decision.bits == 0:
        raise ConfigurationError("--answer decision needs a classifier: a regression has no other")
    return replace(quantisation, model=replace(quantisation.model, answer="decision"))


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
