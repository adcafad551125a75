"""Data sets of pictures: digits, folders, torch data sets."""

import numpy as np
import pytest
import torch
from PIL import Image

from cosearch.accuracy.pictures import Pictures, Split


def write_pictures(folder, classes=("cat", "dog"), count=5, size=(9, 7)):
    rng = np.random.default_rng(0)
    for place, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            noise = rng.integers(0, 100, (*size[::-1], 3), dtype=np.uint8)
            Image.fromarray(noise + np.uint8(100 * place)).save(folder / name / f"{number}.png")


def rows_of(split):
    return {picture.numpy().tobytes() for picture in split.pictures}


def test_digits_are_split_without_a_picture_in_two_parts():
    digits = Pictures.digits(8)
    parts = [rows_of(split) for split in (digits.train, digits.validation, digits.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 1797
    assert [len(part) for part in parts] == [1079, 359, 359]
    assert digits.train.pictures.shape[1:] == (3, 8, 8)


def test_each_class_is_in_every_part_in_the_same_shares():
    digits = Pictures.digits(8)
    for split, share in ((digits.train, 0.6), (digits.validation, 0.2), (digits.test, 0.2)):
        counts = torch.bincount(split.labels, minlength=10) / len(split)
        whole = torch.tensor([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]) / 1797
        assert len(split) / 1797 == pytest.approx(share, abs=0.01)
        torch.testing.assert_close(counts, whole, atol=0.01, rtol=0)


def test_the_seed_decides_the_split():
    first, again, other = (Pictures.digits(8, seed) for seed in (1, 1, 2))
    assert torch.equal(first.train.pictures, again.train.pictures)
    assert rows_of(first.test) != rows_of(other.test)


def test_pictures_keep_their_digit_when_enlarged():
    small, large = Pictures.digits(8), Pictures.digits(32)
    assert torch.equal(small.train.labels, large.train.labels)
    means = [p.train.pictures.float().mean((1, 2, 3)) for p in (small, large)]
    torch.testing.assert_close(*means, atol=4, rtol=0)


def test_training_pictures_are_standardised():
    digits = Pictures.digits(8)
    x = digits.standardised(digits.train)
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(x.std((0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)
    assert digits.standardised(digits.test).mean().abs() > 1e-5  # by training's figures


def test_batches_go_through_a_split_once():
    digits = Pictures.digits(8)
    found = list(digits.batches(digits.test, 100))
    assert [len(labels) for _, labels in found] == [100, 100, 100, 59]
    assert torch.equal(torch.cat([x for x, _ in found]), digits.standardised(digits.test))


def test_a_folder_of_folders_is_read(tmp_path):
    write_pictures(tmp_path)
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / ".cache").mkdir()
    pictures = Pictures.from_folder(tmp_path, 4)
    assert pictures.classes == ("cat", "dog")
    assert [len(s) for s in (pictures.train, pictures.validation, pictures.test)] == [6, 2, 2]
    assert pictures.train.pictures.shape == (6, 3, 4, 4)
    means = pictures.train.pictures.float().mean((1, 2, 3))
    assert ((means > 100) == pictures.train.labels.bool()).all()


def test_a_long_picture_is_cut_to_its_middle_square(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            wide = np.zeros((10, 30, 3), np.uint8)
            wide[:, 10:20] = 200
            Image.fromarray(wide).save(tmp_path / name / f"{number}.png")
    found = Pictures.from_folder(tmp_path, 10).train.pictures
    assert (found == 200).all()


@pytest.mark.parametrize(
    ("classes", "count", "message"),
    [
        ((), 0, "0 folders"),
        (("cat",), 3, "1 folders"),
        (("cat", "dog"), 0, "no picture in any of its 2 folders"),
        (("cat", "dog"), 2, "'cat' has 2 pictures; give 3 or more"),
    ],
)
def test_a_folder_with_too_little_is_refused(tmp_path, classes, count, message):
    write_pictures(tmp_path, classes, count)
    with pytest.raises(ValueError, match=message):
        Pictures.from_folder(tmp_path, 4)


def test_a_folder_that_is_none_and_a_damaged_picture_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is no folder"):
        Pictures.from_folder(tmp_path / "nowhere", 4)
    write_pictures(tmp_path)
    damaged = tmp_path / "dog" / "1.png"
    damaged.write_bytes(damaged.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"1\.png cannot be read"):
        Pictures.from_folder(tmp_path, 4)


class Listed(torch.utils.data.Dataset):
    def __init__(self, items, classes=None):
        self.items = items
        if classes:
            self.classes = classes

    def __len__(self):
        return len(self.items)

    def __getitem__(self, place):
        return self.items[place]


def test_a_torch_data_set_of_grey_floats_is_read_as_it_is():
    items = [(torch.full((1, 4, 4), float(i)), i % 2) for i in range(10)]
    pictures = Pictures.from_dataset(Listed(items, ["even", "odd"]), 4, "numbers")
    assert pictures.classes == ("even", "odd")
    train = pictures.train
    assert train.pictures.dtype == torch.float32
    assert torch.equal(train.pictures[:, 2, 0, 0].long() % 2, train.labels)


def test_a_torch_data_set_of_pillow_pictures_is_scaled():
    items = [(Image.new("L", (6, 6), 10 * i), torch.tensor(i % 3)) for i in range(12)]
    pictures = Pictures.from_dataset(Listed(items), 3, "grey")
    assert pictures.classes == ("0", "1", "2")
    assert pictures.train.pictures.dtype == torch.uint8
    assert pictures.train.pictures.shape == (6, 3, 3, 3)


GOOD = (torch.zeros(3, 4, 4), 0)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (torch.zeros(3, 4, 4), "item 1 is no pair"),
        ((np.zeros((4, 4)), 0), "item 1: ndarray is no pillow picture"),
        ((torch.zeros(2, 4, 4), 0), r"not \[2, 4, 4\]"),
        ((torch.zeros(3, 4, 4, dtype=torch.int64), 0), "uint8 or floating point, not torch.int64"),
        ((torch.zeros(3, 4, 4), -1), "an integer from 0, not -1"),
        ((torch.zeros(3, 4, 4), "cat"), "not 'cat'"),
        ((torch.zeros(3, 4, 4, dtype=torch.uint8), 0), "give one kind"),
    ],
)
def test_a_data_set_of_something_else_is_refused(item, message):
    with pytest.raises(ValueError, match=message):
        Pictures.from_dataset(Listed([GOOD, item]), 4, "odd")


def test_an_empty_data_set_and_one_of_one_class_are_refused():
    with pytest.raises(ValueError, match="empty"):
        Pictures.from_dataset(Listed([]), 4, "none")
    with pytest.raises(ValueError, match="1 class"):
        Pictures.from_dataset(Listed([GOOD] * 5), 4, "same")


def test_a_label_beyond_the_classes_is_refused():
    items = [(torch.zeros(3, 4, 4), i % 3) for i in range(12)]
    with pytest.raises(ValueError, match="labels 0 to 2 of 2 classes"):
        Pictures.from_dataset(Listed(items, ["a", "b"]), 4, "three")


@pytest.mark.parametrize(
    ("pictures", "labels", "message"),
    [
        (torch.zeros(2, 1, 4, 4), torch.zeros(2, dtype=torch.int64), "n, 3, h, w"),
        (torch.zeros(2, 3, 4, 4), torch.zeros(3, dtype=torch.int64), "n labels"),
        (torch.zeros(2, 3, 4, 4).double(), torch.zeros(2, dtype=torch.int64), "float64"),
        (torch.zeros(0, 3, 4, 4), torch.zeros(0, dtype=torch.int64), "no picture"),
    ],
)
def test_a_split_checks_its_tensors(pictures, labels, message):
    with pytest.raises(ValueError, match=message):
        Split(pictures, labels)
