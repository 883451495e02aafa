"""The HTML report in four files: it works on a server that allows only its own files, and says what is missing elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from scanner.cli import outputs
from scanner.cli.door import Outcome
from scanner.formats import html
from scanner.formats._settings import Settings
from tests.formats import marked, sample
from tests.formats.chromium import opened, until
from tests.formats.test_html import Page, table, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPLIT = Settings(html_mode="split")
SUFFIXES = (".html", ".css", ".js", ".bin")


def written(scan: Any, settings: Settings = SPLIT) -> dict[str, bytes]:
    """The four files by suffix."""
    files = {}
    for suffix, writer in html.writers(scan, settings).items():
        out = io.BytesIO()
        writer(scan, out)
        files[suffix] = out.getvalue()
    return files


def test_one_file_is_one_writer_less() -> None:
    """Only the split mode has files of its own; `render` always writes a page that is whole."""
    scan = sample.sample_scan()
    assert html.writers(scan, Settings()) == {}
    assert tuple(html.writers(scan, SPLIT)) == SUFFIXES
    whole, split = io.BytesIO(), io.BytesIO()
    html.render(scan, whole)
    html.render(scan, split, SPLIT)
    assert whole.getvalue() == split.getvalue()


@pytest.mark.parametrize(
    "scan", [sample.sample_scan(), sample.hostile_scan(), sample.empty_scan(), marked.marked_scan()]
)
def test_the_page_has_nothing_inline_and_names_its_files(scan: Any) -> None:
    """No style, no script and no data in the page; its policy allows the files beside it, whose digests it states."""
    files = written(scan)
    page = Page()
    page.feed(files[".html"].decode())
    page.close()
    assert "style" not in page.blocks
    assert page.blocks["script"] == [""]
    assert not [a for _, a in page.elements if any(key.startswith("on") or key == "style" for key in a)]
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert "unsafe" not in policy
    assert "data:" not in policy
    loaded = [a[key] for tag, a in page.elements for key in ("src", "data-address") if key in a]
    loaded += [a["href"] for tag, a in page.elements if tag == "link"]
    assert sorted(loaded) == ["./acrscan.bin", "./acrscan.css", "./acrscan.js"]
    for suffix in (".css", ".js", ".bin"):
        assert hashlib.sha256(files[suffix]).hexdigest() in page.text
    whole = io.BytesIO()
    html.render(scan, whole)
    assert unpacked(gzip.decompress(files[".bin"])) == table(whole.getvalue().decode())
    assert files == written(scan), "the same scan gives the same files"


def test_files_carry_the_name_that_was_asked_for(tmp_path: Path) -> None:
    """`-o night.html` gives four files of that name, and a name that is no plain address is written as one."""
    outcome = Outcome()
    outputs.write(sample.sample_scan(), ("html",), str(tmp_path / "week 47#.html"), outcome, SPLIT)
    assert {path.name for path in tmp_path.iterdir()} == {f"week 47#{suffix}" for suffix in SUFFIXES}
    page = (tmp_path / "week 47#.html").read_text("utf-8")
    assert 'href="./week%2047%23.css"' in page
    assert "sha256sum &#39;week 47#.bin&#39;" in page


class Strict(SimpleHTTPRequestHandler):
    """A file server with a policy that many build servers set."""

    def end_headers(self) -> None:
        """Every answer carries the policy, and types are not guessed."""
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    """Split reports in folders of their own."""
    place: Path = tmp_path_factory.mktemp("split")
    for name, settings in (("en", SPLIT), ("id", replace(SPLIT, language="id"))):
        (place / name).mkdir()
        for suffix, content in written(marked.marked_scan(), settings).items():
            (place / name / f"acrscan{suffix}").write_bytes(content)
    return place


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    """The address of a strict server of that folder on the loopback interface."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), partial(Strict, directory=str(folder)))
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """A fresh context."""
    made = browser.new_context(viewport={"width": 1300, "height": 900})
    yield made
    made.close()


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "id"])
def test_it_works_under_a_strict_policy(context: Any, server: Any, language: Any) -> None:
    """Every file comes from the server itself, nothing is refused, and the page does what the one of one file does."""
    row = marked.rows()[3]
    seen = opened(context, f"{server}/{language}/acrscan.html#f={row.fingerprint}")
    assert seen.complaints == []
    assert all(address.startswith(f"{server}/{language}/acrscan.") for address in seen.requests)
    assert {re.sub(r"#.*", "", address).rpartition(".")[2] for address in seen.requests} == {
        "html",
        "css",
        "js",
        "bin",
    }
    page = seen.page
    assert row.fingerprint in page.inner_text("#drawer")
    page.keyboard.press("Escape")
    page.select_option("#filter-standing", "waived")
    until(page, "document.querySelector('#table-count').textContent.startsWith('2 ')")
    assert not page.locator("#lacking").count()
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px"
    assert seen.complaints == []


@pytest.mark.browser
def test_from_disk_it_says_that_the_data_are_missing(browser: Any, folder: Path) -> None:
    """A browser does not read the data from disk: the page says so in words, and shows the plain rows."""
    context = browser.new_context(offline=True)
    seen = opened(context, (folder / "en" / "acrscan.html").as_uri(), wait="lacking")
    text = seen.page.inner_text("#lacking")
    assert "acrscan.bin" in text
    assert "does not read from disk" in text
    assert seen.page.locator("#rows > details").count() == 15
    assert seen.page.locator("#rows > details").first.is_visible()
    assert not seen.page.locator("#table-tools").is_visible()
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("absent", "was not found beside it or is damaged"),
        ("cut", "was not found beside it or is damaged"),
        ("other", "belongs to another report"),
    ],
)
def test_missing_damaged_or_foreign_data_are_told(
    context: Any, server: Any, folder: Path, damage: Any, said: Any
) -> None:
    """No table at all is better than the table of another scan."""
    place = folder / damage
    place.mkdir(exist_ok=True)
    files = written(marked.marked_scan())
    if damage == "absent":
        del files[".bin"]
    elif damage == "cut":
        files[".bin"] = files[".bin"][:-100]
    else:
        scan = marked.marked_scan()
        files[".bin"] = written(replace(scan, header=replace(scan.header, profile="other")))[".bin"]
    for suffix, content in files.items():
        (place / f"acrscan{suffix}").write_bytes(content)
    seen = opened(context, f"{server}/{damage}/acrscan.html", wait="lacking")
    assert said in seen.page.inner_text("#lacking")
    assert seen.page.locator("#rows > details").first.is_visible()


@pytest.mark.browser
def test_without_its_script_it_says_what_it_needs(context: Any, server: Any, folder: Path) -> None:
    """The sentence stands in the page itself, so that it is there when nothing else is."""
    place = folder / "bare"
    place.mkdir(exist_ok=True)
    (place / "acrscan.html").write_bytes(written(marked.marked_scan())[".html"])
    seen = opened(context, f"{server}/bare/acrscan.html", wait="")
    text = seen.page.inner_text("#lacking")
    for name in ("acrscan.css", "acrscan.js", "acrscan.bin"):
        assert name in text
