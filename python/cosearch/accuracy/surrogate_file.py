"""Surrogates in files: npz without pickle."""

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cosearch.spaces import Space

Floats = npt.NDArray[np.float64]
Layers = list[tuple[Floats, Floats]]
"""Of each layer: weights ``[members, inputs, outputs]`` and biases ``[members, outputs]``."""
FORMAT, VERSION = "cosearch-surrogate", 1


def write_surrogate(path: Path, space: Space, layers: Layers, knots: Floats, unit: str) -> None:
    """Write a surrogate, whole or not at all.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    manifest = {"format": FORMAT, "version": VERSION, "unit": unit, **_described(space)}
    arrays: dict[str, Any] = {"manifest": np.array(json.dumps(manifest)), "knots": knots}
    for place, (weights, biases) in enumerate(layers):
        arrays |= {f"weights{place}": weights, f"biases{place}": biases}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, **arrays)
    partial.replace(path)


def read_surrogate(path: Path, space: Space) -> tuple[Layers, Floats, str]:
    """Read what `write_surrogate` wrote: layers, knots and unit.

    Raises
    ------
    OSError
        When there is no such file, or it cannot be read.
    ValueError
        When it holds something else, is damaged, or is of another space.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            arrays = {name.removesuffix(".npy"): _read(archive, name) for name in names}
        manifest = json.loads(str(arrays["manifest"]))
        is_ours = manifest["format"] == FORMAT
        version, unit = manifest["version"], str(manifest["unit"])
        of = {name: manifest[name] for name in _described(space)}
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, TypeError, EOFError) as error:
        raise ValueError(f"{path} is no accuracy surrogate, or damaged ({error})") from error
    if not is_ours or version != VERSION:
        raise ValueError(f"{path} is no accuracy surrogate of this release: fit it again")
    if of != _described(space):
        raise ValueError(
            f"{path} is a surrogate for {of['space']!r}, not for {space.name!r} with "
            f"{len(space.choices)} positions as it is now: fit one for this space"
        )
    try:
        depth = (len(arrays) - len(("manifest", "knots"))) // 2
        layers = [(arrays[f"weights{i}"], arrays[f"biases{i}"]) for i in range(depth)]
        knots = arrays["knots"]
    except KeyError as error:
        raise ValueError(f"{path} is damaged: it has no {error}; fit it again") from error
    if not _fits(layers, knots, sum(space.choices)):
        raise ValueError(f"{path} is damaged: its arrays do not fit together; fit it again")
    return layers, knots, unit


def _described(space: Space) -> dict[str, Any]:
    return {"space": space.name, "choices": list(space.choices)}


def _read(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    with archive.open(name) as file:
        array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return array


def _fits(layers: Layers, knots: Floats, inputs: int) -> bool:
    """Tell whether each layer takes what the one before gives, and all is finite."""
    if not layers or layers[0][0].ndim != 3:
        return False
    members, width = len(layers[0][0]), inputs
    for weights, biases in layers:
        if weights.ndim != 3 or weights.shape[:2] != (members, width):
            return False
        width = weights.shape[2]
        if biases.shape != (members, width):
            return False
    arrays = [knots, *(array for layer in layers for array in layer)]
    if any(a.dtype != np.float64 or not np.isfinite(a).all() for a in arrays):
        return False
    rising = knots.ndim == 2 and knots.shape[0] == 2 and knots.shape[1] >= 2
    return members > 0 and width == 1 and rising and bool((np.diff(knots) > 0).all())
