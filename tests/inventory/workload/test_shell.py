"""Scripts as commands: quoting, substitutions, variables, loops, both dialects."""

import re

import pytest

from scanner.errors import InputError
from scanner.inventory.workload.images import Filled
from scanner.inventory.workload.shell import read_script
from scanner.inventory.workload.shell_words import POWERSHELL, SH, Expressions
from scanner.inventory.workload.source import HOLE, Text, whole

H = HOLE


def commands(text, dialect=SH, **more):
    found, _ = read_script(whole(Text("f", text)), dialect, **more)
    return [[word.text for word in one.words] for one in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b  c\n", [["a", "b", "c"]]),
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ("a \\\n  b", [["a", "b"]]),
        ("a;b&&c||d|e\nf&", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("a # b\n#c\nd", [["a"], ["d"]]),
        ("a b#c", [["a", "b#c"]]),
        ("a >out 2>&1 <in b", [["a", "b"]]),
        ("a <<EOF\nb c\nEOF\nd", [["a"], ["d"]]),
        ("a <<-'EOF' b\n\tc\n\tEOF\nd", [["a", "b"], ["d"]]),
        ("a <<< x b", [["a", "b"]]),
        ("a \"$(b 'c d')\" e", [["b", "c d"], ["a", H, "e"]]),
        ("a `b c` d", [["b", "c"], ["a", H, "d"]]),
        ("a $((1 + 2)) b", [["a", H, "b"]]),
        ("if a; then b; elif c; then d; else e; fi", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("while read x; do a $x; done", [["read", "x"], ["a", H]]),
        ("case $x in a) b;; esac; c", [["b"], ["c"]]),
        ("f() { a; }\nb", [["f"], ["a"], ["b"]]),
        ("a '$b' \"\\$c\" \\$d", [["a", "$b", "$c", "$d"]]),
        ('a "b', [["a", "b"]]),
        ("a 'b", [["a", "b"]]),
        ("a $(b", [["b"], ["a", H]]),
        ("", []),
        ("a\r\nb", [["a"], ["b"]]),
    ],
)
def test_commands_of_sh(text, expected):
    """Words, operators, quoting, redirections, texts inside a script, substitutions."""
    found = commands(text)
    if text.startswith("case"):
        found = found[-2:]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 'b c' \"d e\" `\n  f", [["a", "b c", "d e", "f"]]),
        ("if ($x) { a b } else { c }", [[H], ["a", "b"], ["c"]]),
        ("<# a\nb #>\nc # d", [["c"]]),
        ('a "$env:X.io/y" $x.Name z', [["a", f"{H}.io/y", H, "z"]]),
        ('a "$(b c)"', [["b", "c"], ["a", H]]),
        ("a C:\\x\\y", [["a", "C:\\x\\y"]]),
    ],
)
def test_commands_of_powershell(text, expected):
    """Backticks escape, braces are blocks, members of objects are not known."""
    assert [one for one in commands(text, POWERSHELL) if one != ["if"]] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('A=x\np $A ${A} "${A}y"', ["p", "x", "x", "xy"]),
        ("export A=x B=y\np $A$B", ["p", "xy"]),
        ("A=x\nB=$A/y\nC=$B/z\np $C", ["p", "x/y/z"]),
        ("p ${A:-x} ${A-y} ${A:=z}", ["p", "x", "y", "z"]),
        ("p ${A:-$B} ${A:?no} ${A%.*}", ["p", H, H, H]),
        ("A=x\np ${A:-y} ${A%.*} ${A,,}", ["p", "x", H, "x"]),
        ("A=Xy\np ${A,,} ${A^^}", ["p", "xy", "XY"]),
        ("A=x\nA=y\np $A", ["p", H]),
        ("A=x\nA=x\np $A", ["p", "x"]),
        ("if t; then A=x; fi\np $A", ["p", H]),
        ("t && A=x\np $A", ["p", H]),
        ("A=x p $A", ["A=x", "p", H]),
        ("A=$(t)\np $A", ["p", H]),
        ("p $1 $@", ["p", H, H]),
        ("A=$A.x\np $A", ["p", H]),
        ("A=$B.x\nB=$A.y\np $A", ["p", H]),
    ],
)
def test_variables_that_are_certain_are_filled_in(text, expected):
    """Set once and unconditionally, or by a default; everything else is a hole."""
    assert commands(text)[-1] == expected


