"""Push and pull against a real registry over TLS: round trips, refusals in the registry's own words, changed content."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler

import oras.client
import pytest
import requests

from scanner.bundle import registry as client
from scanner.bundle import transfer
from scanner.bundle.artifact import EMPTY, digest_of, layer_of, manifest_of
from scanner.bundle.check import examine
from scanner.bundle.credentials import Login
from scanner.bundle.opening import from_bytes
from scanner.bundle.reference import reference_of
from scanner.bundle.registry import Registry
from scanner.errors import AuthenticationError, InputError, OutputError, Problems, ScopeError, UsageError
from scanner.inventory._azure.session import blocking, tls_context
from tests.bundle.packs import MAIN, write_bundle, write_pack
from tests.bundle.registry import PASSWORD, serving
from tests.bundle.test_artifact import PACK

WRITER, READER = Login("writer", PASSWORD, source="test"), Login("reader", PASSWORD, source="test")
TOKEN = pytest.mark.parametrize("registry", [("token", True)], indirect=True)


@pytest.fixture
def archive(bundle):
    """The bundle's bytes."""
    return bundle.read_bytes()


@pytest.fixture
def at(registry, monkeypatch):
    """A client for a place in the registry."""
    monkeypatch.setenv("SSL_CERT_FILE", str(registry.ca))

    def make(name, login=Login(), actions="pull,push", **options):  # noqa: B008
        place = reference_of(f"{registry.host}/{name}")
        return Registry(place, blocking(tls_context()), login, actions=actions, sleep=pause, **options)

    return make


def pause(_seconds):
    """Tests do not wait."""


def push(store, archive, **options):
    return transfer.push(store, archive, examine(from_bytes(archive, "x")), **options)


def test_a_round_trip(at, archive):
    """What was pushed comes back byte for byte, by its tag and by its digest; a second push writes nothing."""
    digest, written = push(at("packs/tiny:1.4.0"), archive)
    assert written
    for name in ("packs/tiny:1.4.0", f"packs/tiny@{digest}", f"packs/tiny:1.4.0@{digest}"):
        found = transfer.pull(at(name, actions="pull"))
        assert found.content == archive
        assert found.digest == digest
        assert found.title == "tiny-1.4.0.tar.gz"
        assert found.examined.holds
    assert push(at("packs/tiny:1.4.0"), archive) == (digest, False)


def test_the_digest_is_the_same_in_every_registry(at, archive):
    """Two repositories keep the same manifest under the same digest."""
    first, second = (push(at(name), archive)[0] for name in ("a:1", "b:2"))
    assert first == second


def test_tags_are_not_moved_by_accident(at, archive, tmp_path):
    """A tag that holds another pack stays, unless it is asked for."""
    first, _ = push(at("a:1"), archive)
    folder = write_pack(tmp_path / "next", **{"pack.yaml": MAIN.replace("1.4.0", "1.5.0")})
    other = write_bundle(tmp_path / "next.tar.gz", folder, tmp_path / "next-scratch").read_bytes()
    with pytest.raises(UsageError, match="holds something else already"):
        push(at("a:1"), other)
    assert transfer.pull(at("a:1")).digest == first
    second, _ = push(at("a:1"), other, move=True)
    assert transfer.pull(at("a:1")).digest == second
    with pytest.raises(UsageError, match="not to a digest"):
        push(at(f"a@{first}"), other)


def test_oras_pulls_what_was_pushed(at, registry, archive, tmp_path):
    """The oracle: the `oras` package pulls the archive under its title, the same bytes."""
    push(at("packs/tiny:1.4.0"), archive)
    other = oras.client.OrasClient(tls_verify=str(registry.ca))
    (path,) = other.pull(f"{registry.host}/packs/tiny:1.4.0", outdir=str(tmp_path / "out"))
    assert path.endswith("tiny-1.4.0.tar.gz")
    with open(path, "rb") as file:  # noqa: PTH123 - a text came from oras
        assert file.read() == archive
    manifest = other.get_manifest(f"{registry.host}/packs/tiny:1.4.0")
    assert manifest["artifactType"] == "application/vnd.acrscan.pack.v1"


def test_what_oras_pushed_is_no_pack(at, registry, archive, tmp_path):
    """An artifact of another kind is refused for what it is, though its layer is a good bundle."""
    path = tmp_path / "some.tar.gz"
    path.write_bytes(archive)
    other = oras.client.OrasClient(tls_verify=str(registry.ca))
    other.push(f"{registry.host}/some:1", files=[str(path)], disable_path_validation=True, quiet=True)
    with pytest.raises(InputError, match=r"its artifact type is 'application/vnd\.unknown"):
        transfer.pull(at("some:1"))


