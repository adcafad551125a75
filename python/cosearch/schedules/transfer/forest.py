"""Boosted trees in C++, from xgboost's own JSON."""

from typing import Any

import numpy as np
import tvm_ffi


def load_forest(booster: dict[str, Any]) -> Any:
    """Make the C++ forest of xgboost's JSON, which says it in more words.

    Parameters
    ----------
    booster : dict
        What ``Booster.save_raw("json")`` holds.

    Returns
    -------
    tvm_ffi.Function
        ``predict(rows, out)``: float32 ``[count, features]`` to float64 ``[count]``.

    Raises
    ------
    KeyError, TypeError, ValueError, IndexError
        When it is no such model.
    """
    learner = booster["learner"]
    trees = learner["gradient_booster"]["model"]["trees"]
    columns: dict[str, list[Any]] = {"feature": [], "threshold": [], "left": [], "right": []}
    roots = []
    for tree in trees:
        start = len(columns["left"])
        roots.append(start)
        columns["feature"] += tree["split_indices"]
        columns["threshold"] += tree["split_conditions"]
        for side in ("left", "right"):
            children = tree[f"{side}_children"]
            columns[side] += [child if child < 0 else child + start for child in children]
    base = learner["learner_model_param"]["base_score"]
    base = float(str(base).strip("[]"))
    tensors = [
        tvm_ffi.from_dlpack(np.asarray(columns[name], dtype=dtype))
        for name, dtype in (
            ("feature", "int32"),
            ("threshold", "float32"),
            ("left", "int32"),
            ("right", "int32"),
        )
    ]
    roots_tensor = tvm_ffi.from_dlpack(np.asarray(roots, dtype="int32"))
    features = int(learner["learner_model_param"]["num_feature"])
    return tvm_ffi.get_global_func("cosearch.schedules.Forest")(
        *tensors, roots_tensor, base, features
    )
