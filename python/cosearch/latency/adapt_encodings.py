"""Architectures of published tables as numbers, from their encodings alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NASBENCH201_OPERATORS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""Operators of a NAS-Bench-201 cell; the first is no edge."""
NASBENCH201_EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
"""Target and source node of each edge, in the order of the architecture's string."""
_SKIP, _POOL = map(NASBENCH201_OPERATORS.index, ("skip_connect", "avg_pool_3x3"))
FBNET_POSITIONS = 22
FBNET_OPERATORS = 9
_CELL = re.compile(r"\|(\w+)~0\|\+\|(\w+)~0\|(\w+)~1\|\+\|(\w+)~0\|(\w+)~1\|(\w+)~2\|")
_NODES = 4

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Encoding:
    """Architectures of one space as features.

    Attributes
    ----------
    features : numpy.ndarray
        float64 ``[views, n, d]``. The views have the same columns and differ in what they take to
        run: a framework runs a branch that leads nowhere, a compiler removes it.
    groups : numpy.ndarray
        int64 ``[partitions, d]``. Columns of one number in a row are costs that are likely to
        differ from one device to the next by one factor, such as those of one operator.
    """

    features: Floats
    groups: Integers

    def __len__(self) -> int:
        """Count architectures."""
        return int(self.features.shape[1])


def encode_nasbench201(architectures: Sequence[str]) -> Encoding:
    """Count what a NAS-Bench-201 cell runs.

    The three views are the cell as it is written, as it is left by a compiler for which an absent
    edge is a multiplication by zero (see `fold_zeros`), and canonical, without edges that do not
    lead to the output or that no input reaches. The columns count skips, 1x1 and 3x3 convolutions,
    poolings and additions; the last one says that nothing is left. All edges of a cell have tensors
    of one shape, so that counts are proportional to work. The space is that of Dong and Yang,
    "NAS-Bench-201", ICLR 2020, section 2.

    Parameters
    ----------
    architectures : sequence of str
        Such as ``|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|``.

    Returns
    -------
    Encoding
        Features ``[3, n, 6]``.

    Raises
    ------
    ValueError
        If a string is no cell of NAS-Bench-201.
    """
    operators = _parse_cells(architectures)
    views = (operators, fold_zeros(operators), remove_dead_edges(operators))
    features = np.stack([_count(view) for view in views])
    return Encoding(features, np.arange(features.shape[2], dtype=np.int64)[None])


def encode_fbnet(architectures: Sequence[str] | Sequence[Sequence[int]]) -> Encoding:
    """Mark which operator an FBNet architecture has at each position.

    The space is that of Wu et al., "FBNet", CVPR 2019, section 3.1. Costs go together by operator
    and by position.

    Parameters
    ----------
    architectures : sequence of str or of sequences of int
        22 numbers from 0 to 8 each, where they are strings with blanks between.

    Returns
    -------
    Encoding
        Features ``[1, n, 198]``, zero or one.

    Raises
    ------
    ValueError
        If an architecture has another length or other numbers.
    """
    rows = [_parse_choices(architecture) for architecture in architectures]
    choices = np.array(rows, np.int64).reshape(len(rows), FBNET_POSITIONS)
    marks = choices[:, :, None] == np.arange(FBNET_OPERATORS)
    position, operator = np.divmod(np.arange(FBNET_POSITIONS * FBNET_OPERATORS), FBNET_OPERATORS)
    features = marks.reshape(1, len(rows), -1).astype(np.float64)
    return Encoding(features, np.stack([operator, position]))


def remove_dead_edges(operators: Integers) -> Integers:
    """Leave out the operators of a NAS-Bench-201 cell whose output no input reaches or nobody uses.

    Parameters
    ----------
    operators : numpy.ndarray
        Integers ``[n, 6]``, one number of `NASBENCH201_OPERATORS` for each edge.

    Returns
    -------
    numpy.ndarray
        Integers ``[n, 6]`` with zeros instead of dead edges.
    """
    live = _reaching_output(operators) & _reached_by_input(operators)
    return np.where(live, operators, 0)