def test_a_changed_blob_is_found(at, registry, archive):
    """Somebody changed the archive in the registry's storage: it is refused by its digest."""
    push(at("a:1"), archive)
    path = registry.blob(digest_of(archive))
    path.write_bytes(archive[:-9] + b"x" + archive[-8:])
    with pytest.raises(InputError, match="its manifest says sha256:"):
        transfer.pull(at("a:1"))
    path.write_bytes(archive + b"more")
    with pytest.raises(InputError, match=r"sends more than the .* bytes expected|its manifest says"):
        transfer.pull(at("a:1"))


def test_a_changed_manifest_is_found(at, registry, archive):
    """Somebody changed the manifest in the registry's storage: by digest and by tag it is refused."""
    digest, _ = push(at("a:1"), archive)
    path = registry.blob(digest)
    path.write_bytes(path.read_bytes().replace(b"1.4.0", b"1.4.1"))
    for name in ("a:1", f"a@{digest}"):
        with pytest.raises(InputError):
            transfer.pull(at(name))


def test_what_is_not_there(at, archive):
    """A repository, a tag, a digest that nobody pushed; a blob that was lost."""
    for name in ("none:1", f"none@sha256:{'0' * 64}"):
        with pytest.raises(InputError, match=r"there is no such pack: (MANIFEST|NAME)_UNKNOWN"):
            transfer.pull(at(name))


def test_a_lost_blob(at, registry, archive):
    """The manifest is there and the archive is not."""
    push(at("a:1"), archive)
    registry.blob(digest_of(archive)).unlink()
    with pytest.raises(InputError, match="its archive is gone"):
        transfer.pull(at("a:1"))


def test_a_bundle_that_does_not_hold_is_not_pushed(at, archive):
    """Nothing leaves the machine for a bundle that was tampered with."""
    with pytest.raises(Problems, match="another tool packed it"):
        push(at("a:1"), archive + b"tail")
    with pytest.raises(InputError, match="no such pack"):
        transfer.pull(at("a:1"))


def test_a_bundle_that_does_not_hold_does_not_come(at, archive):
    """A pack that somebody else pushed, its archive packed by another tool, is refused after the download."""
    spoiled = archive + b"tail"
    store = at("a:1")
    store.put_blob(EMPTY)
    store.put_blob(spoiled)
    store.put_manifest(manifest_of(spoiled, examine(from_bytes(archive, "x")).manifest.pack), "1")
    with pytest.raises(Problems, match="another tool packed it"):
        transfer.pull(at("a:1"))


@pytest.mark.parametrize("registry", [("none", False)], indirect=True)
def test_plain_http(at, registry, archive, monkeypatch):
    """HTTP works on this machine when it is asked for; without that it is a connection that fails."""
    digest, _ = push(at("a:1", plain_http=True), archive)
    assert transfer.pull(at(f"a@{digest}", plain_http=True)).content == archive
    with pytest.raises(InputError, match="cannot be reached"):
        transfer.pull(at("a:1"))


def test_a_login_is_not_sent_over_plain_http():
    """Beyond this machine a password needs TLS."""
    with pytest.raises(UsageError, match="not sent over plain HTTP"):
        Registry(reference_of("r.io/a:1"), requests.Session(), WRITER, actions="pull", plain_http=True)


