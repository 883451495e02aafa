"""Accessibility of the HTML report: the rules of axe-core for WCAG 2.2 AA, in both themes, with the drawer open, in both languages.

Needs the npm package `axe-core` (`npm ci` in the project's folder) beside the browser.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scanner.formats import html
from scanner.formats._settings import Settings
from tests.formats import marked, sample
from tests.formats.chromium import lacking, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    """The reports, written once."""
    if not AXE.exists():
        lacking("axe-core is missing: run `npm ci` in the project's folder")
    place: Path = tmp_path_factory.mktemp("axe")
    scans = {"marked": marked.marked_scan(), "hostile": sample.hostile_scan(), "empty": sample.empty_scan()}
    for name, scan in scans.items():
        for language in ("en", "id"):
            with (place / f"{name}-{language}.html").open("wb") as out:
                html.render(scan, out, Settings(language=language))
    return place


@pytest.fixture
def page(browser: Any, folder: Path, request: Any) -> Iterator[Any]:
    """A page as the test's parameter asks for it."""
    name, theme, width = request.param
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900}, offline=True)
    yield opened(context, (folder / f"{name}.html").as_uri()).page
    context.close()


def violations(page: Any) -> list[str]:
    """What axe finds, one line for each rule with its first places."""
    # Parts out of sight are not laid out, and axe passes over what is not laid out: show it everything.
    page.evaluate(
        "for (const part of document.querySelectorAll('.part, .finding')) part.style.setProperty('content-visibility', 'visible')"
    )
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(
        f"axe.run(document, {json.dumps({'runOnly': {'type': 'tag', 'values': RULES}})}).then((all) => [all.passes.length, all.violations])"
    )
    assert found[0] > 20, "axe looked at next to nothing"
    return [
        f"{one['id']}: {one['help']} ({', '.join(str(node['target']) for node in one['nodes'][:4])})"
        for one in found[1]
    ]


VIEWS = [
    ("marked-en", "light", 1400),
    ("marked-en", "dark", 1400),
    ("marked-id", "light", 1400),
    ("marked-id", "dark", 400),
    ("marked-en", "light", 400),
    ("hostile-en", "dark", 1400),
    ("empty-en", "light", 1400),
]


@pytest.mark.parametrize("page", VIEWS, indirect=True, ids=["-".join(map(str, view)) for view in VIEWS])
def test_nothing_breaks_the_rules_of_accessibility(page: Any) -> None:
    """No violation in the whole page, everything unfolded."""
    assert violations(page) == []


@pytest.mark.parametrize(
    "page", VIEWS[:5], indirect=True, ids=["-".join(map(str, view)) for view in VIEWS[:5]]
)
def test_the_open_drawer_keeps_the_rules_too(page: Any) -> None:
    """A finding with a lapsed waiver, one that is attested, and one of an unknown: each without a violation."""
    for row in (marked.rows()[3], marked.rows()[2], marked.rows()[1]):
        page.evaluate(f"location.hash = 'f={row.fingerprint}'")
        page.wait_for_selector("#drawer[open]", state="attached")
        assert row.fingerprint in page.inner_text("#drawer")
        assert violations(page) == []
        page.click("#drawer-close")
