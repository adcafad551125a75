"""Latency on a device that nobody compiles for, from a handful of measurements.

As in::

    encoding = encode_nasbench201(architectures)
    adapter = DeviceAdapter.fit(encoding, latencies_us)     # [n, m], m other devices
    samples = adapter.choose_samples(10, seed=0)            # measure these on the new device
    predictor = adapter.adapt(samples, measured_us)
    predictor.predict()                                     # float64 [n], microseconds
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosearch.latency.adapt_encodings import Encoding
from cosearch.latency.adapt_posterior import Moments, infer
from cosearch.latency.adapt_prior import DevicePrior, Floats, Integers, Standard, fit_prior
from cosearch.latency.adapt_samples import choose

LEAST_ROWS = 3
"""Architectures below which a table tells nothing about scatter."""


@dataclass(frozen=True)
class AdaptedPredictor:
    """Latency of architectures on the device that was measured.

    Attributes
    ----------
    standard : Standard
        Of the features.
    features : numpy.ndarray
        Standardised, of the table's architectures.
    moments : Moments
        Of the device's weights.
    floor : float
        Microseconds below which a line is not trusted.
    """

    standard: Standard
    features: Floats
    moments: Moments
    floor: float

    def predict(self, architectures: npt.ArrayLike | Encoding | None = None) -> Floats:
        """Predict latencies.

        Parameters
        ----------
        architectures : array_like of int, Encoding or array_like of float, optional
            Rows of the table, or features ``[views, n, d]`` or ``[n, d]`` of any architectures; by
            default all rows of the table.

        Returns
        -------
        numpy.ndarray
            float64 ``[n]``, microseconds.
        """
        features = _take(self.standard, self.features, architectures)
        return _positive(_mean(features, self.moments), self.floor)

    def deviation(self, architectures: npt.ArrayLike | Encoding | None = None) -> Floats:
        """Say how far a measurement is likely to be from the prediction.

        Parameters
        ----------
        architectures : array_like of int, Encoding or array_like of float, optional
            As for `predict`.

        Returns
        -------
        numpy.ndarray
            float64 ``[n]``, microseconds: standard deviation of what is not known about the device
            and of a measurement's noise.
        """
        features = _take(self.standard, self.features, architectures)
        square = np.zeros(features.shape[1])
        for view, second in zip(features, self.moments.second, strict=True):
            basis = np.concatenate([np.ones((len(view), 1)), view], axis=1)
            square += np.einsum("nd,nd->n", basis @ second, basis)
        spread = square - _mean(features, self.moments) ** 2
        return np.sqrt(np.maximum(spread, 0.0) + self.moments.noise)


@dataclass(frozen=True)
class DeviceAdapter:
    """What reference devices tell about a device of which little is measured.

    A device's latency is taken as linear in features of the architecture, as the weights of the
    reference devices scatter. This needs no reference to have noise as low as a new device, nor
    any of them to be like it. See `fit_prior`, `choose` and `infer` for the methods.

    Attributes
    ----------
    standard : Standard
        Of the features.
    features : numpy.ndarray
        Standardised, float64 ``[views, n, d]``.
    prior : DevicePrior
        Of the weights.
    """

    standard: Standard
    features: Floats
    prior: DevicePrior

    @classmethod
    def fit(
        cls, architectures: Encoding | npt.ArrayLike, latencies_us: npt.ArrayLike
    ) -> "DeviceAdapter":
        """Learn from a table.

        Parameters
        ----------
        architectures : Encoding or array_like
            Features of the table's architectures; an array is ``[n, d]`` or ``[views, n, d]``.
        latencies_us : array_like
            ``[n, m]``, microseconds on m reference devices.

        Raises
        ------
        ValueError
            If the shapes do not agree, if a value is not finite, if a latency is not positive, or
            if a device takes as long for all architectures.
        """
        encoding = architectures
        if not isinstance(encoding, Encoding):
            features = _features(encoding)
            groups = np.arange(features.shape[2], dtype=np.int64)[None]
            encoding = Encoding(features, groups)
        features = _features(encoding)
        table = _latencies(latencies_us, (features.shape[1], -1))
        if features.shape[1] < LEAST_ROWS:
            raise ValueError(f"a table of {features.shape[1]} architectures is too small")
        if table.shape[1] == 0 or not np.all(np.ptp(table, axis=0) > 0):
            raise ValueError("each reference device needs latencies that differ")
        standard = Standard.of(features)
        plain = standard.apply(features)
        return cls(standard, plain, fit_prior(plain, encoding.groups, table))

    def choose_samples(self, count: int, seed: int) -> Integers:
        """Choose the architectures to measure.

        Parameters
        ----------
        count : int
            How many.
        seed : int
            Draws the candidates that they are chosen from.

        Returns
        -------
        numpy.ndarray
            int64 ``[count]``, rows of the table, the most telling first.

        Raises
        ------
        ValueError
            If the table has fewer architectures.
        """
        rows = self.features.shape[1]
        if not 0 < count <= rows:
            raise ValueError(f"cannot choose {count} of {rows} architectures")
        return choose(self.features, self.prior, count, np.random.default_rng(seed))

    def adapt(
        self, samples: npt.ArrayLike | Encoding, latencies_us: npt.ArrayLike
    ) -> AdaptedPredictor:
        """Adapt to a device.

        Parameters
        ----------
        samples : array_like of int, Encoding or array_like of float
            What was measured, as for `AdaptedPredictor.predict`; two or more.
        latencies_us : array_like
            ``[k]``, microseconds.

        Raises
        ------
        ValueError
            If the shapes do not agree, or a latency is not positive and finite.
        """
        features = _take(self.standard, self.features, samples)
        measured = _latencies(latencies_us, (features.shape[1],))
        if len(measured) < 2:
            raise ValueError("adapting takes two or more measured architectures")
        moments = infer(features, measured, self.prior)
        return AdaptedPredictor(self.standard, self.features, moments, float(measured.min()) / 2)


def _mean(features: Floats, moments: Moments) -> Floats:
    total = np.full(features.shape[1], float(moments.first[:, 0].sum()))
    for view, first in zip(features, moments.first, strict=True):
        total += view @ first[1:]
    return total


def _positive(line: Floats, floor: float) -> Floats:
    """Let latencies below the floor go to zero smoothly, in the order of the line."""
    return np.where(line < floor, floor**2 / (2 * floor - np.minimum(line, floor)), line)


def _features(architectures: npt.ArrayLike | Encoding) -> Floats:
    """Read features as ``[views, n, d]``."""
    given = architectures.features if isinstance(architectures, Encoding) else architectures
    features = np.asarray(given, np.float64)
    features = features[None] if features.ndim == 2 else features
    if features.ndim != 3 or not np.isfinite(features).all():
        raise ValueError("features must be finite numbers [n, d] or [views, n, d]")
    return features


def _take(
    standard: Standard, table: Floats, architectures: npt.ArrayLike | Encoding | None
) -> Floats:
    """Standardised features of rows of the table, or of architectures given by features."""
    if architectures is None:
        return table
    if not isinstance(architectures, Encoding):
        rows = np.asarray(architectures)
        if rows.ndim == 1 and np.issubdtype(rows.dtype, np.integer):
            if not np.all((rows >= 0) & (rows < table.shape[1])):
                raise ValueError(f"rows must be from 0 to {table.shape[1] - 1}")
            return table[:, rows]
    features = _features(architectures)
    if features.shape[0] != table.shape[0] or features.shape[2] != table.shape[2]:
        expected = f"[{table.shape[0]}, n, {table.shape[2]}]"
        raise ValueError(f"features have shape {list(features.shape)}, not {expected}")
    return standard.apply(features)


def _latencies(given: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    latencies = np.asarray(given, np.float64)
    if latencies.ndim != len(shape) or latencies.shape[0] != shape[0]:
        wanted = ", ".join("m" if size < 0 else str(size) for size in shape)
        raise ValueError(f"latencies have shape {list(latencies.shape)}, not [{wanted}]")
    if not np.all(np.isfinite(latencies) & (latencies > 0)):
        raise ValueError("latencies must be positive and finite")
    return latencies
