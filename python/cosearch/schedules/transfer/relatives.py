"""Whole blocks that were tuned: their workloads lend their schedules together."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from cosearch.schedules.similarity import Neighbour
from cosearch.schedules.store.donors import Donor

MISSING = 4.0
"""Distance that counts for a workload which has no relative in a block."""


def choose_relative(members: Sequence[Sequence[tuple[Donor, Neighbour]]]) -> str:
    """Return the tuned block that is nearest to another one, workload by workload.

    The kernels of a block share their extents: what its relative's schedules have in common (which
    rows of a tile, how its results lie in the caches) suits the others as well.

    Parameters
    ----------
    members : sequence of sequence of (Donor, Neighbour)
        For each workload of the block, its donors.

    Returns
    -------
    str
        The block that the donors' records were tuned for (`Provenance.block`); empty where no block
        has donors for more than one of the workloads.
    """
    distances: dict[str, dict[int, float]] = defaultdict(dict)
    for place, donors in enumerate(members):
        for donor, near in donors:
            if donor.block and near.same_structure:
                known = distances[donor.block].get(place, near.distance)
                distances[donor.block][place] = min(known, near.distance)
    shared = {block: found for block, found in distances.items() if len(found) > 1}
    if not shared:
        return ""
    return min(sorted(shared), key=lambda block: _distance(shared[block], len(members)))


def _distance(found: Mapping[int, float], members: int) -> float:
    return sum(found.values()) + MISSING * (members - len(found))
