"""The ``cosearch`` pipeline: from a Relax module to one that TVM's virtual machine can run."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import tvm
from tvm import relax
from tvm.ir import IRModule
from tvm.target import Target
from tvm.tirx import PrimFunc

from cosearch.blocks import InlineBlocks
from cosearch.report.reuse import Kernel, ReuseReport, set_last_reuse
from cosearch.schedules.apply import Applied, apply_schedules
from cosearch.schedules.call_sites import CallSite, CallSites
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.count_flops import count_flops
from cosearch.schedules.database import ScheduleDatabase
from cosearch.schedules.fold_weights import fold_weights
from cosearch.schedules.hoist_weights import hoist_weights
from cosearch.schedules.lower import lower_to_workloads
from cosearch.schedules.prefetch_weights import prefetch_weights
from cosearch.schedules.target import with_threads
from cosearch.schedules.tasks import extract_workloads
from cosearch.schedules.transfer.candidates import Candidate
from cosearch.schedules.tuner import tune
from cosearch.schedules.verify_kernel import KernelVerifier

FEW_TRIALS = 8
"""Candidates for each workload when a build may measure, and nothing else is said."""


@dataclass(frozen=True)
class PipelineOptions:
    """What ``PassContext(config={"relax.cosearch.…": …})`` can turn.

    Attributes
    ----------
    enable : bool or None
        Whether to use the database at all; None where the key is not given.
    trials : int
        Candidates to measure for each workload that the database does not hold. Default 0, or
        `FEW_TRIALS` where `seconds` are given.
    seconds : float
        Time that may be spent on measuring them, where it helps the network most; 0 for as long as
        it takes. Default 0.
    verify : bool
        Compare every scheduled kernel with the unscheduled one on random input. Default false.
    patterns : tuple of str or None
        Patterns of blocks to lift, by default all.
    keep_blocks : bool
        Leave blocks as functions of the compiled module instead of inlining them. Default false.
    """

    enable: bool | None = None
    trials: int = 0
    seconds: float = 0.0
    verify: bool = False
    patterns: tuple[str, ...] | None = None
    keep_blocks: bool = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "PipelineOptions":
        """Read the options out of a pass context's config.

        Raises
        ------
        ValueError
            When the number of trials or of seconds is negative.
        """
        given = {
            key.removeprefix("relax.cosearch."): value
            for key, value in config.items()
            if key.startswith("relax.cosearch.")
        }
        for key in ("trials", "seconds"):
            if given.get(key, 0) < 0:
                raise ValueError(f"relax.cosearch.{key} is {given[key]}, but cannot be negative")
        seconds = float(given.get("seconds", 0))
        patterns = given.get("patterns")
        return cls(
            enable=bool(given["enable"]) if "enable" in given else None,
            trials=int(given.get("trials", FEW_TRIALS if seconds else 0)),
            seconds=seconds,
            verify=bool(given.get("verify", False)),
            patterns=None if patterns is None else tuple(str(name) for name in patterns),
            keep_blocks=bool(given.get("keep_blocks", False)),
        )


def build_pipeline(database: ScheduleDatabase | None = None) -> tvm.transform.Pass:
    """Return the pass that ``tvm.compile(mod, target, relax_pipeline="cosearch")`` runs.

    Parameters
    ----------
    database : ScheduleDatabase, optional
        Where schedules come from; by default the one that a ``with`` statement has entered, or
        else the user's own.

    Returns
    -------
    tvm.transform.Pass
        A module pass. It leaves a `ReuseReport` where `last_reuse` finds it.
    """

    def pipeline(mod: IRModule, ctx: tvm.transform.PassContext) -> IRModule:
        options = PipelineOptions.from_config(ctx.config)
        if options.enable is False:
            return relax.get_pipeline("default")(mod)
        target = with_threads(Target.current(allow_none=True))
        if database is not None:
            return _build(mod, target, database, options)
        current = ScheduleDatabase.current()
        if current is not None:
            return _build(mod, target, current, options)
        with ScheduleDatabase() as default:
            return _build(mod, target, default, options)

    return tvm.transform.module_pass(pipeline, opt_level=0, name="cosearch.Pipeline")


def _build(
    mod: IRModule, target: Target, database: ScheduleDatabase, options: PipelineOptions
) -> IRModule:
    lowered = lower_to_workloads(mod, target, options.patterns)
    conditions = Conditions.of(target)
    tuned: frozenset[str] = frozenset()
    with ExitStack() as stack:
        verifier = stack.enter_context(KernelVerifier(target)) if options.verify else None
        scheduled, applied = apply_schedules(lowered, database, conditions, verifier)
        if options.trials:
            tuned = _tune_misses(lowered, applied, target, database, options)
            scheduled, applied = apply_schedules(lowered, database, conditions, verifier)
    sites = CallSites.of(lowered)
    set_last_reuse(
        ReuseReport(
            kernels=tuple(
                _kernel(name, site, applied[name], name in tuned, lowered[name])
                for name, site in sites.kernels.items()
                if name in applied
            ),
            blocks=tuple(sites.blocks),
            network=network_name(mod),
            target=conditions.target,
            threads=conditions.threads,
            database=database.url,
        )
    )
    return finish(scheduled, target, keep_blocks=options.keep_blocks)


def finish(mod: IRModule, target: Target, *, keep_blocks: bool = False) -> IRModule:
    """Pack the weights, inline the blocks and lower a scheduled module for the virtual machine.

    Parameters
    ----------
    mod : tvm.ir.IRModule
        A module of kernels and blocks, after `apply_schedules`.
    target : tvm.target.Target
        What it is compiled for.
    keep_blocks : bool
        Leave blocks as functions; memory is then planned for each of them alone.
    """
    place_blocks = hoist_weights if keep_blocks else InlineBlocks()
    with target:
        mod = relax.transform.SplitLayoutRewritePreproc()(mod)
        mod = fold_weights(place_blocks(mod))
        if target.kind.name == "llvm":
            mod = prefetch_weights(mod)
        return relax.get_pipeline("default_build")(mod)


def network_name(mod: IRModule) -> str:
    """Return the name that the frontend gave a network, or nothing."""
    return str((mod.attrs or {}).get("cosearch.model", ""))


def _kernel(name: str, site: CallSite, applied: Applied, is_tuned: bool, func: PrimFunc) -> Kernel:
    kernel = Kernel(
        name=name,
        workload=applied.signature.shape_aware,
        workload_agnostic=applied.signature.shape_agnostic,
        source="default",
        calls=site.calls,
        blocks=site.blocks,
        reason=applied.reason,
        flops=count_flops(func),
        rejected=applied.rejected,
    )
    record, candidate = applied.record, applied.candidate
    if candidate is not None:
        return _unmeasured(kernel, candidate)
    if record is None:
        return kernel
    return replace(
        kernel,
        source="tuned" if is_tuned else "exact",
        record=record.id,
        donor=record.provenance.network,
        recorded_us=record.latency_us,
    )


def _unmeasured(kernel: Kernel, candidate: Candidate) -> Kernel:
    """Say where a schedule comes from that was not measured for its kernel."""
    donor = candidate.donor
    kernel = replace(kernel, source="rules", expected_us=candidate.expected_us)
    if donor is None:
        return kernel
    return replace(
        kernel,
        source="transferred",
        record=donor.record_id,
        donor=donor.network,
        recorded_us=donor.latency_us,
        distance=candidate.distance,
        donor_workload=donor.signature.shape_aware,
    )


def _tune_misses(
    lowered: IRModule,
    applied: Mapping[str, Applied],
    target: Target,
    database: ScheduleDatabase,
    options: PipelineOptions,
) -> frozenset[str]:
    missing = {entry.signature for entry in applied.values() if entry.record is None}
    tasks = [task for task in extract_workloads(lowered) if task.workload.signature in missing]
    if tasks:
        tune(
            tasks,
            database,
            target,
            seconds=options.seconds or None,
            trials_per_task=options.trials,
            network=network_name(lowered),
        )
    return frozenset(name for name, entry in applied.items() if entry.record is None)
