"""Reports for the tests of writers: an ordinary one, a hostile one, a huge one."""

from __future__ import annotations

from scanner.model.condition import Mark
from scanner.workbench.problem import Checked, Problem, Report

EVIL = "x\n::error::own\r\x1b[31m##[group]a##vso[task.complete]`<img src=x onerror=alert(1)>|@octocat #1 [a](http://evil.example)\u202e%0A"

ORDINARY = Report(
    "lint",
    (
        Problem(
            "SEM007",
            "error",
            "unknown property path 'properties.adminUserEnable'",
            Mark("policies/acr/ACR101.yaml", 8, 12),
            'Did you mean "properties.adminUserEnabled"?',
            "ACR101",
            "  | assert: {field: properties.adminUserEnable, equals: false}\n  |            ^",
            end_column=38,
        ),
        Problem("META014", "warning", "reviewed 400 days ago", Mark("policies/acr/ACR102.yaml", 40, 1)),
        Problem("TEST008", "info", "a failing test says nothing of the message", Mark("b.yaml", 3, 3)),
    ),
    {"rules": 2},
    (Checked("policies/acr/ACR102.yaml", "ACR102", Mark("policies/acr/ACR102.yaml", 1, 1)),),
)


def hostile() -> Report:
    """Every text of it wants to be something else."""
    return Report(
        "lint",
        (
            Problem(
                "META013",
                "error",
                EVIL,
                Mark(f"a/{EVIL}.yaml", 2, 3),
                EVIL,
                EVIL,
                f"  | {EVIL}\n  | ^",
                detail=f"```\n{EVIL}\n```\n  ::add-mask::x\n-old\n+new",
            ),
        ),
        {EVIL: 1},
        (Checked(EVIL, EVIL, Mark(EVIL, 1, 1), EVIL, EVIL),),
    )


def many(errors: int, warnings: int, notes: int) -> Report:
    """So many problems of each level, in two files."""
    made = [
        Problem(
            "SEM007", level, f"{level} number {at}", Mark(f"pack/{at % 2}.yaml", at + 1, 1), rule="ACR101"
        )
        for level, number in (("info", notes), ("warning", warnings), ("error", errors))
        for at in range(number)
    ]
    return Report("lint", tuple(made), {"rules": 7})


def cases() -> Report:
    """Tests: one that holds, one that does not, and one that a problem tells already."""
    mark = Mark("p/T1.yaml", 20, 5)
    return Report(
        "test",
        (Problem("TEST", "error", "T1 'b': expected pass, got fail", Mark("p/T1.yaml", 30, 5), rule="T1"),),
        {"tests": 3},
        (
            Checked("T1", "holds", Mark("p/T1.yaml", 10, 5)),
            Checked("T1", "a", mark, "expected fail, got pass", "-fail\n+pass"),
            Checked("T1", "b", Mark("p/T1.yaml", 30, 5), "expected pass, got fail"),
        ),
    )
