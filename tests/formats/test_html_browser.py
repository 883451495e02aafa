"""The HTML report in a real browser, opened from disk: the script runs under the page's policy, and what it promises works.

Needs Chromium (`apt-get install chromium`, or any Chrome on the PATH) and the Python package `playwright` of the dev
group; Playwright's own browser download is not used. Missing either, these tests fail in CI and are skipped elsewhere.
"""

from __future__ import annotations

import io
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader

from scanner.formats import html
from scanner.formats._settings import Settings
from tests.formats import marked, sample
from tests.formats.chromium import Opened, opened, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def reports(tmp_path_factory: Any) -> dict[str, Path]:
    """The reports, written once."""
    folder = tmp_path_factory.mktemp("reports")
    scans = {
        "sample": sample.sample_scan(),
        "hostile": sample.hostile_scan(),
        "empty": sample.empty_scan(),
        "large": sample.large_scan(30_000),
        "marked": marked.marked_scan(),
        "indonesian": marked.marked_scan(),
        **{f"marks-{at}": marked.hostile_marked(text) for at, text in enumerate(sample.HOSTILE)},
    }
    paths = {}
    for name, scan in scans.items():
        paths[name] = folder / f"{name}.html"
        with paths[name].open("wb") as out:
            html.render(scan, out, Settings(language="id" if name == "indonesian" else "en"))
    return paths


@pytest.fixture
def visit(browser: Any, reports: Any) -> Iterator[Any]:
    """A function that opens a report in a fresh context."""
    contexts = []

    def go(name: str, fragment: str = "", *, wait: bool = True, **options: Any) -> Opened:
        context = browser.new_context(
            **{"viewport": {"width": 1300, "height": 900}, "offline": True, **options}
        )
        contexts.append(context)
        return opened(context, reports[name].as_uri() + fragment, wait="yes" if wait else "")

    yield go
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    "name",
    ["sample", "hostile", "empty", "large", "marked", *(f"marks-{at}" for at in range(len(sample.HOSTILE)))],
)
def test_the_page_runs_without_complaint_and_without_requests(visit: Any, name: Any) -> None:
    """No policy violation, no script error, no injected script, and only the file itself is read."""
    seen = visit(name)
    assert seen.complaints == []
    assert [
        url.partition("#")[0].rpartition("/")[2] for url in seen.requests if not url.startswith("data:")
    ] == [f"{name}.html"]


def test_filters_narrow_the_table_and_live_in_the_link(visit: Any) -> None:
    """Words, verdict and severity combine; the state is in the address and comes back from it."""
    seen = visit("sample")
    page = seen.page
    assert seen.shown() == "15 of 15 findings shown"
    page.select_option("#filter-verdict", "fail")
    until(page, "document.querySelector('#table-count').textContent.startsWith('9 ')")
    page.fill("#filter-q", "contosoprod addresses")
    until(page, "document.querySelector('#table-count').textContent.startsWith('2 ')")
    assert page.locator(".grid-row").count() == 2
    address = page.url
    assert "verdict=fail" in address
    again = visit("sample", "#" + address.partition("#")[2])
    assert again.shown() == "2 of 15 findings shown"
    again.page.click("#filter-reset")
    assert again.shown() == "15 of 15 findings shown"
    again.page.fill("#filter-q", "no such words")
    again.page.wait_for_selector(".grid-none")
    assert again.complaints == []


def test_sorting_turns_the_order(visit: Any) -> None:
    """A click on a header sorts, a second one reverses, and assistive technology is told."""
    page = visit("sample").page
    page.click(".grid-head .rule button")
    assert page.get_attribute(".grid-head .rule", "aria-sort") == "ascending"
    page.click(".grid-head .rule button")
    assert page.get_attribute(".grid-head .rule", "aria-sort") == "descending"
    assert page.locator(".grid-row .rule").first.inner_text() == "ACR801"


