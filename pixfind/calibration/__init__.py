"""What a model's scores are worth: probabilities of a match, in a library."""

from pixfind.calibration.calibration import QUANTILE, Calibration

__all__ = ["QUANTILE", "Calibration"]
