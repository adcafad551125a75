"""Training of a supernet. Importing this file imports torch."""

from collections.abc import Callable
from dataclasses import asdict
from math import cos, pi
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from cosearch.accuracy.pictures import Pictures
from cosearch.accuracy.supernet.checkpoint import Checkpoint
from cosearch.accuracy.supernet.draws import draw_generator, draw_pictures
from cosearch.accuracy.supernet.plan import TrainingPlan
from cosearch.accuracy.supernet.super_network import SuperNetwork
from cosearch.spaces.space import Integers

Progress = Callable[[int, int, float], None]
"""Called after a step with steps done, steps in all, and the objective of the step."""
Batch = tuple[torch.Tensor, torch.Tensor]


class SupernetTraining:
    """Trains a supernet, by default with CHaNAS's objective (section 3.4).

    Parameters
    ----------
    network : SuperNetwork
        Trained where it is.
    pictures : Pictures
        Its held-out part is left alone.
    plan : TrainingPlan
        How to train.

    Raises
    ------
    ValueError
        If the network tells apart fewer classes than the pictures have.
    """

    def __init__(
        self, network: SuperNetwork, pictures: Pictures, plan: TrainingPlan | None = None
    ) -> None:
        self.network, self.pictures = network, pictures
        self.plan = plan or TrainingPlan()
        self.steps_done = 0
        self._whole = True
        self._optimizer = sgd(network, self.plan)
        classes = getattr(network.space, "classes", len(pictures.classes))
        if classes < len(pictures.classes):
            raise ValueError(
                f"{network.space.name} tells {classes} classes apart, but {pictures.name} has "
                f"{len(pictures.classes)}: give the space as many"
            )

    def run(
        self,
        checkpoint: str | Path | None = None,
        *,
        every: int = 200,
        progress: Progress | None = None,
    ) -> None:
        """Train until the plan's last step.

        Parameters
        ----------
        checkpoint : str or Path, optional
            Written now and then, at the end, and when interrupted (Ctrl-C).
        every : int
            Steps between two checkpoints.
        progress : callable, optional
            Called after each step.

        Raises
        ------
        ValueError
            If the objective is no longer a number (the checkpoint is from before), or no steps
            are between two checkpoints.
        """
        if every < 1:
            raise ValueError(f"every {every}: use 1 step or more between two checkpoints")
        try:
            while self.steps_done < self.plan.steps:
                loss = self.advance()
                if progress is not None:
                    progress(self.steps_done, self.plan.steps, loss)
                if checkpoint is not None and self.steps_done % every == 0:
                    self.save(checkpoint)
        except KeyboardInterrupt:
            # Weights of which only some took the step belong to no step: the last file stays.
            if checkpoint is not None and self._whole:
                self.save(checkpoint)
            raise
        if checkpoint is not None:
            self.save(checkpoint)

    def advance(self) -> float:
        """Do one step; return its objective before the step."""
        plan, step = self.plan, self.steps_done
        rows = self._rows(step)
        train = self._batch("train", step) if plan.objective != "validation" else None
        held = self._batch("validation", step) if plan.objective != "train" else None
        self._optimizer.zero_grad()
        total = 0.0
        for row in rows:
            loss = self._objective(row, train, held) / len(rows)
            loss.backward()
            total += loss.item()
        if not abs(total) < float("inf"):
            raise ValueError(
                f"step {step}: the objective is {total}; use a lower learning rate than "
                f"{plan.learning_rate}"
            )
        self._whole = False
        set_learning_rate(self._optimizer, plan, step)
        self._optimizer.step()
        self.steps_done += 1
        self._whole = True
        return total

    def save(self, path: str | Path) -> None:
        """Write a checkpoint."""
        momentum = {
            name: self._optimizer.state[parameter]["momentum_buffer"]
            for name, parameter in self.network.named_parameters()
            if "momentum_buffer" in self._optimizer.state[parameter]
        }
        weights = {name: p.detach() for name, p in self.network.named_parameters()}
        Checkpoint(self._about(), self.steps_done, weights, momentum).write(Path(path))

    def restore(self, path: str | Path) -> None:
        """Go on from a checkpoint, to the very weights that an uncut training comes to.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is damaged, or of another supernet, other pictures or another plan.
        """
        found, own = Checkpoint.read(Path(path)), self._about()
        for name, value in own.items():
            if found.about.get(name) != value:
                raise ValueError(
                    f"{path} was trained with {name} {found.about.get(name)}, not {value}: "
                    "train as it was, or name another file"
                )
        found.restore(self.network, Path(path))
        self._optimizer.state.clear()
        for name, parameter in self.network.named_parameters():
            if name in found.momentum:
                buffer = found.momentum[name].to(parameter.device)
                self._optimizer.state[parameter]["momentum_buffer"] = buffer
        self.steps_done = found.step

    def _about(self) -> dict[str, Any]:
        splits = (self.pictures.train, self.pictures.validation)
        return {
            "space": self.network.space.name,
            "pictures": f"{self.pictures.name}, {' and '.join(str(len(s)) for s in splits)}",
            **asdict(self.plan),
        }

    def _rows(self, step: int) -> list[Integers]:
        rng, space = draw_generator(step, self.plan.seed), self.network.space
        if self.plan.sampling == "single-path":
            return list(space.sample(1, rng))
        ends = [self.network.largest, self.network.smallest]
        return [*ends, *space.sample(self.plan.middle, rng)]

    def _batch(self, name: str, step: int) -> Batch:
        split, plan = getattr(self.pictures, name), self.plan
        stream = 1 if name == "validation" else 0
        drawn = split.take(draw_pictures(len(split), plan.batch, step, plan.seed, stream))
        device = self.network.device
        return self.pictures.standardised(drawn).to(device), drawn.labels.to(device)

    def _objective(self, row: Integers, train: Batch | None, held: Batch | None) -> torch.Tensor:
        losses = [
            cross_entropy(self.network(pictures, row), labels)
            for pictures, labels in filter(None, (train, held))
        ]
        if len(losses) == 1:
            return losses[0]
        # Both losses are of the present weights: the gradient goes through both.
        return losses[0] + self.plan.gap_weight * (losses[1] - losses[0]).abs()


def sgd(network: nn.Module, plan: TrainingPlan) -> torch.optim.SGD:
    """Make the optimizer of a plan for the parameters of a network."""
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        kept = parameter.ndim < 2 or name.startswith("transforms.")
        (others if kept else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": plan.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=plan.learning_rate, momentum=0.9, nesterov=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, plan: TrainingPlan, step: int) -> None:
    """Set the learning rate of a step, which falls as half a cosine."""
    for group in optimizer.param_groups:
        group["lr"] = plan.learning_rate * (1 + cos(pi * step / plan.steps)) / 2
