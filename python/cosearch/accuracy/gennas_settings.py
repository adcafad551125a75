"""What GenNAS asks of a network: signals, and how it is trained on them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SignalMix:
    """How much of each kind of signal one stage has to reproduce (GenNAS, section 3.1).

    A weight of 0 leaves a kind out. The sum is scaled to mean 0 and variance 1, so that only the
    proportions matter.

    Attributes
    ----------
    waves_1d : float
        Sines along one axis, each channel of each picture with its own frequency and phase.
    waves_2d : float
        The same along both axes at once.
    dots : float
        Patterns of -1 and 1 in random places, 0 elsewhere.
    smooth_dots : float
        The same, blurred by a Gaussian of 3×3.
    resized : float
        The picture itself, made smaller; the one signal that can be read off the input.
    frequencies : tuple of (float, float)
        Lowest and highest of the sines, in cycles per pixel of the signal, 0 to 0.5.
    dot_share : float
        Of the places that have a dot.
    """

    waves_1d: float = 0.0
    waves_2d: float = 0.0
    dots: float = 0.0
    smooth_dots: float = 0.0
    resized: float = 0.0
    frequencies: tuple[float, float] = (0.125, 0.475)
    dot_share: float = 0.5

    @property
    def weights(self) -> tuple[float, ...]:
        """Of the five kinds, in their order."""
        return (self.waves_1d, self.waves_2d, self.dots, self.smooth_dots, self.resized)

    def __post_init__(self) -> None:
        """Refuse what makes no signal."""
        if min(self.weights) < 0 or max(self.weights) == 0:
            raise ValueError("a signal mix needs one weight above 0, and none below")
        low, high = self.frequencies
        if not 0 < low <= high <= 0.5:
            raise ValueError(
                f"frequencies are from 0 to 0.5 a pixel, the lower first, not {low}, {high}"
            )
        if not 0 < self.dot_share <= 1:
            raise ValueError(f"dot_share is a share above 0 and up to 1, not {self.dot_share}")


@dataclass(frozen=True)
class GenNASSettings:
    """The regression task and its training.

    The defaults were chosen on two dozen architectures of NAS-Bench-201. There the last stage
    ranked best, and the resized picture, which shallow networks give back first, worst: it is no
    part of the default mixes.

    Attributes
    ----------
    mixes : tuple of SignalMix
        Of the last stages of a network, the deepest last. A network with fewer stages uses the
        last ones.
    stage_weights : tuple of float
        Of the stages' errors in the loss, as many as `mixes`.
    pictures : int
        In the one batch that is learnt.
    shrink : int
        Pictures have the architecture's own size divided by this.
    channels, size : int
        Of the signals: ``[pictures, channels, size, size]``. Waves and dots finer than the last
        stage's own resolution cannot be learnt.
    noise : float
        Standard deviation of what is added to the pictures at each step; they have 1.
    steps : int
        Of stochastic gradient descent with Nesterov's momentum.
    last_steps : int
        At the end, whose mean loss is the score.
    learning_rate, momentum, weight_decay : float
        Of the descent.
    """

    mixes: tuple[SignalMix, ...] = (
        SignalMix(waves_1d=1.0, frequencies=(0.375, 0.4875)),
        SignalMix(waves_1d=1.0, frequencies=(0.375, 0.4875)),
        SignalMix(waves_1d=1.0, waves_2d=1.0, dots=1.0),
    )
    stage_weights: tuple[float, ...] = (0.25, 0.5, 1.0)
    pictures: int = 16
    shrink: int = 2
    channels: int = 64
    size: int = 4
    noise: float = 0.1
    steps: int = 60
    last_steps: int = 5
    learning_rate: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 4e-5

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        if not self.mixes or len(self.mixes) != len(self.stage_weights):
            raise ValueError(
                f"{len(self.mixes)} mixes and {len(self.stage_weights)} stage weights: "
                "give one of each for every stage"
            )
        if min(self.stage_weights) < 0 or self.stage_weights[-1] <= 0:
            raise ValueError("stage weights are 0 or more, and that of the last stage is above 0")
        counts = ("pictures", "shrink", "channels", "size", "steps", "last_steps")
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is 1 or more, not {getattr(self, name)}")
        if self.last_steps > self.steps:
            raise ValueError(f"last_steps is at most steps ({self.steps}), not {self.last_steps}")
        if self.pictures < 2:
            raise ValueError("pictures is 2 or more: batch-norm needs a variance")

    @classmethod
    def tiny(cls) -> "GenNASSettings":
        """Give settings that show that everything works, in a fraction of a second a network."""
        return cls(pictures=4, shrink=4, channels=8, size=4, steps=4, last_steps=2)
