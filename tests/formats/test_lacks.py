"""What is missing, by cause: one missing permission is one line with one command."""

from __future__ import annotations

from scanner.model.resource import Problem, SourceRun
from scanner.model.summary import lacks

S1, S2 = (f"/subscriptions/{number * 8}-1111-4111-8111-111111111111" for number in "12")


def registry(subscription, name):
    return f"{subscription}/resourceGroups/RG/providers/Microsoft.ContainerRegistry/registries/{name}"


def denied(scope, action="x/read"):
    return Problem(
        scope, f"403 over {scope}", 403, action, f"az role assignment create --role Reader --scope {scope}"
    )


def run(kind, *problems):
    return SourceRun("azure", kind, "partial", 1, problems)


def test_one_permission_is_one_line_at_the_nearest_common_scope():
    (lack,) = lacks([run("A/tokens", denied(registry(S1, "a")), denied(registry(S1, "b")))])
    assert lack.action == "x/read"
    assert lack.collections == ("A/tokens",)
    assert lack.fix == f"az role assignment create --role Reader --scope {S1}/resourceGroups/RG"
    assert lack.others == 0
    assert lack.words == f"tokens of 2 scopes, such as {registry(S1, 'a')}"


def test_further_subscriptions_are_counted():
    (lack,) = lacks([run("A/tokens", denied(registry(S1, "a")), denied(registry(S2, "b")))])
    assert lack.fix.endswith(registry(S1, "a"))
    assert lack.others == 1


def test_several_collections_of_one_cause():
    lost = Problem(S1, "scope lost")
    (lack,) = lacks([run(f"A/{leaf}", lost) for leaf in ("a", "b", "c", "d", "e", "f")])
    assert lack.words == f"a, b, c, d and 2 more collections of {S1}"
    assert (lack.fix, lack.action) == ("", "")


def test_other_permissions_and_reasons_are_lines_of_their_own():
    found = lacks([run("A/tokens", denied(S1), denied(S1, "y/read"), Problem("", "429"), Problem("", "500"))])
    assert [(one.action, one.reason) for one in found] == [
        ("x/read", f"403 over {S1}"),
        ("y/read", f"403 over {S1}"),
        ("", "429"),
        ("", "500"),
    ]
    assert found[2].words == "tokens of everything"


def test_what_was_chosen_comes_last():
    found = lacks([run("A/r", Problem(S1, "patterns", chosen=True), Problem(S2, "429"))])
    assert [one.reason for one in found] == ["429", "patterns"]


def test_nothing_is_missing():
    assert lacks([SourceRun("azure", "A/tokens", "complete", 3)]) == []
