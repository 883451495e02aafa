"""Frames: which variable a generated function owns, which of its paths are loaded into locals, what it is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.engine import paths
from scanner.model.condition import Path

if TYPE_CHECKING:
    from scanner.engine.codegen.writer import Writer


@dataclass(slots=True)
class _Tree:
    """The paths below one value. `name`: the local that holds it; `below`: by the key as the rule wrote it."""

    name: str
    at: str = ""
    folded: str = ""
    below: dict[str, _Tree] = field(default_factory=dict)


class Frame:
    """One generated function: the target's, or the loop of a quantifier or count. It owns one variable's paths."""

    def __init__(
        self, writer: Writer, var: str, variable: paths.Variable, parent: Frame | None, root: str
    ) -> None:
        self.writer = writer
        self.var = var
        self.variable = variable
        self.parent = parent
        self.tree = _Tree(root)
        self.given: dict[str, None] = {}
        """Names of outer functions that this one gets as arguments, in order of first use."""
        self.missing = "M"
        """The name of the map that says where a missing key of the variable is UNKNOWN."""
        self.missing_owner: Frame = self
        self.missing_used = parent is None

    def variables(self) -> dict[str, paths.Variable]:
        """All variables in sight."""
        outer = self.parent.variables() if self.parent else {}
        return {**outer, self.var: self.variable}

    def owner(self, var: str) -> Frame:
        """The frame that owns a variable in sight."""
        if var == self.var:
            return self
        if self.parent is None:
            raise AssertionError(f"the parser lets no unknown variable through: {var}")
        return self.parent.owner(var)

    def take(self, name: str, owner: Frame) -> str:
        """Have a name of an outer frame passed down to this one."""
        frame: Frame | None = self
        while frame is not None and frame is not owner:
            frame.given[name] = None
            frame = frame.parent
        return name

    def local(self, path: Path) -> str:
        """The local that holds a path's value; it is loaded once, however often it is used."""
        owner = self.owner(path.var)
        tree = owner.tree
        for step in paths.plan(owner.variable, path.keys).steps:
            if step.key not in tree.below:
                tree.below[step.key] = _Tree(self.writer.fresh("v"), step.at, step.folded)
            tree = tree.below[step.key]
        return self.take(tree.name, owner)

    def take_missing(self) -> str:
        """The map of `missing`, passed down to this function."""
        self.missing_owner.missing_used = True
        return self.take(self.missing, self.missing_owner)

    def top(self) -> Frame:
        """The target's frame."""
        return self.owner(paths.TARGET)

    def suspicious(self) -> bool:
        """Whether a missing key on any loaded path can be UNKNOWN."""
        stack = list(self.tree.below.values())
        while stack:
            tree = stack.pop()
            if self._suspect(tree):
                return True
            stack.extend(tree.below.values())
        return False

    def _suspect(self, tree: _Tree) -> bool:
        return paths.can_be_unknown(self.variable.type, tree.at)

    def loads(self, missing: str) -> list[str]:
        """The lines that put all used paths into locals; `missing` names the map of suspicious paths."""
        lines: list[str] = []
        self._load(self.tree, missing, lines, "")
        return lines

    def _load(self, tree: _Tree, missing: str, lines: list[str], indent: str) -> None:
        if not tree.below:
            return
        constant = self.writer.constant
        lines.append(f"{indent}if {tree.name}.__class__ is dict:")
        for key, below in tree.below.items():
            lines.append(f"{indent}    {below.name} = {tree.name}.get({constant(key)})")
            if below.folded:
                lines.append(f"{indent}    if {below.name} is None:")
                lines.append(f"{indent}        {below.name} = by_key({tree.name}, {constant(below.folded)})")
        lines.append(f"{indent}else:")
        names = " = ".join(below.name for below in tree.below.values())
        lines.append(f"{indent}    {names} = through({tree.name})")
        for below in tree.below.values():
            if self._suspect(below):
                lines.append(f"{indent}if {below.name} is None and {constant(below.at)} in {missing}:")
                lines.append(f"{indent}    {below.name} = UNREAD")
            self._load(below, missing, lines, indent)
