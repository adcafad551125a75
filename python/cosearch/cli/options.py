"""Arguments and options that several commands share, and how they are read."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cosearch.cli.app import notes

if TYPE_CHECKING:
    from cosearch.accuracy.estimator import AccuracyEstimator
    from cosearch.spaces import Space

Model = Annotated[Path, typer.Argument(help="ONNX file of the network.", show_default=False)]
Models = Annotated[
    list[Path], typer.Argument(help="ONNX files of the networks.", show_default=False)
]
Predictor = Annotated[
    Path | None,
    typer.Option(
        "--predictor",
        metavar="FILE",
        help="Predictor. [default: the target's in the user's cache folder]",
    ),
]
Shapes = Annotated[
    list[str] | None,
    typer.Option(
        "--shape",
        metavar="NAME:1,3,224,224",
        help="Shape of an input with dynamic dimensions; may be given several times.",
    ),
]
TargetOption = Annotated[
    str,
    typer.Option("--target", help="Target, as Relay wrote it or as JSON.", show_default=True),
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Threads of the kernels. [default: the physical cores]"),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--db",
        envvar="COSEARCH_DB",
        metavar="FILE|URL",
        help="Schedule database. [default: a file in the user's cache folder]",
    ),
]
SpaceName = Annotated[
    str,
    typer.Argument(help="Name of the space, such as mbconv or nasbench201.", show_default=False),
]
Accuracy = Annotated[
    str | None,
    typer.Option(
        "--accuracy",
        metavar="table|gennas|FILE",
        help="What says how accurate an architecture is: the published table of NAS-Bench-201, "
        "the proxy GenNAS, or a surrogate in a file. [default: the table for nasbench201, else "
        "gennas]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

DEFAULT_TARGET = "llvm -mcpu=native"


def read_target(target: str, threads: int | None) -> Any:
    """Return the resolved target that the options name."""
    from cosearch.schedules import resolve_target

    resolved = resolve_target(target)
    if threads is None:
        return resolved
    return resolve_target({**resolved.export(), "num-cores": threads})


def read_network(model: Path, shapes: list[str] | None) -> Any:
    """Import the network of an ONNX file."""
    from cosearch import frontend

    with notes.status(f"importing {model}"):
        return frontend.from_onnx(model, shape=read_shapes(shapes))


def read_shapes(shapes: list[str] | None) -> dict[str, tuple[int, ...]] | None:
    """Parse ``--shape NAME:1,3,224,224``.

    Raises
    ------
    typer.BadParameter
        When one is written in another way.
    """
    parsed = {}
    for text in shapes or []:
        name, _, extents = text.rpartition(":")
        try:
            parsed[name] = tuple(int(extent) for extent in extents.split(","))
        except ValueError:
            parsed[name] = ()
        if not name or not parsed[name]:
            raise typer.BadParameter(
                f"cannot read {text!r}: write the input's name and its extents, such as "
                f"input:1,3,224,224",
                param_hint="--shape",
            )
    return parsed or None


def read_accuracy(name: str | None, space: "Space") -> "AccuracyEstimator":
    """Make what says how accurate architectures are, of what `Accuracy` takes.

    Raises
    ------
    ValueError
        When it is not of this space, or cannot be read.
    """
    from cosearch.accuracy.gennas import GenNAS
    from cosearch.accuracy.nasbench201_table import NASBench201Accuracy
    from cosearch.accuracy.surrogate import AccuracySurrogate
    from cosearch.spaces import NASBench201Space

    has_table = isinstance(space, NASBench201Space)
    if name is None:
        name = "table" if has_table else "gennas"
    if name == "gennas":
        return GenNAS(space)
    if name != "table":
        return AccuracySurrogate.load(name, space)
    if not has_table:
        raise ValueError(f"there is no table of accuracies for {space.name}: use gennas or a FILE")
    return NASBench201Accuracy()


def check_writable(path: Path) -> None:
    """Find out before long work whether its result can be written; nothing is left behind.

    Raises
    ------
    OSError
        When it cannot.
    """
    try:
        if path.exists():
            with path.open("ab"):
                pass
        else:
            with tempfile.TemporaryFile(dir=path.parent):
                pass
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror}") from error
