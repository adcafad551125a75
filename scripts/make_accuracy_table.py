"""Make the table of NAS-Bench-201 accuracies that the package carries.

    python scripts/make_accuracy_table.py nasbench201.csv.gz

The CSV has a column `arch`, of the benchmark's strings, and the columns `cifar10_test_acc`,
`cifar100_test_acc` and `imagenet16_test_acc`, in percent: one row for each of the 15,625
architectures, in any order.
"""

import argparse
import csv
import gzip
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cosearch.accuracy.nasbench201_table import DATASETS, TABLE_FILE, table_places
from cosearch.spaces import NASBench201Space
from cosearch.spaces.nasbench201_cells import parse_cell

COLUMNS = [f"{dataset}_test_acc" for dataset in DATASETS]
EPOCH = (1980, 1, 1, 0, 0, 0)


def read_csv(path: Path) -> npt.NDArray[np.uint16]:
    """Read accuracies, uint16 ``[15625, 3]``, hundredths of a percent in the space's order.

    Raises
    ------
    ValueError
        If the file is no such table, an architecture is missing or given twice, or an accuracy is
        no percentage.
    """
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as f:
        lines = list(csv.DictReader(f))
    if not lines or not {"arch", *COLUMNS} <= set(lines[0]):
        raise ValueError(f"{path}: needs the columns arch, {', '.join(COLUMNS)}")
    space = NASBench201Space()
    # Not the space's `parse`, which drops dead edges.
    cells = np.array([parse_cell(line["arch"]) for line in lines])
    places = table_places(cells, space)
    size = int(np.prod(space.choices))
    if not np.array_equal(np.sort(places), np.arange(size)):
        raise ValueError(f"{path}: needs each of the {size} architectures once")
    percent = np.array([[float(line[column]) for column in COLUMNS] for line in lines])
    if not ((percent >= 0) & (percent <= 100)).all():
        raise ValueError(f"{path}: accuracies are percentages, 0 to 100")
    table = np.empty((size, len(COLUMNS)), np.uint16)
    table[places] = np.round(percent * 100)
    return table


def write_table(path: Path, table: npt.NDArray[np.uint16]) -> None:
    """Write the table as an npz file, the same bytes for the same table."""
    array = io.BytesIO()
    np.lib.format.write_array(array, table, allow_pickle=False)
    entry = zipfile.ZipInfo("hundredths.npy", EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w", compresslevel=9) as file:
        file.writestr(entry, array.getvalue())


def main() -> int:
    """Read the CSV, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", type=Path, metavar="CSV")
    parser.add_argument("--output", type=Path, default=TABLE_FILE, metavar="FILE")
    options = parser.parse_args()
    try:
        table = read_csv(options.csv)
    except (OSError, ValueError) as error:
        print(f"make_accuracy_table.py: {error}", file=sys.stderr)
        return 2
    write_table(options.output, table)
    print(f"{options.output}: {options.output.stat().st_size} bytes, means {table.mean(0) / 100} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
