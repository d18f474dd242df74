"""Rounds. Each has every operation twice, in a random order and in the reverse of that order.

What drifts while a round goes on is then the same for all of them, and the ratio of two figures of one round, taken
within milliseconds, while the machine is in the same state, says more than that of two averages.

SPDX-License-Identifier: MIT
"""
import dataclasses
import random

from .workers import Worker

BATCH_NS = 3e6
MOST_TIMES = 20


@dataclasses.dataclass
class Party:
    """A contestant in a round: a worker gets @command and a number of times."""
    name: str
    worker: Worker
    command: str
    times: int = 0

    def time(self):
        return self.worker.time(f"{self.command} {self.times}")

    def choose_times(self):
        """The number with which a batch takes a few milliseconds."""
        if self.times == 0:
            self.times = 1
            once = max(1.0, min(self.time(), self.time()))
            self.times = max(1, min(MOST_TIMES, int(BATCH_NS / once)))


def play(parties, rounds, seed):
    """Yields the nanoseconds of each contestant, by name, for each round."""
    chance = random.Random(seed)
    for party in parties:
        party.choose_times()
    for _ in range(rounds):
        order = parties[:]
        chance.shuffle(order)
        sums = dict.fromkeys((party.name for party in order), 0.0)
        for party in order + order[::-1]:
            sums[party.name] += party.time() / 2
        yield sums
