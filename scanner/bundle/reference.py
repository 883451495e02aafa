"""Where a pack lies in a registry: `registry.example/packs/acr:1.4.0@sha256:...` comes in, its parts come out.

Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests (names and tags),
https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from scanner.errors import UsageError

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Reference:
    """A place in a registry or in a layout's folder. `tag` and `digest`: at least one of them is there."""

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def wanted(self) -> str:
        """What the registry is asked for: the digest, which nobody can move, where there is one."""
        return self.digest or self.tag

    @property
    def loopback(self) -> bool:
        """Whether the registry runs on this machine."""
        return urlsplit(f"//{self.registry}").hostname in _LOOPBACK

    def __str__(self) -> str:
        head = f"{self.registry}/{self.repository}" if self.repository else self.registry
        return f"{head}{':' if self.tag else ''}{self.tag}{'@' if self.digest else ''}{self.digest}"


def reference_of(text: str) -> Reference:
    """The parts of a reference. Raises `UsageError` for one that names no registry, or neither tag nor digest."""
    head, slash, rest = text.partition("/")
    if not slash or ("." not in head and ":" not in head and head != "localhost"):
        raise _wrong(text, "names no registry")
    if not _HOST.fullmatch(head):
        raise _wrong(text, f"{head!r} is no host")
    name, tag, digest = _split(rest, text)
    if not _REPOSITORY.fullmatch(name) or len(name) > 255:
        raise _wrong(text, f"{name!r} is no repository (lower case, digits and . _ - / between them)")
    return Reference(head, name, tag, digest)


def layout_of(text: str) -> Reference:
    """The parts of `DIR:TAG` or `DIR@sha256:...`, a folder with an OCI image layout."""
    name, tag, digest = _split(text, text)
    if not name:
        raise _wrong(text, "names no folder")
    return Reference(name, "", tag, digest)


def _split(rest: str, text: str) -> tuple[str, str, str]:
    """(name, tag, digest). A colon before a slash (a drive, a port) begins no tag."""
    rest, at, digest = rest.partition("@")
    if at and not DIGEST.fullmatch(digest):
        raise _wrong(text, f"{digest[:80]!r} is no digest (sha256: and 64 hexadecimal digits)")
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag or "\\" in tag:
        name, tag = rest, ""
    elif not _TAG.fullmatch(tag):
        raise _wrong(text, f"{tag[:140]!r} is no tag")
    if not tag and not digest:
        raise _wrong(text, "names neither a tag nor a digest")
    return name, tag, digest


def _wrong(text: str, what: str) -> UsageError:
    return UsageError(
        f"{text[:200]!a}: {what}", "", "Write it as myregistry.azurecr.io/packs/acr:1.4.0, or with @sha256:..."
    )  # fmt: skip
