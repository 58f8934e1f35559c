"""Medians, and comparison at equal recall."""
import math
from statistics import median


def at_recall(recall, points):
    """The value at a recall, its logarithm interpolated between measured points (recall, value) in
    the order of ef; None where they do not enclose it."""
    for (low, a), (high, b) in zip(points, points[1:]):
        if low <= recall <= high and low < high:
            part = (recall - low) / (high - low)
            return math.exp((1 - part) * math.log(a) + part * math.log(b))
    return None


class Spread:
    """Rounds of one figure: the median, and the least and the most."""

    def __init__(self, values):
        self.values = list(values)
        self.median = median(self.values)
        self.least, self.most = min(self.values), max(self.values)

    def json(self):
        return {'median': round(self.median, 6), 'min': round(self.least, 6), 'max': round(self.most, 6)}


def ratios(above, below):
    """Round by round, or None where there is nothing to divide."""
    pairs = [(a, b) for a, b in zip(above or [], below or []) if a is not None and b]
    return Spread(a / b for a, b in pairs) if pairs else None


def ef_for(recall, recalls):
    """The least ef whose recall, interpolated, is reached; of {ef: recall}."""
    efs = sorted(recalls)
    if recalls[efs[0]] >= recall:
        return efs[0]
    ef = at_recall(recall, [(recalls[e], e) for e in efs])
    return math.ceil(ef) if ef else efs[-1]