def test_an_unknown_authority(registry, archive, monkeypatch):
    """A certificate of an authority that is not trusted ends the connection, and says where to look."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    place = reference_of(f"{registry.host}/a:1")
    with pytest.raises(InputError, match="cannot be reached") as caught:
        transfer.pull(Registry(place, blocking(tls_context()), Login(), actions="pull"))
    assert "SSL_CERT_FILE" in caught.value.advice


@pytest.mark.parametrize("registry", [("basic", True)], indirect=True)
def test_basic_logins(at, archive):
    """A registry that takes passwords itself: right, wrong and none."""
    digest, _ = push(at("a:1", WRITER), archive)
    assert transfer.pull(at(f"a@{digest}", WRITER)).content == archive
    with pytest.raises(AuthenticationError, match="refuses the login from test: UNAUTHORIZED") as caught:
        transfer.pull(at("a:1", Login("writer", "wrong", source="test")))
    assert "wrong" not in str(caught.value)
    with pytest.raises(AuthenticationError, match="a request without a login"):
        transfer.pull(at("a:1"))


@TOKEN
def test_token_logins(at, registry, archive):
    """Tokens are asked for this repository and these actions alone: a writer pushes, a reader pulls and cannot push."""
    digest, _ = push(at("a/b:1", WRITER), archive)
    assert {scope for _, _, scope in registry.asked} == {"repository:a/b:pull,push"}
    registry.asked.clear()
    assert transfer.pull(at(f"a/b@{digest}", READER, actions="pull")).content == archive
    assert registry.asked == [("GET", "reader", "repository:a/b:pull")]
    with pytest.raises((AuthenticationError, ScopeError), match=r"refuses|does not allow"):
        push(at("other:1", READER), archive)
    with pytest.raises(AuthenticationError):
        transfer.pull(at("a/b:1", Login("reader", "wrong", source="test"), actions="pull"))


@TOKEN
def test_anonymous_tokens(at, registry, archive):
    """A public repository is pulled without a login; a private one says how to log in."""
    push(at("public:1", WRITER), archive)
    registry.public.add("public")
    registry.asked.clear()
    assert transfer.pull(at("public:1", actions="pull")).content == archive
    assert registry.asked == [("GET", "", "repository:public:pull")]
    push(at("private:1", WRITER), archive)
    with pytest.raises(AuthenticationError, match="a request without a login") as caught:
        transfer.pull(at("private:1", actions="pull"))
    assert "az acr login" in caught.value.advice


@TOKEN
def test_identity_tokens(at, registry, archive):
    """What `az acr login` leaves behind is exchanged by POST, as OAuth2 wants it; one that ended is refused."""
    registry.identity_tokens["good"] = "writer"
    digest, _ = push(at("a:1", Login(identity_token="good", source="docker")), archive)
    assert {method for method, _, _ in registry.asked} == {"POST"}
    assert transfer.pull(at(f"a@{digest}", Login(identity_token="good"), actions="pull")).digest == digest
    with pytest.raises(AuthenticationError, match="the login from docker"):
        transfer.pull(at("a:1", Login(identity_token="ended", source="docker"), actions="pull"))


@TOKEN
def test_tokens_that_end_are_renewed(at, registry, archive):
    """A token that ended in the middle of a push is asked for once more."""
    store = at("a:1", WRITER)
    assert store.tagged("1") == ""
    store._authorization = "Bearer ended"
    store.put_blob(EMPTY)
    assert len(registry.asked) == 2
    with pytest.raises(InputError, match="no such pack"):
        store.manifest("1")


@TOKEN
def test_another_way_to_log_in(at, registry, archive):
    """Where anybody may not, the exchange is asked, once, and only then."""
    push(at("a:1", WRITER), archive)
    registry.public.add("free")
    push(at("free:1", WRITER), archive)
    asked = []

    def exchange():
        asked.append(1)
        url = f"https://127.0.0.1:{realm.rpartition(':')[2]}"
        query = {"service": "test registry", "scope": "repository:a:pull"}
        found = requests.get(url, params=query, auth=("reader", PASSWORD), verify=str(registry.ca), timeout=9)
        return found.json()["token"]

    challenge = requests.get(f"https://{registry.host}/v2/", verify=str(registry.ca), timeout=9).headers["WWW-Authenticate"]  # fmt: skip
    realm = challenge.split('"')[1]
    assert transfer.pull(at("free:1", actions="pull", exchange=exchange)).content == archive
    assert asked == []
    assert transfer.pull(at("a:1", actions="pull", exchange=exchange)).content == archive
    assert asked == [1]


class Answers:
    """A server that answers what a test says: path -> (status, headers, body), and keeps what came."""

    def __init__(self):
        self.given: dict[tuple[str, str], list[tuple[int, dict[str, str], bytes]]] = {}
        self.seen: list[tuple[str, str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                """Nothing is printed."""

            def _answer(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.seen.append((self.command, self.path, self.headers.get("Authorization")))
                queue = outer.given.get((self.command, self.path.partition("?")[0]), [(404, {}, b"")])
                status, headers, body = queue.pop(0) if len(queue) > 1 else queue[0]
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_HEAD = _answer  # noqa: N815 - names of the standard library

        self.handler = Handler


@pytest.fixture
def hostile():
    """(answers, a client for repository `a`) of a registry that answers what it likes."""
    answers = Answers()
    with serving(answers.handler) as port:

        def make(login=Login(), **options):  # noqa: B008
            place = reference_of(f"127.0.0.1:{port}/a:1")
            return Registry(place, blocking(tls_context()), login, actions="pull", plain_http=True, sleep=waits.append, **options)  # fmt: skip

        waits: list[float] = []
        yield answers, make, waits


MANIFEST = ("GET", "/v2/a/manifests/1")


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, AuthenticationError, "refuses a request without a login"),
        (403, ScopeError, "does not allow it: DENIED: client with IP is not allowed"),
        (404, InputError, "there is no such pack"),
        (418, InputError, "answered 418"),
    ],
)
def test_refusals(hostile, status, kind, words):
    """Each status is the right error, in the registry's own words, and nothing is tried again in vain."""
    answers, make, waits = hostile
    body = b'{"errors": [{"code": "DENIED", "message": "client with IP is not allowed"}]}'
    answers.given[MANIFEST] = [(status, {}, body)]
    with pytest.raises(kind, match=words):
        make().manifest("1")
    assert len(answers.seen) == 1
    assert waits == []


