"""Pictures with labels: for training, for the objective's validation loss, and held out.

torch, scikit-learn and pillow are imported when pictures are read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

SHARES = (0.6, 0.2, 0.2)
"""Of each class: to train on, to validate on, held out."""


@dataclass(frozen=True, eq=False)
class Split:
    """Some of the pictures.

    Attributes
    ----------
    pictures : torch.Tensor
        ``[n, 3, h, w]``; uint8, or float32 as the data set made them.
    labels : torch.Tensor
        int64 ``[n]``, places in the classes.

    Raises
    ------
    ValueError
        If a shape or a type is another, or there is no picture.
    """

    pictures: "torch.Tensor"
    labels: "torch.Tensor"

    def __post_init__(self) -> None:
        """Refuse what is no split."""
        import torch

        shape, types = tuple(self.pictures.shape), (self.pictures.dtype, self.labels.dtype)
        if len(shape) != 4 or shape[1] != 3 or tuple(self.labels.shape) != shape[:1]:
            raise ValueError(
                f"pictures are [n, 3, h, w] with n labels, not {list(shape)} "
                f"with {list(self.labels.shape)}"
            )
        if types[0] not in {torch.uint8, torch.float32} or types[1] != torch.int64:
            raise ValueError(f"pictures are uint8 or float32 and labels int64, not {types}")
        if not shape[0]:
            raise ValueError("a split has no picture: give more pictures of each class")

    def __len__(self) -> int:
        """Count the pictures."""
        return int(self.pictures.shape[0])

    def take(self, places: npt.NDArray[np.int64]) -> "Split":
        """Choose pictures by their places, int64 ``[k]``."""
        import torch

        chosen = torch.from_numpy(np.ascontiguousarray(places))
        return Split(self.pictures[chosen], self.labels[chosen])


@dataclass(frozen=True, eq=False)
class Pictures:
    """A data set in three parts that share no picture. It is held in memory.

    Attributes
    ----------
    name : str
        Of the data set.
    classes : tuple of str
        What labels stand for.
    train, validation, test : Split
        To train on; for the validation loss of an objective; held out, for accuracy.

    Raises
    ------
    ValueError
        If there are fewer than two classes, a label stands for none, or picture sizes differ.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split

    def __post_init__(self) -> None:
        """Refuse what is no data set."""
        if len(self.classes) < 2:
            raise ValueError(f"{self.name}: {len(self.classes)} class; give two or more")
        splits = (self.train, self.validation, self.test)
        shapes = {tuple(split.pictures.shape[1:]) for split in splits}
        if len(shapes) > 1:
            raise ValueError(f"{self.name}: splits of different shapes {sorted(shapes)}")
        for split in splits:
            _check_labels(self.name, split.labels, len(self.classes))

    @cached_property
    def statistics(self) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Mean and standard deviation of each channel over the training pictures.

        Bytes count as 0 to 1. float32 ``[1, 3, 1, 1]`` each.
        """
        import torch

        sums = torch.zeros(2, 3, dtype=torch.float64)
        for part in self.train.pictures.split(256):
            values = _unit(part).double()
            sums += torch.stack([values.sum((0, 2, 3)), values.square().sum((0, 2, 3))])
        count = self.train.pictures.numel() / 3
        mean = sums[0] / count
        # A channel that never changes carries nothing; it must not be divided by zero.
        deviation = (sums[1] / count - mean.square()).clamp_min(1e-6).sqrt()
        return mean.float().view(1, 3, 1, 1), deviation.float().view(1, 3, 1, 1)

    def standardised(self, split: Split) -> "torch.Tensor":
        """Give pictures as a network reads them: float32, mean 0 and deviation 1 in training.

        Channels lie innermost: torch's gradient of a depthwise convolution of 7×7 over 8×8 pixels
        then takes a quarter of the time on a CPU.
        """
        import torch

        mean, deviation = self.statistics
        standardised = (_unit(split.pictures) - mean) / deviation
        return standardised.contiguous(memory_format=torch.channels_last)

    def batches(self, split: Split, batch: int) -> Iterator[tuple["torch.Tensor", "torch.Tensor"]]:
        """Go through a split in its order, as `standardised` pictures and labels."""
        for start in range(0, len(split), batch):
            part = Split(split.pictures[start : start + batch], split.labels[start : start + batch])
            yield self.standardised(part), part.labels

    @classmethod
    def divide(
        cls,
        name: str,
        classes: Sequence[str],
        pictures: "torch.Tensor",
        labels: "torch.Tensor",
        seed: int = 0,
    ) -> "Pictures":
        """Divide pictures into the three parts, each class in the same shares.

        Parameters
        ----------
        name : str
            Of the data set.
        classes : sequence of str
            What labels stand for.
        pictures : torch.Tensor
            uint8 or float32 ``[n, 3, h, w]``.
        labels : torch.Tensor
            int64 ``[n]``.
        seed : int
            Decides which picture goes where; always the same for the same seed.

        Raises
        ------
        ValueError
            If a class has fewer than 3 pictures; see also `Pictures`.
        """
        whole, rng = Split(pictures, labels), np.random.default_rng(seed)
        _check_labels(name, labels, len(classes))
        parts: list[list[npt.NDArray[np.int64]]] = [[], [], []]
        for place, label in enumerate(classes):
            own = rng.permutation(np.flatnonzero(labels.numpy() == place))
            if len(own) < 3:
                raise ValueError(
                    f"{name}: class {label!r} has {len(own)} pictures; give 3 or more, "
                    "to train, to validate and to hold out"
                )
            counts = [max(1, round(share * len(own))) for share in SHARES[1:]]
            ends = np.cumsum([len(own) - sum(counts), counts[0]])
            for part, places in zip(parts, np.split(own, ends), strict=True):
                part.append(places)
        splits = [whole.take(np.sort(np.concatenate(part))) for part in parts]
        return cls(name, tuple(classes), *splits)

    @classmethod
    def digits(cls, size: int = 32, seed: int = 0) -> "Pictures":
        """Read the 1,797 handwritten digits of scikit-learn: real data without a download.

        Parameters
        ----------
        size : int
            Height and width that the 8×8 pictures are enlarged to.
        seed : int
            See `divide`.
        """
        from cosearch.accuracy.read_pictures import read_digits

        return cls.divide("digits", *read_digits(size), seed)

    @classmethod
    def from_folder(cls, folder: str | Path, size: int, seed: int = 0) -> "Pictures":
        """Read a folder of folders of pictures; each folder is a class, as in ImageNet.

        Parameters
        ----------
        folder : str or Path
            Holds one folder a class; files that are no pictures by name are passed over.
        size : int
            Height and width: the largest centred square of each picture is scaled to it.
        seed : int
            See `divide`.

        Raises
        ------
        ValueError
            If there is no such folder, a class has too few pictures or a picture cannot be read.
        """
        from cosearch.accuracy.read_pictures import read_folder

        return cls.divide(Path(folder).name, *read_folder(Path(folder), size), seed)

    @classmethod
    def from_dataset(cls, dataset: Any, size: int, name: str, seed: int = 0) -> "Pictures":
        """Read a torch map-style data set, such as those of torchvision.

        Parameters
        ----------
        dataset : torch.utils.data.Dataset
            ``len(dataset)`` items ``(picture, label)``: a pillow picture or a tensor ``[1 or 3, h,
            w]``, uint8 or floating point, and an integer from 0. Its ``classes``, where it has
            them, name the labels.
        size : int
            Height and width that pictures are scaled to.
        name : str
            Of the data set.
        seed : int
            See `divide`.

        Raises
        ------
        ValueError
            If it is empty, or an item is something else.
        """
        from cosearch.accuracy.read_pictures import read_dataset

        return cls.divide(name, *read_dataset(dataset, size, name), seed)


def _unit(pictures: "torch.Tensor") -> "torch.Tensor":
    """Give bytes as 0 to 1; other numbers stay as their data set made them."""
    return pictures if pictures.is_floating_point() else pictures.float() / 255


def _check_labels(name: str, labels: "torch.Tensor", classes: int) -> None:
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise ValueError(
            f"{name}: labels {low} to {high} of {classes} classes; number the classes from 0"
        )
