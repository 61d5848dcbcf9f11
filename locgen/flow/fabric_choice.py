"""The choice of a fabric for a model: network of sites, pipeline, or engines."""

from locgen.errors import ConfigurationError, DoesNotFit
from locgen.flow.build_target import BuildTarget
from locgen.flow.engine_choice import check_memories, choose_engines
from locgen.flow.options import BuildOptions
from locgen.flow.planned import ChosenPlan
from locgen.ir import QuantisedModel
from locgen.passes import prepare
from locgen.plan import CellEstimate, DirectPlan, Plan, estimate_plan, plan_direct, plan_tree
from locgen.top.kinds import FRAMED_TOPS

__all__ = ["LINK_CELLS", "choose_plan"]

_COMFORTABLE = 0.8
"""Share of the device that a design may fill and still route without effort."""
LINK_CELLS = 420
"""Logic cells set aside for UART and frames."""
_EVIDENCE_CELLS = 60
"""The same for evidence on its way to the line, beside block RAM."""


def choose_plan(model: QuantisedModel, options: BuildOptions, target: BuildTarget) -> ChosenPlan:
    """Return the plan that `options` ask for, or the better one for `auto`.

    ``latency`` takes the direct fabric; ``area`` the smaller; ``balanced`` and ``energy`` the
    direct one, which toggles far less, as long as it fills at most 80 % of the device. Engines are
    taken where the device cannot hold all nodes in gates, and gates are saved by them.

    Parameters
    ----------
    model : integer model
    options : requested fabric, core, link width, sites and stages
    target : device that limits cells and memories

    Raises
    ------
    ConfigurationError
        If options of one fabric are given for the other, or ask for more than the model has.
    DoesNotFit
        If engines were asked for and the device's memories are too small.
    """
    beside = model.answer == "decision" or model.decision.parallel_only
    _check_options(model, options, target)
    if options.core == "engine":
        check_memories(target)
        _refuse(
            options.fabric == "direct" or options.stages is not None,
            "--core engine needs --fabric tree and no --stages: engines are sites of a network",
        )
        return choose_engines(model, options, target, "asked for")
    plans: dict[str, Plan] = {}
    sizes: dict[str, CellEstimate] = {}
    if options.fabric in ("auto", "direct"):
        prepared = prepare(model, "direct")
        plans["direct"] = _direct_plan(prepared, options, target)
        sizes["direct"] = estimate_plan(prepared, plans["direct"])
    if options.fabric in ("auto", "tree") and not beside:
        prepared = prepare(model, "tree")
        plans["tree"] = plan_tree(prepared, options.link_bits, options.sites, options.explain)
        sizes["tree"] = estimate_plan(prepared, plans["tree"])
    kind, reason = _choose(sizes, options, target)
    estimate = sizes[kind]
    other = next(((k, s.logic_cells) for k, s in sizes.items() if k != kind), None)
    may_fold = options.core == "auto" and not beside and target.top != "pins"
    may_fold &= options.fabric != "direct" and options.stages is None
    if may_fold and estimate.logic_cells > _room(options, target, 1.0):
        try:
            engines = choose_engines(model, options, target, "too large for gates")
        except (DoesNotFit, ConfigurationError):
            pass  # the refusal that follows says what would fit
        else:
            # An engine has a size of its own, and few memories hold few trees.
            if engines.estimate.logic_cells < estimate.logic_cells:
                return engines
    fmax_mhz = target.fmax_mhz(estimate.levels)
    return ChosenPlan(model, plans[kind], estimate, fmax_mhz, reason, other)


def _refuse(refused: bool, text: str) -> None:
    if refused:
        raise ConfigurationError(text)


def _check_options(model: QuantisedModel, options: BuildOptions, target: BuildTarget) -> None:
    """Refuse options that contradict each other, the model or the target."""
    network = options.fabric == "tree" or options.sites is not None
    _refuse(
        options.fabric == "direct" and options.sites is not None,
        "--sites needs --fabric tree: the direct fabric has no sites",
    )
    _refuse(
        options.fabric == "tree" and options.stages is not None,
        "--stages needs --fabric direct: the tree fabric has no stages",
    )
    beyond = (
        (network, "--fabric tree or --sites"),
        (options.core == "engine", "--core engine"),
        (options.explain, "--explain"),
        (
            target.top not in ("stream", "pins"),
            "a link or bus: add --top stream, or leave --board out",
        ),
    )
    for given, what in beyond:
        _refuse(
            model.answer == "decision" and given,
            f"--answer decision is for the direct fabric with plain ports, not with {what}",
        )
    _refuse(
        model.decision.parallel_only and (network or options.core == "engine"),
        "a weighted median compares all trees at once: leave --fabric tree, --sites and --core "
        "engine out",
    )
    _refuse(
        target.top == "pins" and options.explain,
        "--top pins gives decision and scores alone: for --explain take --top stream or uart",
    )


def _direct_plan(model: QuantisedModel, options: BuildOptions, target: BuildTarget) -> DirectPlan:
    """Return the direct plan, with ``--stages auto`` of enough stages for the clock.

    Where the estimate falls short of it: the fewest more that meet it, or else the fastest.
    """
    fast = options.optimise == "latency"
    plan = plan_direct(model, options.stages, fast, options.explain)
    if options.stages is not None or target.clock_hz is None or target.device is None:
        return plan
    reached: dict[float, DirectPlan] = {}
    for stages in range(plan.latency_cycles, len(plan.registers) + 1):
        longer = plan_direct(model, stages, fast, options.explain)
        fmax = target.fmax_mhz(estimate_plan(model, longer).levels)
        assert fmax is not None
        if fmax * 1e6 >= target.clock_hz:
            return longer
        reached.setdefault(fmax, longer)
    return reached[max(reached)]


def _room(options: BuildOptions, target: BuildTarget, share: float) -> float:
    """Return a core's logic cells so that the design fills `share` of the device."""
    room = target.logic_cells * share
    if target.top in FRAMED_TOPS:
        room -= LINK_CELLS + (_EVIDENCE_CELLS if options.explain else 0)
    return room


def _choose(
    sizes: dict[str, CellEstimate], options: BuildOptions, target: BuildTarget
) -> tuple[str, str]:
    if options.fabric != "auto":
        return options.fabric, "asked for"
    if "tree" not in sizes:
        return "direct", "its answer needs all scores side by side"
    if options.sites is not None:
        return "tree", "--sites was given"
    if options.stages is not None:
        return "direct", "--stages was given"
    if options.explain:
        return "tree", "--explain was given: its network gathers evidence"
    if options.optimise == "latency":
        return "direct", "lowest latency"
    smaller = min(sizes, key=lambda kind: sizes[kind].logic_cells)
    if options.optimise == "area":
        return smaller, "fewest logic cells by estimate"
    if sizes["direct"].logic_cells <= _room(options, target, _COMFORTABLE):
        return "direct", "fits, one inference a cycle, fewest toggles"
    return smaller, "the direct fabric would not fit"
