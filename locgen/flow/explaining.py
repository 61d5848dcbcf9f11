"""Evidence about answers: the account of each node, in integers that recombine to the scores."""

from dataclasses import dataclass

import numpy as np

from locgen.errors import ConfigurationError, Mismatch
from locgen.flow.planned import PlannedDesign
from locgen.flow.serial_board import open_board
from locgen.host.board import Board
from locgen.plan.evidence import Gathered, gathered_of, read_runs

__all__ = ["Explanation", "explain"]


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


def explain(design: PlannedDesign, x: object, board: Board | str | None = None) -> Explanation:
    """Return the evidence for each row of `x` (rows, columns).

    Parameters
    ----------
    design : the design whose golden model explains
    x : rows (rows, columns), as `predict` takes them
    board : a board, or the name of its serial port, that sends its own evidence for comparison

    Raises
    ------
    DataError
        If `x` has another number of columns, or values that the model refuses.
    ConfigurationError
        If there is a board and the design was compiled without ``explain=True``.
    Mismatch
        If accounts, contributions, and what the gates send or should send do not agree.
    BoardError
        If the board is silent, or holds another design.
    """
    model, plan = design.model, design.plan
    q, codes = model.quantise(design.rows(x)), model.missing_codes
    accounts = tuple(node.account(q, codes) for node in model.nodes)
    leaf_ids = np.full((len(q), len(model.nodes)), -1, dtype=np.int64)
    contributions = np.zeros((len(q), len(model.nodes), model.outputs), dtype=np.int64)
    is_open = model.open_nodes(q)
    for number, (node, account) in enumerate(zip(model.nodes, accounts, strict=True)):
        counted = is_open[:, number]
        leaf_ids[:, number] = np.where(counted, account.get("leaf_id", -1), -1)
        scores = node.evaluate(q, codes)
        if not np.array_equal(node.total(account), scores):
            raise Mismatch(f"the account of node {number} is not what it scores: report this")
        contributions[:, number, list(node.outputs)] = scores * counted[:, None]
    bias = np.array(model.bias, dtype=np.int64)
    total = bias + contributions.sum(axis=1)
    sent = gathered_of(model, plan, q) if plan.evidence else None
    if sent is not None and not np.array_equal(sent.scores, total):
        raise Mismatch("the evidence does not recombine to the scores: report this")
    if board is not None:
        sent = _board_evidence(design, board, q, sent)
    return Explanation(leaf_ids, contributions, bias, total, accounts, sent)


def _board_evidence(
    design: PlannedDesign, board: Board | str, q: np.ndarray, expected: Gathered | None
) -> Gathered:
    """Return the evidence that `board` sends for codes `q`, after comparing it with `expected`."""
    model = design.model
    if expected is None:
        raise ConfigurationError(
            f"{model.name} gathers no evidence that a board could send: compile it with "
            "explain=True, or leave the board out"
        )
    line = open_board(board, design)
    _, scores, runs = line.explain(q, model.feature_bits, int(design.digest, 16))
    received = read_runs(model, design.plan, runs)
    wrong = np.flatnonzero(
        (received.numbers != expected.numbers).any(axis=1) | (scores != expected.scores).any(axis=1)
    )
    if len(wrong):
        raise Mismatch(
            f"the board says something else than golden about {len(wrong)} of {len(q)} rows, "
            f"the first is row {wrong[0]}: report this",
            tuple(wrong[:8].tolist()),
        )
    return received