def test_a_deep_link_opens_its_finding(visit: Any) -> None:
    """`#f=` names a finding by fingerprint; the drawer tells all of it and closes with Escape."""
    finding = next(one for one in sample.findings() if one.element == "20.0.0.0/8")
    seen = visit("sample", f"#f={finding.fingerprint}")
    drawer = seen.page.locator("#drawer")
    text = drawer.inner_text()
    for wanted in (
        finding.message,
        finding.resource,
        finding.fingerprint,
        "prefixAtLeast 24",
        "20.0.0.0/8",
        sample.CALL,
        "2025-11-01",
        "az acr network-rule remove --name contosoprod --ip-address 20.0.0.0/8",
        "admin_enabled = false",
        "Microsoft cloud security benchmark",
        "https://learn.microsoft.com/",
    ):
        assert wanted in text
    seen.page.keyboard.press("Escape")
    assert not drawer.is_visible()
    # The address follows the event of closing, which comes after the key has been handled.
    until(seen.page, "!location.href.includes('f=')")
    assert seen.complaints == []


def test_a_link_to_an_unknown_finding_says_so(visit: Any) -> None:
    """A finding of another report is not silently replaced by the first one."""
    seen = visit("sample", "#f=0000")
    assert "not in this report" in seen.shown()
    assert not seen.page.locator("#drawer").is_visible()


def test_the_keyboard_reaches_every_finding(visit: Any) -> None:
    """Arrows and End move through 30,000 virtual rows, Enter opens, the drawer steps on."""
    page = visit("large").page
    page.locator(".grid-row a").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('.grid-row').getAttribute('aria-rowindex')") == "3"
    page.keyboard.press("End")
    until(page, "document.activeElement.closest('.grid-row')?.getAttribute('aria-rowindex') === '30001'")
    assert page.locator(".grid-row").count() < 100
    page.keyboard.press("Enter")
    assert "Finding 30,000 of 30,000" in page.inner_text("#drawer-place")
    page.keyboard.press("k")
    assert "Finding 29,999 of 30,000" in page.inner_text("#drawer-place")
    page.click("#drawer-close")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "filter-q"


def test_hostile_findings_are_told_as_text(visit: Any) -> None:
    """Opening each hostile finding injects nothing."""
    seen = visit("hostile")
    page = seen.page
    before = page.evaluate("document.querySelectorAll('script, img, svg, iframe, object').length")
    page.locator(".grid-row").first.click()
    for _ in range(20):
        page.click("#drawer-next")
    assert page.evaluate("document.querySelectorAll('script, img, svg, iframe, object').length") == before
    assert page.evaluate("document.querySelectorAll('[onload], [onerror], [style*=expression]').length") == 0
    assert seen.complaints == []


def test_frameworks_rules_and_registries_lead_on(visit: Any) -> None:
    """The switch shows one framework, a rule's link unfolds its card, a card shows its findings."""
    page = visit("sample").page
    assert page.locator(".framework:visible").count() == 1
    page.click("#framework-switch >> text=All frameworks")
    assert page.locator(".framework:visible").count() == 3
    page.locator("#summary a.rule").first.click()
    assert page.locator("#rule-ACR101").is_visible()
    page.click("#rule-ACR101 >> text=Show the findings of this rule")
    until(page, "document.querySelector('#table-count').textContent.startsWith('2 ')")
    page.locator(".matrix tbody .name a").first.click()
    until(page, "document.querySelector('#filter-q').value.endsWith('/contosoprod')")


def test_without_script_everything_can_be_read(visit: Any) -> None:
    """Scripts off: the plain rows are there, unfold, and a deep link unfolds its finding by itself."""
    finding = sample.findings()[3]
    seen = visit("sample", f"#f={finding.fingerprint}", wait=False, java_script_enabled=False)
    page = seen.page
    assert page.locator("#rows > details").count() == 15
    assert page.locator(f"[id='f={finding.fingerprint}']").is_visible()
    assert page.locator(".framework:visible").count() == 3
    assert not page.locator("#table-tools").is_visible()
    page.locator("#appendix details summary").first.click()
    assert page.locator("#rule-ACR101").is_visible()


