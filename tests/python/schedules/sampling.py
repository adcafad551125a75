"""A schedule out of MetaSchedule's own space."""

from tvm.s_tir import meta_schedule as ms

from cosearch.schedules.tensor_intrinsics import cpu_intrinsics


def sample_trace(mod, target):
    """Return the trace of the first schedule of the default space that applies."""
    with cpu_intrinsics():
        context = ms.TuneContext(
            mod=mod,
            target=target,
            space_generator="post-order-apply",
            search_strategy="evolutionary",
            task_name="sampled",
            num_threads=1,
        )
    for schedule in context.generate_design_space():
        schedule.enter_postproc()
        if all(postproc.apply(schedule) for postproc in context.space_generator.postprocs):
            return schedule.trace.as_json()
    raise AssertionError("no schedule of the space applies")
