"""What a step of training draws, as a function of seed and step.

Nothing is drawn from a generator that lives on between steps: a training that was cut off goes on
with the very pictures and networks it would have had, and a checkpoint keeps no generator's state.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

_PICTURES, _NETWORKS = 0, 1


def draw_pictures(
    count: int, batch: int, step: int, seed: int, stream: int = 0
) -> npt.NDArray[np.int64]:
    """Draw the pictures of a step: all of a split in a random order, then in another, and so on.

    Parameters
    ----------
    count : int
        Pictures of the split.
    batch : int
        How many are drawn.
    step : int
        Place of the step, from 0.
    seed, stream : int
        Decide the orders; splits that are drawn from in one step take different streams.

    Returns
    -------
    numpy.ndarray
        Places in the split, int64 ``[batch]``.
    """
    rounds, places = np.divmod(np.arange(step * batch, (step + 1) * batch), count)
    drawn = [_order(count, seed, stream, int(r))[places[rounds == r]] for r in np.unique(rounds)]
    return np.concatenate(drawn)


def draw_generator(step: int, seed: int) -> np.random.Generator:
    """Give the generator that draws the networks of a step."""
    return np.random.default_rng([_NETWORKS, seed, step])


@lru_cache(maxsize=8)
def _order(count: int, seed: int, stream: int, turn: int) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng([_PICTURES, seed, stream, turn])
    order: npt.NDArray[np.int64] = rng.permutation(count)
    return order
