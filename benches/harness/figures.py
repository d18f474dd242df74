"""Statistics: medians, spreads, and confidence intervals of medians.

SPDX-License-Identifier: MIT
"""
import random
import statistics

RESAMPLES = 300


def spread(values):
    """Median, 10th and 90th percentile."""
    ordered = sorted(values)
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return statistics.median(ordered), at(0.1), at(0.9)


def interval(groups):
    """The 95 % confidence interval of the median: a bootstrap, of processes first and then of their rounds.

    Rounds of one process are not independent: the layout of its memory is a bias that they share.
    """
    chance = random.Random(len(groups))
    medians = sorted(
        statistics.median([value for group in chance.choices(groups, k=len(groups))
                           for value in chance.choices(group, k=len(group))])
        for _ in range(RESAMPLES))
    return medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES)]
