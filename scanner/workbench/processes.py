"""Mutation testing on several processors: rules with their packs come in, what became of the mutants of each comes out in order.

Every process gets the packs once, then works on one rule after the other. The processes start empty on every platform:
nothing that this one holds (locks, open files) is copied into them.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from scanner.errors import InputError
from scanner.model.rule import Rule, RulePack
from scanner.workbench.mutate import Mutated, mutate

RULES_EACH = 24
"""A process more costs a start and the reading of the packs; it pays off for so many rules."""
_packs: list[RulePack] = []
"""In a process that was started: the packs that it works on."""


def processes_for(rules: int) -> int:
    """How many processes pay off for so many rules on this machine."""
    return max(1, min(os.cpu_count() or 1, rules // RULES_EACH))


@contextmanager
def mutated(chosen: Sequence[tuple[RulePack, Rule]], jobs: int) -> Iterator[Iterator[Mutated]]:
    """What `mutate` gives for each rule, in order. `jobs`: 1 works in this process.

    Raises `InputError` when a process was ended from outside (mostly for want of memory).
    """
    jobs = min(jobs, len(chosen))
    if jobs <= 1:
        yield (mutate(pack, rule) for pack, rule in chosen)
        return
    packs = list({id(pack): pack for pack, _ in chosen}.values())
    places = {id(pack): number for number, pack in enumerate(packs)}
    tasks = [(places[id(pack)], rule.id) for pack, rule in chosen]
    executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin, (packs,))
    try:
        yield executor.map(_work, tasks)
    except BrokenProcessPool as error:
        raise InputError(
            "a process that tried mutants was ended by the system",
            "",
            "Mostly there was too little memory: try --jobs 1, or fewer rules at once (--rule).",
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _begin(packs: list[RulePack]) -> None:
    _packs[:] = packs


def _work(task: tuple[int, str]) -> Mutated:
    place, identifier = task
    pack = _packs[place]
    return mutate(pack, next(rule for rule in pack.rules if rule.id == identifier))
