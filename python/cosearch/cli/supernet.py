"""``cosearch supernet``."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cosearch.cli.app import app, notes, out, print_json
from cosearch.cli.options import Json, SpaceName, check_writable
from cosearch.report.stages_bar import StagesBar

if TYPE_CHECKING:
    from cosearch.accuracy.pictures import Pictures


@app.command(
    epilog="Example: `cosearch supernet mbconv-small --checkpoint supernet.pt -o known.npz`"
)
def supernet(
    space: SpaceName,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Surrogate to write, for --accuracy.", show_default=False
        ),
    ],
    pictures: Annotated[
        str,
        typer.Option(
            metavar="digits|FOLDER",
            help="scikit-learn's digits, or a folder with a folder of pictures for each class.",
        ),
    ] = "digits",
    steps: Annotated[int, typer.Option(min=1, help="Steps of the training.")] = 2000,
    batch: Annotated[int, typer.Option(min=2, help="Pictures of a step.")] = 64,
    objective: Annotated[
        Literal["train", "validation", "generalization"],
        typer.Option(help="Loss on the training part, on the validation part, or CHaNAS's gap."),
    ] = "generalization",
    sampling: Annotated[
        Literal["sandwich", "single-path"],
        typer.Option(help="Largest, smallest and two random networks a step, or a random one."),
    ] = "sandwich",
    pairs: Annotated[
        int, typer.Option(min=10, help="Networks whose accuracy the surrogate learns from.")
    ] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 0,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the supernet there.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the checkpoint, where there is one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a supernet of an MBConv space, and a surrogate of the accuracies of its networks.

    All networks of the space share weights, so that one training tells the accuracy of any. Ctrl-C
    loses nothing that the checkpoint has; --resume goes on from there.
    """
    import numpy as np

    from cosearch.accuracy.estimator import score_each
    from cosearch.accuracy.judged_surrogate import fit_judged
    from cosearch.accuracy.supernet import (
        MBConvSupernet,
        SupernetAccuracy,
        SupernetTraining,
        TrainingPlan,
    )
    from cosearch.spaces import MBConvSpace, space_named

    for path in (output, checkpoint):
        if path is not None:
            check_writable(path)
    found = space_named(space)
    if not isinstance(found, MBConvSpace):
        raise ValueError(f"there is no supernet for {found.name}, only for MBConv spaces")
    known = _read_pictures(pictures, found.input_shape[-1], seed)
    network = MBConvSupernet(found, seed)
    plan = TrainingPlan(steps=steps, batch=batch, objective=objective, sampling=sampling, seed=seed)
    training = SupernetTraining(network, known, plan)
    if checkpoint is not None and checkpoint.exists():
        if not resume:
            raise FileExistsError(f"{checkpoint} exists: add --resume, or remove it to begin anew")
        training.restore(checkpoint)
    accuracy = SupernetAccuracy(network, known, seed)
    with StagesBar(notes) as bar:
        training.run(checkpoint, progress=lambda done, of, _: bar.show("training", done, of))
        rows = found.canonical(found.sample(pairs, np.random.default_rng(seed)))
        scores = score_each(accuracy, rows, functools.partial(bar.show, "scoring networks"))
    surrogate, quality = fit_judged(found, rows, scores, seed)
    surrogate.save(output)
    figures = {
        "surrogate": str(output),
        "networks": len(rows),
        "mean_accuracy": float(scores.mean()),
        "best_accuracy": float(scores.max()),
        **quality,
    }
    if as_json:
        print_json(figures)
        return
    out.print(
        f"wrote {output}\n{len(rows)} networks have {figures['mean_accuracy']:.1f} % in the mean, "
        f"{figures['best_accuracy']:.1f} % at best"
    )
    if quality:
        out.print(
            "Spearman's correlation of the surrogate with those it has not seen: "
            f"{quality['spearman']:.2f}"
        )


def _read_pictures(name: str, size: int, seed: int) -> "Pictures":
    from cosearch.accuracy.pictures import Pictures

    if name == "digits":
        return Pictures.digits(size, seed)
    return Pictures.from_folder(name, size, seed)
