"""How a supernet is trained."""

from dataclasses import dataclass

SAMPLINGS = ("sandwich", "single-path")
OBJECTIVES = ("train", "validation", "generalization")


@dataclass(frozen=True)
class TrainingPlan:
    """Settings of a training.

    Attributes
    ----------
    steps : int
        Changes of the weights.
    batch : int
        Pictures of a step; with the objective ``"generalization"`` as many again to validate.
    sampling : {"sandwich", "single-path"}
        Networks of a step: the largest, the smallest and some random ones (BigNAS, Yu et al., ECCV
        2020), or a single random one.
    middle : int
        Random networks of a sandwich.
    objective : {"train", "validation", "generalization"}
        What is minimised, as the mean of the networks of a step: L_train, L_val, or
        L_train + `gap_weight` · |L_val - L_train| (CHaNAS, equations 2 and 3).
    gap_weight : float
        λ of CHaNAS.
    learning_rate : float
        Of the first step, of SGD with Nesterov momentum 0.9; falls to 0 as a cosine.
    weight_decay : float
        Of convolutions and linear layers; batch-norms, biases and the matrices that transform
        kernels do not decay.
    seed : int
        Decides pictures and networks of each step.

    Raises
    ------
    ValueError
        Naming the setting that cannot be.
    """

    steps: int = 2000
    batch: int = 64
    sampling: str = "sandwich"
    middle: int = 2
    objective: str = "generalization"
    gap_weight: float = 0.45
    learning_rate: float = 0.1
    weight_decay: float = 3e-5
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that cannot be."""
        for name, options in (("sampling", SAMPLINGS), ("objective", OBJECTIVES)):
            if getattr(self, name) not in options:
                raise ValueError(f"{name} {getattr(self, name)!r}: use {' or '.join(options)}")
        for name, least in (("steps", 1), ("batch", 2), ("middle", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} {getattr(self, name)}: use {least} or more")
        for name in ("gap_weight", "weight_decay"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} {getattr(self, name)}: use a number from 0")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate {self.learning_rate}: use a positive number")
