"""The page of an impact: hostile names stay names, it never gets too long, and it ends in a command that a shell takes apart."""

import re
import shutil
import subprocess
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scanner.model.condition import Mark
from scanner.workbench.impact import record, text
from scanner.workbench.impact.figures import (
    EstateWords,
    Impact,
    Moved,
    Named,
    RuleImpact,
    Score,
    SideWords,
    Tried,
    WaiverTouch,
)
from scanner.workbench.impact.markdown import page
from scanner.workbench.impact.paper import LIMIT
from scanner.workbench.impact.quoting import quoted
from scanner.workbench.moving import Possible
from scanner.workbench.problem import Problem

HOSTILE = [
    "x | y <img src=x onerror=alert(1)> <!-- ",
    "</summary></details><script>alert(1)</script>",
    "@everyone #1 GH-2 !3 https://evil.example/a www.evil.example",
    "```\n```js\n# heading\n- item",
    "![x](https://evil.example/p.png) [y](javascript:alert(1))",
    "##[error]owned ::error::owned ##vso[task.complete]",
    "a\u202eb\u200bc\x1b[31md\x07\r\n::warning::x",
    "*bold* _it_ ~~s~~ `code` $math$ :rocket:",
]


def impact_of(words, number=1, **changes):
    """An impact in which every text from outside is `words`."""
    named = tuple(Named(f"/subscriptions/{words}", words, words) for _ in range(5))
    mark = Mark(f"acr/{words}.yaml", 3, 5)
    rules = tuple(
        RuleImpact(
            id=words if number == 1 else f"TST{at:05d}",
            title=words,
            severity="high",
            kind="renamed",
            mark=mark,
            was=(words,),
            new=3,
            resolved=2,
            changed=1,
            same=7,
            top_new=named,
            top_resolved=named,
            top_changed=named,
            moved=(Moved("P", "U", 4, named), Moved("F", "P", 2, named)),
            tried=(
                Tried(words, (Possible("P", "F", f"{words}\n{words}", words),), False, words, mark, mark),
            ),
        )
        for at in range(number)
    )
    problems = tuple(
        Problem("LOOSE001", "warning", words, mark, words, words, words, detail=f"{words}\n{words}")
        for _ in range(number)
    )
    given = {
        "base": SideWords(words, "1.0.0", "d", 3),
        "head": SideWords(words, "1.1.0", "d", 3),
        "pack": words,
        "estate": EstateWords(words, "d", "2026-11-25T02:00:00Z", {words: 3}, True, words),
        "rules": rules,
        "before": Score(3, 1),
        "after": Score(2, 2),
        "new_by_severity": dict.fromkeys(("critical", "high", "medium", "low", "info"), 0),
        "undecided": (0, 1),
        "never": (words,) * number,
        "not_asked": {words: words},
        "waivers": tuple(WaiverTouch(f"{words}{at}", words, "", "in-force", 0, 1, 1, 1, words) for at in range(number)),
        "loose": problems,
        "errors": problems,
        "not_compared": (words,) * number,
        "command": ("acrscan", "policy", "impact", "--base", "main", "--pack", words),
        **changes,
    }  # fmt: skip
    return Impact(**given)


def shown(html):
    """The text of a page without the few tags that it may have."""
    return re.sub(
        r"</?(?:details|summary|table|thead|tbody|tr|th|td|h3|h4|p|ul|li|strong|em|code|pre|blockquote|br)\s*/?>", "", html
    )  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE)
def test_names_stay_names(words):
    """Rendered, the page has no link, image, script or tag but its own, calls nobody, and no fence is broken."""
    made = page(impact_of(words))
    html = MarkdownIt("gfm-like").render(made)
    assert "<a " not in html
    assert "<img" not in html
    assert "<script" not in html
    assert "<" not in shown(html)
    assert "<h1" not in html
    assert not re.search(r"@(?!\u2060)\w", re.sub(r"<(pre|code)>.*?</\1>", "", html, flags=re.DOTALL))
    assert not re.search("[\u202e\u200b\x1b\x07]", made)
    assert "<pre><code>acrscan policy impact --base main --pack" in html


@pytest.mark.parametrize("words", HOSTILE)
def test_the_log_obeys_nothing(words):
    """In the text no line is a command of a build service, and no control character is left."""
    out = StringIO()
    text.write(impact_of(words), out)
    lines = out.getvalue().split("\n")
    assert not any(line.lstrip().startswith("::") for line in lines)
    assert not any(re.search(r"##(\[|vso)", line) for line in lines)
    assert not re.search("[\u202e\u200b\x1b\x07\r]", out.getvalue())


@pytest.mark.parametrize("words", ["name", "@#|<`" * 60, "x" * 3_000])
@pytest.mark.parametrize("number", [1, 50, 2_000])
def test_the_page_fits_into_a_comment(words, number):
    """However much there is, the page stays within the limit, says what it left out, and ends in the command."""
    made = page(impact_of(words, number))
    assert len(made) <= LIMIT
    end = made[-2_000:] if len(words) < 2_000 else made[-5_000:]
    assert "The same on your machine" in end
    assert made.endswith("```\n")
    if number == 2_000:
        assert re.search(r"[\d,]+ more rules left out for lack of room", made)
        assert re.search(r"[\d,]+ more details left out for lack of room", made)


def test_a_command_that_is_too_long_is_not_cut():
    """Half a command is worse than none: the page says where the whole is."""
    made = page(impact_of("name", command=("acrscan", *(["--profile", "x" * 200] * 40))))
    assert "too long for a comment" in made
    assert "--profile" not in made


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash takes the command apart")
@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=4
    )
)
@settings(max_examples=60, deadline=None)
def test_a_shell_takes_the_words_apart_again(words):
    """Every word comes out of bash as it went in, whatever it holds, and the line has no control character."""
    line = quoted(tuple(words))
    assert not re.search(r"[\x00-\x1f\x7f\u202a-\u202e]", line)
    done = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert done.stdout.decode().split("\0")[:-1] == words


def test_the_record_keeps_names_as_they_are():
    """JSON is for programs: nothing is escaped but what JSON escapes."""
    found = record.record(impact_of(HOSTILE[0]))
    assert found["rules"][0]["title"] == HOSTILE[0]
    assert found["rules"][0]["verdicts"][0] == {
        "before": "P",
        "after": "U",
        "number": 4,
        "regression": True,
        "top": [{"id": f"/subscriptions/{HOSTILE[0]}", "name": HOSTILE[0], "message": HOSTILE[0]}] * 5,
    }


def test_what_was_tried_is_in_every_form():
    """The record has the case of each move; text and page have it too, and say that it was a sample."""
    found = impact_of("name")
    move = {"before": "P", "after": "F", "case": "name\nname", "where": "name"}
    (tried,) = record.record(found)["rules"][0]["tried"]
    assert (tried["moves"], tried["complete"], tried["note"]) == ([move], False, "name")
    out = StringIO()
    text.write(found, out)
    for made in (out.getvalue(), page(found)):
        assert "only a sample was tried: name" in made
        assert "a case that was pass and is fail now (with the values of name):" in made


def test_a_score_is_never_rounded_up():
    """One failure among a million is not 100 %; nothing decided is no share at all."""
    made = page(impact_of("name", before=Score(999_999, 1), after=Score(0, 0)))
    assert "99.9 % (999,999 of 1,000,000)" in made
    assert "- (nothing decided)" in made