def test_busy_registries(hostile):
    """Throttled twice it works; three times it is told. Waits follow Retry-After, within a bound."""
    answers, make, waits = hostile
    body = b"{}"
    answers.given[MANIFEST] = [(429, {"Retry-After": "7"}, b""), (503, {"Retry-After": "9999"}, b""), (200, {}, body)]  # fmt: skip
    assert make().manifest("1") == body
    assert waits == [7.0, 30.0]
    answers.given[MANIFEST] = [(429, {}, b"")]
    with pytest.raises(InputError, match="answered 429"):
        make().manifest("1")


def test_large_answers(hostile, monkeypatch):
    """A registry that sends more than a manifest may have is cut off."""
    answers, make, _ = hostile
    monkeypatch.setattr(client, "LARGEST", 1000)
    answers.given[MANIFEST] = [(200, {}, b"x" * 1_000_000)]
    with pytest.raises(InputError, match="sends more than the 1,000 bytes expected"):
        make().manifest("1")


def test_large_answers_of_redirects(hostile):
    """What comes with a redirect is bounded too, and is not read before we look."""
    answers, make, _ = hostile
    answers.given[MANIFEST] = [(302, {"Location": "/v2/a/manifests/2"}, b"x" * 6_000_000)]
    answers.given["GET", "/v2/a/manifests/2"] = [(200, {}, b"{}")]
    with pytest.raises(InputError, match="sends more than the 4,000,000 bytes expected"):
        make().manifest("1")
    assert len(answers.seen) == 1


def test_slow_answers(hostile, monkeypatch):
    """An answer has a time limit of its own, however steadily it drips."""
    answers, make, _ = hostile
    monkeypatch.setattr(client, "WHOLE", -1.0)
    answers.given[MANIFEST] = [(200, {}, b"{}")]
    with pytest.raises(InputError, match="took more than"):
        make().manifest("1")


def test_a_digest_that_is_not_the_content(hostile):
    """The registry states one digest and sends another's content."""
    answers, make, _ = hostile
    answers.given[MANIFEST] = [(200, {"Docker-Content-Digest": f"sha256:{'0' * 64}"}, b"{}")]
    with pytest.raises(InputError, match="the manifest has the digest sha256:44136"):
        make().manifest("1")


