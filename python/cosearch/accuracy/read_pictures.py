"""Pictures from files and from torch data sets. Importing this file imports torch and pillow."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn.functional import interpolate

Labelled = tuple[list[str], torch.Tensor, torch.Tensor]
"""Names of classes, pictures [n, 3, h, w] and labels int64 [n]."""


def read_digits(size: int) -> Labelled:
    """Read scikit-learn's digits, of 16 shades of grey; see `Pictures.digits`."""
    from sklearn.datasets import load_digits

    found = load_digits()
    grey = torch.from_numpy(found.images).float()[:, None] * (255 / 16)
    pictures = _scaled_bytes(grey, size).expand(-1, 3, -1, -1).contiguous()
    return [str(digit) for digit in range(10)], pictures, torch.from_numpy(found.target).long()


def read_folder(folder: Path, size: int) -> Labelled:
    """Read a folder of folders; see `Pictures.from_folder`."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give one that holds a folder for each class")
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(classes) < 2:
        raise ValueError(
            f"{folder} holds {len(classes)} folders; give two or more, one for each class"
        )
    suffixes = Image.registered_extensions()
    pictures, labels = [], []
    for label, own in enumerate(classes):
        for path in sorted(own.iterdir()):
            if path.suffix.lower() in suffixes:
                pictures.append(_read_file(path, size))
                labels.append(label)
    if not pictures:
        raise ValueError(f"{folder}: no picture in any of its {len(classes)} folders")
    return [own.name for own in classes], torch.stack(pictures), torch.tensor(labels)


def read_dataset(dataset: Any, size: int, name: str) -> Labelled:
    """Read a map-style data set; see `Pictures.from_dataset`."""
    pictures, labels = [], []
    for place in range(len(dataset)):
        where, item = f"{name}: item {place}", dataset[place]
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise ValueError(f"{where} is no pair of picture and label")
        pictures.append(_as_tensor(item[0], size, where))
        labels.append(_as_label(item[1], where))
    if not pictures:
        raise ValueError(f"{name}: the data set is empty")
    if len({picture.dtype for picture in pictures}) > 1:
        raise ValueError(f"{name}: some pictures are bytes and some floating point; give one kind")
    named = getattr(dataset, "classes", None)
    classes = [str(c) for c in named] if named else [str(c) for c in range(max(labels) + 1)]
    return classes, torch.stack(pictures), torch.tensor(labels)


def _read_file(path: Path, size: int) -> torch.Tensor:
    try:
        with Image.open(path) as picture:
            return _from_pillow(picture, size)
    except (OSError, SyntaxError, ValueError) as error:  # what pillow raises for a damaged file
        raise ValueError(f"{path} cannot be read as a picture: mend or remove it") from error


def _from_pillow(picture: Image.Image, size: int) -> torch.Tensor:
    square = ImageOps.fit(picture.convert("RGB"), (size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1).contiguous()


def _as_tensor(picture: Any, size: int, where: str) -> torch.Tensor:
    if isinstance(picture, Image.Image):
        return _from_pillow(picture, size)
    if not isinstance(picture, torch.Tensor):
        raise ValueError(f"{where}: {type(picture).__name__} is no pillow picture and no tensor")
    if picture.ndim != 3 or picture.shape[0] not in {1, 3}:
        raise ValueError(f"{where}: a picture is [1 or 3, h, w], not {list(picture.shape)}")
    coloured = picture.expand(3, -1, -1)[None].float()
    if picture.dtype == torch.uint8:
        return _scaled_bytes(coloured, size)[0]
    if not picture.is_floating_point():
        raise ValueError(f"{where}: a picture is uint8 or floating point, not {picture.dtype}")
    return _scaled(coloured, size)[0]


def _scaled(pictures: torch.Tensor, size: int) -> torch.Tensor:
    if pictures.shape[-2:] == (size, size):
        return pictures
    return interpolate(pictures, (size, size), mode="bilinear", antialias=True)


def _scaled_bytes(pictures: torch.Tensor, size: int) -> torch.Tensor:
    """Scale bytes given as float32 [n, c, h, w], as uint8."""
    return _scaled(pictures, size).round().clamp(0, 255).to(torch.uint8)


def _as_label(label: Any, where: str) -> int:
    if isinstance(label, torch.Tensor) and label.numel() == 1:
        label = label.item()
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)) or label < 0:
        raise ValueError(f"{where}: a label is an integer from 0, not {label!r}")
    return int(label)
