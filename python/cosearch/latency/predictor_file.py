"""Predictors in files: a manifest and xgboost's own JSON, compressed by gzip."""

import gzip
import json
from pathlib import Path
from typing import Any

import platformdirs
import tvm
from tvm.target import Target

from cosearch.latency.outlook import FEATURES_VERSION
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.target import resolve_target

FORMAT_VERSION = 3


class PredictorError(ValueError):
    """A predictor cannot be made, loaded or used as it is asked for."""


def default_path(conditions: Conditions) -> Path:
    """Return where the predictor of some conditions is kept."""
    return platformdirs.user_cache_path("cosearch") / "predictors" / f"{conditions.key}.json.gz"


def write_predictor(path: Path, target: Target, parts: dict[str, Any]) -> None:
    """Write a predictor for a target, whole or not at all.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    manifest = {
        "format": "cosearch-predictor",
        "version": FORMAT_VERSION,
        "features": FEATURES_VERSION,
        "target": str(target),
        "conditions": vars(Conditions.of(target)),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(gzip.compress(json.dumps(manifest | parts).encode(), mtime=0))
    partial.replace(path)


def read_predictor(target: Any) -> tuple[Path, Target, dict[str, Any]]:
    """Read a predictor.

    Parameters
    ----------
    target : str, mapping, tvm.target.Target, pathlib.Path or None
        Its file, or what it is for.

    Returns
    -------
    path : pathlib.Path
        Where it is.
    target : tvm.target.Target
        What it is for.
    parts : dict
        What `write_predictor` was given, and the manifest.

    Raises
    ------
    PredictorError
        When there is none, the file holds something else, or it is for another target, TVM or
        version of the features.
    """
    is_file = isinstance(target, Path) or (
        isinstance(target, str) and target.endswith((".json.gz", ".json"))
    )
    wanted = None if is_file else Conditions.of(resolve_target(target))
    path = default_path(wanted) if wanted is not None else Path(target)
    if not path.is_file():
        raise PredictorError(
            f"there is no predictor {path}: make one with `cosearch latency fit`, after "
            f"`cosearch measure MODEL ...`."
        )
    data = _read(path)
    try:
        found = Target(json.loads(data["target"]))
        conditions = Conditions(**data["conditions"])
    except (KeyError, TypeError, ValueError) as error:
        raise PredictorError(f"{path} is damaged ({error}): fit it again.") from error
    if conditions != Conditions.of(found):
        raise PredictorError(
            f"{path} was made with TVM {conditions.tvm_version}, and this is {tvm.__version__}: "
            f"fit it again."
        )
    if wanted is not None and wanted != conditions:
        raise PredictorError(f"{path} is for {conditions.target}, not for {wanted.target}.")
    return path, found, data


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, ValueError) as error:
        raise PredictorError(f"{path} cannot be read ({error}).") from error
    if not isinstance(data, dict) or data.get("format") != "cosearch-predictor":
        raise PredictorError(f"{path} is no predictor.")
    if (data.get("version"), data.get("features")) != (FORMAT_VERSION, FEATURES_VERSION):
        raise PredictorError(f"{path} was made by another release of cosearch: fit it again.")
    return data
