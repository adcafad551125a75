"""A search loop of one's own, which asks the predictor and nothing else.

cosearch measure MODEL ... && cosearch latency fit        # once
python examples/nas_loop.py
"""

import numpy as np

from cosearch import LatencyPredictor
from cosearch.spaces import MBConvSpace, Space


def largest_within(
    space: Space, predictor: LatencyPredictor, bound_us: float, rounds: int = 200, seed: int = 0
) -> np.ndarray | None:
    """Climb to the architecture with most multiply-adds that still runs in time."""
    rng = np.random.default_rng(seed)
    best = space.sample(1000, rng)
    for _ in range(rounds):
        rows = np.concatenate([best, space.mutate(best, rng, rate=0.1)])
        rows = rows[predictor.predict_batch(rows, space) <= bound_us]
        best = rows[np.argsort(-space.multiply_adds(rows), kind="stable")[:50]]
    return best[0] if len(best) else None


if __name__ == "__main__":
    mbconv = MBConvSpace()
    found = largest_within(mbconv, LatencyPredictor.load(), bound_us=20_000)
    print("nothing is so fast" if found is None else mbconv.format(found))
