"""Reshapes of tensors whose axes are permuted in memory."""

from collections.abc import Sequence

from cosearch.frontend.graph import Dim, same_dim

Order = tuple[int, ...]


def regroup(
    source: Sequence[Dim], target: Sequence[Dim], order: Order
) -> tuple[Order, Order] | None:
    """Find the orders in which a reshape is a reshape in memory too.

    A reshape splits and merges runs of axes: ``[N, C, H, W]`` to ``[N, 2, C/2, H, W]`` has the
    groups N→N, C→(2, C/2), H→H, W→W. Groups may lie in memory in any order, as long as the axes of
    each lie together and in sequence.

    Parameters
    ----------
    source, target : sequence of extents
        The shapes before and after.
    order : tuple of int
        The order in which the source lies in memory.

    Returns
    -------
    (before, after) : tuple of tuple of int, or None
        The order to bring the source to, equal to `order` where nothing need move, and the order
        in which the reshaped tensor then lies; None where the groups cannot be told.
    """
    groups = _groups(source, target)
    if groups is None:
        return None
    position = {axis: i for i, axis in enumerate(order)}
    groups.sort(key=lambda group: max((position[axis] for axis in group[0]), default=-1))
    wanted = [axis for group in groups for axis in group[0]]
    ones = {axis for axis, extent in enumerate(source) if same_dim(extent, 1)}
    lies = [axis for axis in order if axis not in ones]
    before = order if wanted == lies else (*wanted, *sorted(ones))
    return before, tuple(axis for group in groups for axis in group[1])


def _groups(
    source: Sequence[Dim], target: Sequence[Dim]
) -> list[tuple[list[int], list[int]]] | None:
    """Pair runs of source axes with the runs that they become; extents of 1 are free."""
    left = [axis for axis, extent in enumerate(source) if not same_dim(extent, 1)]
    right = [axis for axis, extent in enumerate(target) if not same_dim(extent, 1)]
    groups: list[tuple[list[int], list[int]]] = []
    while left and right:
        group = ([left.pop(0)], [right.pop(0)])
        if not same_dim(source[group[0][0]], target[group[1][0]]) and not _extend(
            group, (left, right), (source, target)
        ):
            return None
        groups.append(group)
    if left or right:
        return None
    return _with_ones(groups, target)


def _extend(
    group: tuple[list[int], list[int]],
    rest: tuple[list[int], list[int]],
    shapes: tuple[Sequence[Dim], Sequence[Dim]],
) -> bool:
    """Take axes from the rest into a group's runs until both have as many elements."""
    sizes = [shapes[side][group[side][0]] for side in range(2)]
    while all(isinstance(size, int) for size in sizes):
        if sizes[0] == sizes[1]:
            return True
        side = 0 if sizes[0] < sizes[1] else 1
        if not rest[side]:
            return False
        axis = rest[side].pop(0)
        group[side].append(axis)
        extent = shapes[side][axis]
        sizes[side] = sizes[side] * extent if isinstance(extent, int) else extent
    return False


def _with_ones(
    groups: list[tuple[list[int], list[int]]], target: Sequence[Dim]
) -> list[tuple[list[int], list[int]]]:
    """Each target axis of extent 1 joins the group of the axis before it, or leads."""
    owner = {axis: i for i, (_, run) in enumerate(groups) for axis in run}
    leading: list[int] = []
    for axis in range(len(target)):
        if axis not in owner:
            if axis - 1 in owner:
                owner[axis] = owner[axis - 1]
                groups[owner[axis]][1].append(axis)
            else:
                leading.append(axis)
    for _, run in groups:
        run.sort()
    return [([], leading), *groups] if leading else groups
