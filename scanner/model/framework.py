"""Frameworks as values: a catalogue of controls with our own short titles, and where the mapping of rules comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FrameworkControl:
    """One control. `scanner`: what proves it where it is a property of acrscan itself, or "".

    `untouched`: why no rule can say anything about it (it is about people, buildings, other services ...), or "".
    """

    id: str
    title: str
    scanner: str = ""
    untouched: str = ""


@dataclass(frozen=True, slots=True)
class Framework:
    """A catalogue of controls. `source`: its address; `mapping`: where the mapping of rules to controls comes from.

    `note`: what a reader must know of the mapping (controls that no initiative names ...). `complete`: the catalogue
    holds every control of the framework, not only those that concern a registry.
    """

    id: str
    title: str
    source: str
    mapping: str
    controls: tuple[FrameworkControl, ...]
    version: str = ""
    note: str = ""
    complete: bool = False
    digest: str = ""