def test_variables_of_powershell():
    """`$name = "value"`, also of what was set before."""
    text = '$reg = "contoso.azurecr.io"\n$image = "$reg/app"\ndocker push "${image}:1"\n'
    assert commands(text, POWERSHELL)[-1] == ["docker", "push", "contoso.azurecr.io/app:1"]
    assert commands('if ($x) { $reg = "a" }\np $reg', POWERSHELL)[-1] == ["p", H]


def test_given_variables_may_be_set_anew():
    """What is set in the script and around it is not certain."""
    given = {"A": Filled("x")}
    assert commands("p $A", given=given)[-1] == ["p", "x"]
    assert commands("A=y\np $A", given=given)[-1] == ["p", H]


def test_expressions_of_the_tool_around_are_filled_in_everywhere():
    """Before the shell sees anything, in single quotes too."""
    tool = Expressions(
        re.compile(r"\$\{\{\s?(\w+)\s?\}\}"), lambda match: ("x" if match[1] == "known" else None, match[1])
    )
    text = "p ${{ known }} '${{ known }}y' \"${{ other }}\"${{ known }}"
    assert commands(text, expressions=tool) == [["p", "x", "xy", f"{H}x"]]


@pytest.mark.parametrize(
    ("text", "retried"),
    [
        ("docker push a", False),
        ("for i in 1 2 3; do docker push a && break; done", True),
        ("for i in a b; do docker push $i; done", False),
        ("until docker push a; do sleep 1; done", True),
        ("while ! docker push a; do sleep 1; done", True),
        ("while read i; do docker push $i; done", False),
        ("for i in 1 2; do docker push a && break; done\ndocker push b", False),
    ],
)
def test_loops_that_repeat_until_it_works(text, retried):
    """A loop over names is none."""
    found, _ = read_script(whole(Text("f", text)))
    assert [one for one in found if one.words[0].text == "docker"][-1].retried is retried


def test_loops_of_powershell():
    """`for` with `break`, `do ... while`."""
    for text, retried in (
        ("for ($i = 0; $i -lt 3; $i++) { docker push a; if ($?) { break } }", True),
        ("foreach ($x in $y) { docker push $x }", False),
    ):
        found, _ = read_script(whole(Text("f", text)), POWERSHELL)
        assert next(one for one in found if one.words[0].text == "docker").retried is retried


def test_words_have_their_place():
    """Start and end of each word as written."""
    text = "a  'b c' \\\n  \"$X\"d"
    found, _ = read_script(whole(Text("f", text)))
    assert [text[word.start : word.end] for word in found[0].words] == ["a", "'b c'", '"$X"d']


@pytest.mark.parametrize(
    "text",
    [
        "$(" * 20_000,
        "`" * 9_999,
        '"' * 9_999,
        "${" * 9_999,
        "<<A\n" * 5_000,
        "a " + "\\\n" * 9_999,
        "((((" * 5_000,
        "$((" * 5_000,
        "if " * 5_000,
    ],
)
def test_odd_scripts_come_to_an_end(text):
    """Whatever is open at the end of a script."""
    for dialect in (SH, POWERSHELL):
        commands(text, dialect)


def test_values_that_double_become_holes():
    """A few lines cannot make a text of gigabytes."""
    lines = ["A0=" + "x" * 900, *(f"A{at}=$A{at - 1}$A{at - 1}" for at in range(1, 40)), "p $A39"]
    found = commands("\n".join(lines))[-1]
    assert len(found[1]) < 10


def test_a_script_of_too_many_words_is_refused():
    """Not cut off in silence."""
    with pytest.raises(InputError, match="more than 100,000 words"):
        commands("a " * 100_001)
