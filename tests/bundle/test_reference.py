"""References: registry, repository, tag and digest, or an error that says what is wrong."""

from __future__ import annotations

import pytest

from scanner.bundle.reference import Reference, layout_of, reference_of
from scanner.errors import UsageError

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("r.azurecr.io/acr:1.4.0", ("r.azurecr.io", "acr", "1.4.0", "")),
        (f"localhost:5000/a/b-c__d@{DIGEST}", ("localhost:5000", "a/b-c__d", "", DIGEST)),
        (f"r.io/a:t@{DIGEST}", ("r.io", "a", "t", DIGEST)),
        ("[::1]:5000/a:t", ("[::1]:5000", "a", "t", "")),
        ("localhost/a:t", ("localhost", "a", "t", "")),
    ],
)
def test_references(text, parts):
    """Parts come out and go together again."""
    found = reference_of(text)
    assert (found.registry, found.repository, found.tag, found.digest) == parts
    assert str(found) == text
    assert found.wanted == (parts[3] or parts[2])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("acr:1.0", "names no registry"),
        ("acr/pack:1.0", "names no registry"),
        ("r.io/acr", "neither a tag nor a digest"),
        ("r.io/ACR:1", "is no repository"),
        ("r.io/../x:1", "is no repository"),
        ("r.io/a//b:1", "is no repository"),
        ("r.io/:1", "is no repository"),
        ("r.io/a:-x", "is no tag"),
        ("r.io/a:" + "x" * 129, "is no tag"),
        ("r.io/a@sha256:abc", "is no digest"),
        (f"r.io/a@{DIGEST.replace('sha256', 'sha512')}", "is no digest"),
        ("user@r.io/a:1", "is no host"),
        ("r.io:99999999/a:1", "is no host"),
        ("-r.io/a:1", "is no host"),
        ("https://r.io/a:1", "is no host"),
        ("r.io/\x1b[2J:1", "is no repository"),
    ],
)
def test_what_is_no_reference(text, words):
    """Each says what is wrong, and shows nothing a terminal would obey."""
    with pytest.raises(UsageError, match=words) as caught:
        reference_of(text)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("registry", "loopback"),
    [("localhost", True), ("127.0.0.1:80", True), ("[::1]:5000", True), ("localhost.evil.com", False), ("r.io:443", False)],
)  # fmt: skip
def test_loopback(registry, loopback):
    """Only this machine itself is this machine."""
    assert Reference(registry, "a", "t", "").loopback is loopback


def test_layouts():
    """A folder with a tag or a digest; a drive's colon begins no tag."""
    assert layout_of("out/dir:1.0") == Reference("out/dir", "", "1.0", "")
    assert layout_of("C:\\out:1.0") == Reference("C:\\out", "", "1.0", "")
    assert layout_of(f"out@{DIGEST}").digest == DIGEST
    for text in ("out", "C:\\out", ":1.0", "a:b:"):
        with pytest.raises(UsageError):
            layout_of(text)