def test_redirects_keep_our_login(hostile):
    """Content may lie elsewhere; our header does not go there, and its challenge is not answered."""
    answers, make, _ = hostile
    content = b"content"
    elsewhere = Answers()
    with serving(elsewhere.handler) as port:
        target = f"http://127.0.0.1:{port}/stored"
        blob = layer_of(_manifest(content), "x")
        answers.given["GET", f"/v2/a/blobs/{blob.digest}"] = [
            (401, {"WWW-Authenticate": 'Basic realm="x"'}, b""),
            (307, {"Location": target}, b""),
        ]
        elsewhere.given["GET", "/stored"] = [(200, {}, content)]
        assert make(WRITER).blob(blob) == content
        assert answers.seen[-1][2].startswith("Basic ")
        assert [header for _, _, header in elsewhere.seen] == [None]
        elsewhere.given["GET", "/stored"] = [(401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")]
        with pytest.raises(InputError, match="which refuses us"):
            make(WRITER).blob(blob)
        assert {header for _, _, header in elsewhere.seen} == {None}
        answers.given["GET", f"/v2/a/blobs/{blob.digest}"] = [(302, {"Location": "file:///etc/passwd"}, b"")]
        with pytest.raises(InputError, match="not followed"):
            make().blob(blob)


def _manifest(content):
    return manifest_of(content, PACK)


def test_realms_that_are_not_followed(hostile):
    """A login is not sent to a token server without TLS on another host."""
    answers, make, _ = hostile
    for realm in ("http://evil.example/token", "ftp://127.0.0.1/", ""):
        answers.given[MANIFEST] = [(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'}, b"")]
        with pytest.raises(AuthenticationError, match="for tokens, not followed"):
            make(WRITER).manifest("1")
    assert {header for _, _, header in answers.seen} == {None}


def test_uploads_that_lead_elsewhere(hostile):
    """The place for an upload is this registry, or it is none."""
    answers, make, _ = hostile
    digest = digest_of(b"x")
    answers.given["HEAD", f"/v2/a/blobs/{digest}"] = [(404, {}, b"")]
    answers.given["POST", "/v2/a/blobs/uploads/"] = [(202, {"Location": "http://evil.example/put"}, b"")]
    with pytest.raises(OutputError, match=r"sends the upload to 'http://evil\.example/put"):
        make().put_blob(b"x")


def test_a_registry_that_keeps_something_else(hostile):
    """The digest that the registry answers a manifest with is looked at."""
    answers, make, _ = hostile
    answers.given["PUT", "/v2/a/manifests/1"] = [(201, {"Docker-Content-Digest": f"sha256:{'0' * 64}"}, b"")]
    with pytest.raises(OutputError, match="keeps the manifest as"):
        make().put_manifest(b"{}", "1")


def test_netrc_is_not_read(hostile, tmp_path, monkeypatch):
    """A login that `requests` would find by itself is not sent."""
    answers, make, _ = hostile
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    answers.given[MANIFEST] = [(200, {}, b"{}")]
    make().manifest("1")
    assert answers.seen[0][2] is None


def test_words_of_a_hostile_registry(hostile):
    """What a registry says is one bounded line without controls."""
    answers, make, _ = hostile
    said = json.dumps({"errors": [{"code": "DENIED", "message": "\u001b[2J" + "x" * 5000}]})
    answers.given[MANIFEST] = [(403, {}, said.encode().replace(b"\\u001b", b"\x1b"))]
    with pytest.raises(ScopeError) as caught:
        make().manifest("1")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_registry_that_is_not_there(monkeypatch):
    """A refused connection is told at once."""
    store = Registry(reference_of("127.0.0.1:1/a:1"), blocking(tls_context()), Login(), actions="pull")
    with pytest.raises(InputError, match=r"127\.0\.0\.1:1 cannot be reached: .*[Rr]efused"):
        store.manifest("1")


def test_sizes_of_blobs(at, archive):
    """The registry's blob is the archive itself."""
    push(at("a:1"), archive)
    blob = layer_of(at("a:1").manifest("1"), "x")
    assert blob.size == len(archive)
    assert hashlib.sha256(at("a:1").blob(blob)).hexdigest() == blob.digest.removeprefix("sha256:")


@pytest.mark.parametrize(
    "place", ["http://[", "http://[::1", "//[x]/", "http://127.0.0.1:99999999/x", "http://127.0.0.1:x/", "http://a\xff..b/", "http://a..b/"]
)  # fmt: skip
def test_places_that_are_none(hostile, place):
    """An address that cannot be read is refused, wherever the registry names it: realm, redirect, upload."""
    answers, make, _ = hostile
    answers.given[MANIFEST] = [(302, {"Location": place}, b"")]
    with pytest.raises(InputError):
        make().manifest("1")
    answers.given["HEAD", f"/v2/a/blobs/{digest_of(b'x')}"] = [(404, {}, b"")]
    answers.given["POST", "/v2/a/blobs/uploads/"] = [(202, {"Location": place}, b"")]
    with pytest.raises(OutputError, match="not followed"):
        make().put_blob(b"x")
    answers.given[MANIFEST] = [(401, {"WWW-Authenticate": f'Bearer realm="{place}",service="s"'}, b"")]
    with pytest.raises((AuthenticationError, InputError)):
        make(WRITER).manifest("1")


def test_headers_of_strangers(hostile):
    """Tokens that no header can hold are none; a digest with controls is shown without them."""
    answers, make, _ = hostile
    port = make().place.registry.partition(":")[2]
    challenge = f'Bearer realm="http://127.0.0.1:{port}/token",service="s"'
    answers.given[MANIFEST] = [(401, {"WWW-Authenticate": challenge}, b"")]
    for token in ("\u65e5\u672c", "a\\r\\nX: y", "\\ud800"):
        answers.given["GET", "/token"] = [(200, {}, f'{{"token": "{token}"}}'.encode())]
        with pytest.raises(AuthenticationError, match="refuses the login"):
            make(WRITER).manifest("1")
    answers.given[MANIFEST] = [(200, {"Docker-Content-Digest": "sha256:\x1b[31m"}, b"{}")]
    with pytest.raises(InputError, match=r"not 'sha256:\\x1b\[31m'") as caught:
        make().manifest("1")
    assert "\x1b" not in str(caught.value)