def fold_zeros(operators: Integers) -> Integers:
    """Leave out what a NAS-Bench-201 cell loses where absent edges multiply by zero.

    The published code has an operator for edges that are absent: it multiplies by zero. Compilers
    fold what follows from constants alone: all of a cell whose output no input reaches, but no
    operator on a constant beside others. Dead code goes with the multiplication by zero that
    follows it, unless that has been folded into the weights of one convolution before it, which is
    then computed with zeros. Found in the latencies of a Raspberry Pi 4 in HW-NAS-Bench (Li et al.,
    ICLR 2021), of whose variance this view explains 98 %, that without dead code 94 %.

    Parameters
    ----------
    operators : numpy.ndarray
        Integers ``[n, 6]``, one number of `NASBENCH201_OPERATORS` for each edge.

    Returns
    -------
    numpy.ndarray
        Integers ``[n, 6]`` with zeros instead of edges that are not computed.
    """
    used, reached = _reaching_output(operators), _reached_by_input(operators)
    dead = (operators != 0) & ~used
    first, between = (NASBENCH201_EDGES.index(edge) for edge in ((1, 0), (2, 1)))
    ends = dead.copy()
    ends[:, first] &= operators[:, between] == 0
    ends &= (operators != _SKIP) | reached  # a skip of a constant is that constant
    folded = (ends.sum(1) == 1) & ~(ends & (operators == _POOL)).any(1)
    computed = used | (dead & folded[:, None])
    computed &= (computed & reached).any(1)[:, None]
    return np.where(computed, operators, 0)


def _reached_by_input(operators: Integers) -> Booleans:
    present, reached = operators != 0, np.zeros((len(operators), _NODES), np.bool_)
    reached[:, 0] = True
    for edge, (target, source) in enumerate(NASBENCH201_EDGES):
        reached[:, target] |= present[:, edge] & reached[:, source]
    live: Booleans = present & reached[:, [source for _, source in NASBENCH201_EDGES]]
    return live


def _reaching_output(operators: Integers) -> Booleans:
    present, used = operators != 0, np.zeros((len(operators), _NODES), np.bool_)
    used[:, -1] = True
    for edge, (target, source) in reversed(list(enumerate(NASBENCH201_EDGES))):
        used[:, source] |= present[:, edge] & used[:, target]
    live: Booleans = present & used[:, [target for target, _ in NASBENCH201_EDGES]]
    return live


def _count(operators: Integers) -> Floats:
    inputs = np.zeros((len(operators), _NODES), np.int64)
    for edge, (target, _) in enumerate(NASBENCH201_EDGES):
        inputs[:, target] += operators[:, edge] != 0
    columns = [(operators == kind).sum(1) for kind in range(1, len(NASBENCH201_OPERATORS))]
    columns += [np.maximum(inputs - 1, 0).sum(1), (operators == 0).all(1)]
    return np.stack(columns, axis=1).astype(np.float64)


def _parse_cells(architectures: Sequence[str]) -> Integers:
    numbers = {name: number for number, name in enumerate(NASBENCH201_OPERATORS)}
    cells = []
    for architecture in architectures:
        names = _CELL.fullmatch(architecture)
        if names is None or not set(names.groups()) <= numbers.keys():
            raise ValueError(f"no cell of NAS-Bench-201: {architecture!r}")
        cells.append([numbers[name] for name in names.groups()])
    return np.array(cells, np.int64).reshape(len(cells), len(NASBENCH201_EDGES))


def _parse_choices(architecture: str | Sequence[int]) -> list[int]:
    parts = architecture.split() if isinstance(architecture, str) else architecture
    try:
        choices = [int(part) for part in parts]
    except ValueError:
        choices = []
    if len(choices) != FBNET_POSITIONS or not all(0 <= c < FBNET_OPERATORS for c in choices):
        raise ValueError(f"no architecture of FBNet: {architecture!r}")
    return choices