def test_copy_buttons_copy_the_command(visit: Any) -> None:
    """What lands on the clipboard is the command itself."""
    page = visit("sample", permissions=["clipboard-read", "clipboard-write"]).page
    page.locator("#completeness .code button").first.click()
    until(page, "document.querySelector('#completeness .code button').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()").startswith(
        "az role assignment create --assignee me"
    )


@pytest.mark.parametrize("name", ["sample", "hostile", "marked", "indonesian", "marks-0"])
@pytest.mark.parametrize("width", [360, 800, 1900])
def test_no_width_scrolls_sideways(visit: Any, name: Any, width: Any) -> None:
    """Only tables scroll inside themselves, never the page."""
    page = visit(name, viewport={"width": width, "height": 800}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".grid-row").first.click()
    assert page.locator("#drawer").bounding_box()["width"] <= width


def test_print_shows_the_filtered_findings_unfolded(visit: Any) -> None:
    """On paper rows with all their evidence replace the table, filtered as on screen; then all is as before."""
    page = visit("sample", "#verdict=error").page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.text_content("#printed .count-line") == "1 of 15 findings, as filtered on screen."
    assert page.locator("#printed .printed-row").count() == 1
    assert "properties.publicNetworkAccess" in page.locator("#printed .detail").text_content()
    assert not page.locator("#table").is_visible()
    assert not page.locator("#rows").is_visible()
    assert page.locator(".framework:visible").count() == 1
    assert "The report holds 3 frameworks" in page.inner_text("#controls .paper-only")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#printed *").count() == 0


def test_paper_holds_every_part_and_names_the_report_on_each_page(visit: Any) -> None:
    """A PDF of A4 pages: a sane number of them, each with the report's name and its number, with findings and waivers."""
    seen = visit("marked")
    pages = PdfReader(io.BytesIO(seen.page.pdf(prefer_css_page_size=True))).pages
    assert 8 <= len(pages) <= 40
    report = seen.page.get_attribute("html", "data-report")
    texts = [page.extract_text() for page in pages]
    for number, text in enumerate(texts, 1):
        assert f"acrscan {report}" in text
        assert f"{number} / {len(pages)}" in text
    whole = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", " ".join(texts)))
    for wanted in (
        "15 of 15 findings, as filtered on screen.",
        "Completeness of collection",
        "The label printers need",
        "Reopened",
        "acrscan verify",
    ):
        assert wanted in whole
    width, height = (float(side) for side in pages[0].mediabox[2:])
    assert (round(width), round(height)) == (595, 842)


def test_paper_of_many_findings_is_bounded_and_counts_the_rest(visit: Any) -> None:
    """2,000 rows at most, without their evidence; what is missing is said."""
    page = visit("large").page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#printed .printed-row").count() == 2_000
    assert page.locator("#printed .detail").count() == 0
    assert "28,000 more findings are not printed" in page.text_content("#printed .more")


def test_standing_change_and_control_narrow_the_table(visit: Any) -> None:
    """What was accepted, what is new, and what speaks to a control; from the filters, from links and from the address."""
    seen = visit("marked")
    page = seen.page
    for name, value, number in (
        ("standing", "waived", 2), ("standing", "lapsed", 3), ("standing", "attested", 1), ("standing", "open", 9),
        ("change", "new", 2), ("change", "reopened", 1), ("control", "cis-azure/9.3", 2), ("subscription", sample.DEV, 3),
    ):  # fmt: skip
        page.click("#filter-reset")
        page.select_option(f"#filter-{name}", value)
        until(page, f"document.querySelector('#table-count').textContent.startsWith('{number} of 15')")
        assert f"{name}={value.split('/')[0]}" in page.url
    page.click("#filter-reset")
    page.click("#waivers [data-waiver='W-12'] a")
    until(page, "document.querySelector('#table-count').textContent.startsWith('1 of 15')")
    page.click("#controls [data-control='NS-2'] a")
    until(page, "document.querySelector('#table-count').textContent.startsWith('2 of 15')")
    assert visit("marked", "#control=mcsb%2FNS-2").shown() == "2 of 15 findings shown"
    assert seen.complaints == []


