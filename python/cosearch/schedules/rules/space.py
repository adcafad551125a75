"""The rules' designs in MetaSchedule's design space."""

from tvm.s_tir import Schedule
from tvm.s_tir import meta_schedule as ms
from tvm.target import Target

from cosearch.schedules.conditions import Conditions
from cosearch.schedules.rules.anatomy import NotScheduled
from cosearch.schedules.rules.design import follow_design, rank_designs
from cosearch.schedules.rules.machine import Machine

DESIGNS = 4


def design_space(target: Target, designs: int = DESIGNS) -> ms.space_generator.SpaceGenerator:
    """Return MetaSchedule's default space for a target, with designs of the rules in it.

    Pass it as ``space`` to MetaSchedule's own ``tune_tir`` or as ``space_generator`` to a
    `TuneContext`. Tile sizes are sampling instructions: its search mutates them like its own.

    Parameters
    ----------
    target : tvm.target.Target
        With CPU and threads (see `resolve_target`).
    designs : int
        Designs of each workload, best first. A workload that no rule fits has the default space.
    """
    machine = Machine.of(Conditions.of(target))

    def follow_best(schedule: Schedule) -> list[Schedule]:
        spaces: list[Schedule] = []
        try:
            for design in rank_designs(schedule.mod, machine):
                if len(spaces) == designs:
                    break
                spaces.append(follow_design(schedule.mod, design, machine))
        except NotScheduled:
            pass
        return spaces

    return ms.space_generator.SpaceGeneratorUnion(
        [
            ms.space_generator.ScheduleFn(follow_best),
            ms.space_generator.PostOrderApply(),
        ]
    )
