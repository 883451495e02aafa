"""Markdown for job summaries (up to 1 MiB) and pull-request comments (up to 60,000 characters): what matters, with denominators.

What was not evaluated comes first, then numbers, changes, waivers that need somebody, rules and findings. Every text from
outside shows as text: no markup, link, mention or reference comes out of it. What does not fit is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats.markdown import sections
from scanner.formats.markdown.digest import Digest
from scanner.formats.markdown.paper import Paper
from scanner.model.summary import summarise

if TYPE_CHECKING:
    from scanner.model.scan import Scan

EXTENSION = ".md"


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:
    """Write a summary or a comment, as `settings.markdown` says."""
    paper = Paper(settings.markdown)
    counts = summarise(scan)
    digest = Digest.of(scan, sections.FINDINGS[settings.markdown])
    sections.headline(paper, scan, counts)
    sections.not_read(paper, scan, counts, digest)
    sections.numbers(paper, counts)
    sections.changes(paper, scan)
    sections.waivers(paper, scan)
    sections.rules(paper, scan)
    sections.findings(paper, scan, counts, digest)
    sections.closing(paper, scan)
    out.write(paper.text().encode("utf-8"))
