"""A registry over HTTP: manifests and blobs of one repository come in and go out, each checked by its digest.

The `oras` package was tried first (docs/decisions/0018-bundles.md has what was measured): it waits minutes before it tells
of a refused login, has no time limit, checks no digest and does not know the identity tokens of `az acr login`.
Sources: https://github.com/opencontainers/distribution-spec/blob/main/spec.md,
https://distribution.github.io/distribution/spec/auth/token/, https://distribution.github.io/distribution/spec/auth/oauth/
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from scanner.bundle.artifact import INDEX, LARGEST, MANIFEST, Blob, digest_of
from scanner.bundle.credentials import Login, basic, token_in
from scanner.bundle.reference import Reference
from scanner.errors import AuthenticationError, InputError, OutputError, ScopeError, UsageError

CONNECT, READ, WHOLE = 15.0, 60.0, 300.0
"""Seconds for a connection, between two pieces of an answer, and for an answer."""
ATTEMPTS = 3
"""How often a request is sent while the registry says that it is busy."""
LONGEST_WAIT = 30.0
_BUSY = frozenset({429, 502, 503, 504})
_PAIR = re.compile(r'(\w+)="([^"]*)"')
_PIECE = 1 << 16
Exchange = Callable[[], str]
"""Gives an access token to pull from the repository, by another way to log in."""


class Answer(NamedTuple):
    """Status, headers (any case) and the whole body, which was bounded."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Registry:
    """One repository. `actions`: what tokens are asked for, `pull` or `pull,push`, for this repository and nothing else."""

    def __init__(
        self,
        place: Reference,
        session: requests.Session,
        login: Login,
        *,
        actions: str,
        plain_http: bool = False,
        exchange: Exchange | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if plain_http and login and not place.loopback:
            raise UsageError("a login is not sent over plain HTTP", place.registry, "Leave out --plain-http.")
        self.place = place
        self._session = session
        self._login = login
        self._exchange = exchange
        self._scope = f"repository:{place.repository}:{actions}"
        self._scheme = "http" if plain_http else "https"
        self._base = f"{self._scheme}://{place.registry}/v2/{place.repository}"
        self._sleep = sleep
        self._authorization = ""
        self._ways = [self._as_somebody] if login else [self._as_nobody]
        if exchange and not login:
            self._ways.append(self._exchanged)
        self._way: Callable[[Mapping[str, str], str], str] | None = None
        self._worked = False
        # Neither .netrc nor anything else that `requests` finds by itself is sent.
        session.auth = lambda request: request

    def manifest(self, wanted: str) -> bytes:
        """The manifest of a tag or digest. Raises `InputError` where it is not what was asked for."""
        answer = self._send(
            "GET", f"{self._base}/manifests/{wanted}", LARGEST, headers={"Accept": f"{MANIFEST}, {INDEX}"}
        )
        if answer.status == 404:
            raise InputError(f"there is no such pack: {_words(answer)}", str(self.place), "Look at the name and the tag.")  # fmt: skip
        self._expect(answer, 200)
        found = digest_of(answer.content)
        stated = wanted if ":" in wanted else _stated(answer) or found
        if found != stated:
            raise InputError(f"the manifest has the digest {found}, not {stated[:100]!a}", str(self.place), _ADVICE)  # fmt: skip
        return answer.content

    def tagged(self, tag: str) -> str:
        """The digest that a tag stands for, or ""."""
        answer = self._send("GET", f"{self._base}/manifests/{tag}", LARGEST, headers={"Accept": f"{MANIFEST}, {INDEX}"})  # fmt: skip
        if answer.status == 404:
            return ""
        self._expect(answer, 200)
        return digest_of(answer.content)

    def blob(self, wanted: Blob) -> bytes:
        """The content of a blob; it has the size and the digest that its manifest states."""
        answer = self._send("GET", f"{self._base}/blobs/{wanted.digest}", wanted.size)
        if answer.status == 404:
            raise InputError(f"its archive is gone: {_words(answer)}", str(self.place), "Push the pack again.")  # fmt: skip
        self._expect(answer, 200)
        return answer.content

    def put_blob(self, content: bytes) -> None:
        """Upload a blob, unless it is there."""
        digest = digest_of(content)
        there = self._send("HEAD", f"{self._base}/blobs/{digest}", 0)
        if there.status == 200:
            return
        if there.status != 404:
            self._expect(there, 200)
        begun = self._send("POST", f"{self._base}/blobs/uploads/", _PIECE)
        self._expect(begun, 202)
        said = begun.headers.get("Location", "")
        place = _address(f"{self._base}/blobs/uploads/", said)
        if urlsplit(place)[:2] != urlsplit(self._base)[:2]:
            raise OutputError(f"the registry sends the upload to {said[:100]!a}, not followed", str(self.place))  # fmt: skip
        place += f"{'&' if urlsplit(place).query else '?'}{urlencode({'digest': digest})}"
        done = self._send("PUT", place, _PIECE, headers={"Content-Type": "application/octet-stream"}, body=content)  # fmt: skip
        self._expect(done, 201)

    def put_manifest(self, content: bytes, wanted: str) -> None:
        """Put a manifest under a tag or its digest."""
        done = self._send("PUT", f"{self._base}/manifests/{quote(wanted, safe=':')}", _PIECE, headers={"Content-Type": MANIFEST}, body=content)  # fmt: skip
        self._expect(done, 201)
        stated = _stated(done) or digest_of(content)
        if stated != digest_of(content):
            raise OutputError(
                f"the registry keeps the manifest as {stated[:100]!a}", str(self.place), _ADVICE
            )

    def _expect(self, answer: Answer, status: int) -> None:
        if answer.status == status:
            return
        where, words = str(self.place), _words(answer)
        if answer.status == 401:
            who = f"the login from {self._login.source}" if self._login else "a request without a login"
            raise AuthenticationError(f"the registry refuses {who}: {words}", where, _LOGIN)
        if answer.status == 403:
            raise ScopeError(f"the registry does not allow it: {words}", where, _RIGHTS)
        raise InputError(f"the registry answered {answer.status}: {words}", where, "Try again later; if it stays so, ask who runs the registry.")  # fmt: skip

    def _send(
        self,
        method: str,
        url: str,
        limit: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One request of ours, authorised as the registry asks for it."""
        for attempt in range(1, ATTEMPTS + 1):
            answer = self._authorised(method, url, limit, headers or {}, body)
            if answer.status not in _BUSY or attempt == ATTEMPTS:
                break
            asked = answer.headers.get("Retry-After", "")
            self._sleep(min(float(asked) if asked.isdecimal() else 2.0**attempt, LONGEST_WAIT))
        return answer

    def _authorised(
        self, method: str, url: str, limit: int, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        while True:
            sent = {**headers, **({"Authorization": self._authorization} if self._authorization else {})}
            answer = self._followed(method, url, limit, sent, body)
            if answer.status != 401:
                self._worked = True
                return answer
            if not self._renewed(answer):
                return answer

    def _renewed(self, refused: Answer) -> bool:
        """Get another authorisation: the same way once more where it worked before (tokens end), or the next way."""
        challenge = refused.headers.get("WWW-Authenticate", "")
        pairs = dict(_PAIR.findall(challenge))
        kind = challenge.partition(" ")[0].lower()
        ways = [self._way] if self._worked and self._way else []
        self._worked = False
        while ways or self._ways:
            self._way = ways.pop() if ways else self._ways.pop(0)
            self._authorization = self._way(pairs, kind)
            if self._authorization:
                return True
        return False

    def _as_somebody(self, pairs: Mapping[str, str], kind: str) -> str:
        if kind == "basic" and self._login.password:
            return basic(self._login)
        if kind != "bearer":
            return ""
        if self._login.identity_token:
            form = {"grant_type": "refresh_token", "service": pairs.get("service", ""), "scope": self._scope}
            secret = {"client_id": "acrscan", "refresh_token": self._login.identity_token}
            return self._token("POST", pairs, form={**form, **secret})
        return self._token("GET", pairs, headers={"Authorization": basic(self._login)})

    def _as_nobody(self, pairs: Mapping[str, str], kind: str) -> str:
        return self._token("GET", pairs) if kind == "bearer" else ""

    def _exchanged(self, pairs: Mapping[str, str], kind: str) -> str:
        known = self._exchange is not None and kind == "bearer" and "realm" in pairs
        return f"Bearer {self._exchange()}" if known and self._exchange else ""

    def _token(
        self,
        method: str,
        pairs: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> str:
        """A header with a token for our scope, whatever the challenge asks for; "" where the token server gives none."""
        realm = pairs.get("realm", "")
        target = urlsplit(_address("", realm))
        own = self._scheme == "http" and target.hostname == urlsplit(self._base).hostname
        if target.scheme != "https" and not (own and target.scheme == "http"):
            raise AuthenticationError(f"the registry sends us to {realm[:100]!a} for tokens, not followed", str(self.place))  # fmt: skip
        query = urlencode({"service": pairs.get("service", ""), "scope": self._scope})
        url = realm if form else f"{realm}{'&' if target.query else '?'}{query}"
        body = urlencode(form).encode() if form else None
        sent = {**(headers or {}), **({"Content-Type": "application/x-www-form-urlencoded"} if form else {})}
        answer = self._once(method, url, LARGEST, sent, body)
        token = token_in(answer.content) if answer.status == 200 else ""
        return f"Bearer {token}" if token else ""

    def _followed(
        self, method: str, url: str, limit: int, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        """The answer; what is read may lie elsewhere, and our header does not go there."""
        answer, elsewhere = self._once(method, url, limit, headers, body), ""
        for _ in range(3):
            if method != "GET" or answer.status not in (301, 302, 303, 307, 308):
                break
            said = answer.headers.get("Location", "")
            target = _address(url, said)
            if urlsplit(target).scheme != self._scheme and urlsplit(target).scheme != "https":
                raise InputError(f"the registry sends us to {said[:100]!a}, not followed", str(self.place))  # fmt: skip
            if urlsplit(target)[:2] != urlsplit(url)[:2]:
                headers = {key: value for key, value in headers.items() if key != "Authorization"}
                elsewhere = target
            url = target
            answer = self._once(method, url, limit, headers, body)
        if elsewhere and answer.status == 401:
            # Its challenge is no business of our login, which is for the registry.
            raise InputError(f"the registry sends us to {urlsplit(elsewhere).netloc[:100]!a}, which refuses us", str(self.place))  # fmt: skip
        return answer

    def _once(
        self, method: str, url: str, limit: int, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        """Send one request and read its answer, no more than the limit (an error's words always fit)."""
        ends = time.monotonic() + WHOLE
        try:
            with self._session.request(
                method, url, headers={"Accept-Encoding": "identity", **headers}, data=body, stream=True,
                allow_redirects=False, timeout=(CONNECT, READ),
            ) as response:  # fmt: skip
                most = limit if response.status_code == 200 else max(limit, _PIECE)
                pieces, size = [], 0
                for piece in response.raw.stream(_PIECE, decode_content=False):
                    pieces.append(piece)
                    size += len(piece)
                    if size > most:
                        raise InputError(f"the registry sends more than the {most:,} bytes expected", str(self.place), _ADVICE)  # fmt: skip
                    if time.monotonic() > ends:
                        raise InputError(f"the registry's answer took more than {WHOLE:.0f} s", str(self.place), "Try again.")  # fmt: skip
                return Answer(response.status_code, response.headers, b"".join(pieces))
        except (requests.RequestException, HTTPError, OSError) as error:
            host = ascii(urlsplit(url).netloc)[1:-1]
            raise InputError(f"{host} cannot be reached: {_cause(error)}", str(self.place), "Look at the name, the proxy (HTTPS_PROXY) and the certificates (SSL_CERT_FILE).") from error  # fmt: skip


_ADVICE = "What arrived is not what was pushed: a proxy, or somebody, changed it."
_LOGIN = "Log in with docker login, oras login or az acr login, or use --username with --password-stdin."
_RIGHTS = "Ask for a role on the repository (AcrPull to pull, AcrPush to push), and look at the registry's firewall."


def _address(base: str, said: str) -> str:
    """The address that a registry names, or "" where it is none that could be asked."""
    try:
        found = urljoin(base, said)
        parts = urlsplit(found)
        known = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return ""
    return found if known and found.isascii() and found.isprintable() else ""


def _stated(answer: Answer) -> str:
    """The sha256 digest that the registry itself states, or ""; it may state another kind, or none."""
    stated = answer.headers.get("Docker-Content-Digest", "")
    return stated if stated.startswith("sha256:") else ""


def _words(answer: Answer) -> str:
    """What the registry itself says, in one bounded line."""
    found = re.search(rb'"code"\s*:\s*"([A-Za-z_]{1,40})"', answer.content)
    message = re.search(rb'"message"\s*:\s*"([^"]{1,200})"', answer.content)
    said = [match[1].decode("ascii", "replace") for match in (found, message) if match]
    text = ": ".join(said) or f"status {answer.status}"
    return "".join(char if char.isprintable() else "�" for char in text)


def _cause(error: BaseException) -> str:
    """The innermost reason, without addresses of objects."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return re.sub(r"<[^<>]*object at 0x[0-9a-f]+>:? ?", "", str(error))[:200] or type(error).__name__