def test_the_drawer_tells_who_accepted_it_and_until_when(visit: Any) -> None:
    """Waived, lapsed and attested findings show the entry with its people, its end and the days that are left."""
    by_rule = {(row.rule, row.waiver or row.lapsed or row.attestation): row for row in marked.rows()}
    for key, wanted in {
        ("ACR102", "W-12"): ("Waived", "Mira Solberg", "Ines Dahl", "31 Mar 2027", "128 days left", "PLAT-412", "risk accepted", "Reopened: data were or are missing"),
        ("ACR101", "W-08"): ("Lapsed", "It does not count: expired.", "6 days over", "compensating control"),
        ("ACR201", "W-14"): ("It does not count: refused (the rule may not be waived).", "$r.value was '0.0.0.0/0'"),
        ("ACR801", "A-02"): ("Attested", "Jon Vik", marked.PROOF, "met"),
    }.items():  # fmt: skip
        text = visit("marked", f"#f={by_rule[key].fingerprint}").page.inner_text("#drawer")
        for part in (*wanted, by_rule[key].fingerprint, "16 Nov 2026, 02:00:00 UTC"):
            assert part in text, part


def test_every_fingerprint_is_worked_out_as_the_engine_does(visit: Any) -> None:
    """The page holds only their beginnings; each drawer shows the whole one, and a search for it finds its row."""
    page = visit("sample").page
    page.locator(".grid-row a").first.focus()
    page.keyboard.press("Enter")
    found = set()
    for _ in range(15):
        found.add(page.text_content("#drawer-body .digest"))
        page.keyboard.press("j")
    assert found == {row.fingerprint for row in sample.findings()}
    page.click("#drawer-close")
    page.fill("#filter-q", sample.findings()[4].fingerprint)
    until(page, "document.querySelector('#table-count').textContent.startsWith('1 of 15')")


def test_the_indonesian_page_speaks_indonesian(visit: Any) -> None:
    """Words, numbers and dates of the script's own follow the language; the machine's time stays at hand."""
    seen = visit("indonesian")
    page = seen.page
    assert seen.shown() == "15 dari 15 temuan ditampilkan"
    assert page.locator("#scope time").nth(1).text_content() == "23 Nov 2026, 02.01.12 UTC"
    assert page.locator("#scope time").nth(1).get_attribute("title") == sample.NOW
    page.locator(".grid-row").first.click()
    assert "Temuan 1 dari 15" in page.inner_text("#drawer-place")
    assert "Dikumpulkan pada" in page.inner_text("#drawer")
    assert seen.complaints == []


def test_a_link_into_a_late_part_arrives(visit: Any) -> None:
    """Parts are laid out when they come into sight; a link to one far below still ends up at its heading."""
    page = visit("marked").page
    page.click(".contents a[href='#drift']")
    until(page, "Math.abs(document.getElementById('drift').getBoundingClientRect().top) < 60")


def test_dark_and_light_follow_the_system(visit: Any) -> None:
    """Both themes exist and differ."""
    grounds = [
        visit("empty", color_scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert len(set(grounds)) == 2


def test_thirty_thousand_findings_open_quickly(visit: Any) -> None:
    """A generous bound that a shared machine keeps: ready within 10 s, a filter within 1 s."""
    page = visit("large").page
    assert page.evaluate("performance.now()") < 10_000
    took = page.evaluate(
        """() => new Promise((done) => {
            const field = document.getElementById('filter-severity');
            const start = performance.now();
            new MutationObserver(() => done(performance.now() - start)).observe(document.getElementById('table-count'), {childList: true});
            field.value = 'critical';
            field.dispatchEvent(new Event('input'));
        })"""
    )
    assert took < 1_000
