"""`acrscan policy push` and `pull`: a bundle goes to a registry as an OCI artifact, and comes back checked.

Pushing is the one thing that acrscan writes to a registry: the named repository, by the user's own command, with a login
that the user gave for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.cli.door import Outcome
from scanner.cli.live import Login as Azure
from scanner.cli.live import login_options
from scanner.cli.policy_bundle import put, tell
from scanner.errors import InputError, UsageError

if TYPE_CHECKING:
    from scanner.bundle.credentials import Login
    from scanner.bundle.reference import Reference
    from scanner.bundle.transfer import Store


def _place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--plain-http", is_flag=True, help="Use HTTP; for a registry on this machine."),
        click.option("--oci-layout", is_flag=True, help="PLACE is a folder with an OCI image layout, DIR:TAG."),
        click.option("--password-stdin", is_flag=True, help="Read the password from stdin."),
        click.option("--username", default="", metavar="NAME", help="User of the registry; needs --password-stdin."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("push")
@click.argument("file", metavar="FILE", type=click.Path())
@click.argument("place", metavar="REGISTRY/REPO:TAG")
@_place_options
@click.option("--annotation", multiple=True, metavar="KEY=VALUE", help="Annotate the artifact. Repeatable.")
@click.option("--created", default="", metavar="TIME", help="Time of creation, RFC 3339 (default: none, so that the digest stays the same).")  # fmt: skip
@click.option("--move-tag", is_flag=True, help="Move a tag that holds another pack.")
def push(
    file: str,
    place: str,
    username: str,
    password_stdin: bool,
    oci_layout: bool,
    plain_http: bool,
    annotation: tuple[str, ...],
    created: str,
    move_tag: bool,
) -> Outcome:
    """Put a bundle into a registry. Writes to this repository and to nothing else; prints the reference with its digest.

    The login is the one that docker, oras or `az acr login` keeps, or --username with --password-stdin. The identity that
    scans is never used to push.

    \b
    Examples:
      acrscan policy push my-pack.tar.gz myregistry.azurecr.io/packs/my-pack:1.4.0
      acrscan policy push my-pack.tar.gz airgap:1.4.0 --oci-layout
    """
    from scanner.bundle import transfer  # noqa: PLC0415
    from scanner.bundle.check import examine  # noqa: PLC0415
    from scanner.bundle.opening import from_bytes, read_bounded  # noqa: PLC0415
    from scanner.cli.options import clock  # noqa: PLC0415
    from scanner.language.pack import shown  # noqa: PLC0415

    archive = read_bounded(Path(file))
    examined = examine(from_bytes(archive, shown(Path(file))))
    examined.refuse()
    target = _reference(place, oci_layout=oci_layout)
    if created and not clock(created):
        raise UsageError(f"--created {created!r} is no time")
    store = _store(target, username, "pull,push", oci_layout=oci_layout, password_stdin=password_stdin, plain_http=plain_http)  # fmt: skip
    digest, written = transfer.push(
        store, archive, examined, created=created, annotations=_pairs(annotation), move=move_tag
    )
    words = "pushed" if written else "was there already"
    click.echo(
        f"{_named(target, digest)} {words}: {examined.manifest.pack.id} {examined.manifest.pack.version}"
    )
    return Outcome()


@click.command("pull")
@click.argument("place", metavar="REGISTRY/REPO:TAG[@DIGEST]")
@click.option("-o", "--output", required=True, metavar="FILE", help="Where the bundle goes.")
@click.option("--lock", metavar="FILE", help="Lock file whose digests the pack must have.")
@_place_options
@login_options
def pull(
    place: str,
    output: str,
    lock: str | None,
    username: str,
    password_stdin: bool,
    oci_layout: bool,
    plain_http: bool,
    login: Azure,
) -> Outcome:
    """Get a bundle from a registry. It is checked as `policy verify` does before the file appears.

    The login is the one that docker, oras or `az acr login` keeps, or --username with --password-stdin. A registry of Azure
    without one is asked with our Azure login (--auth), for a token that may pull from this repository only.

    \b
    Examples:
      acrscan policy pull myregistry.azurecr.io/packs/my-pack:1.4.0 -o my-pack.tar.gz
      acrscan policy pull myregistry.azurecr.io/packs/my-pack@sha256:... -o my-pack.tar.gz --lock acrscan.lock
    """
    from scanner.bundle import transfer  # noqa: PLC0415
    from scanner.bundle.check import examine_lock  # noqa: PLC0415
    from scanner.bundle.lock import read  # noqa: PLC0415

    if Path(output).is_dir():
        raise UsageError("is a folder", output, "Name the file of the bundle with -o.")
    kept = read(Path(lock)) if lock else None
    target = _reference(place, oci_layout=oci_layout)
    store = _store(target, username, "pull", oci_layout=oci_layout, password_stdin=password_stdin, plain_http=plain_http, azure=login)  # fmt: skip
    pulled = transfer.pull(store)
    outcome = Outcome()
    if kept is not None:
        tell(
            examine_lock(kept, pulled.examined.manifest.pack.id, pulled.examined.locked()),
            outcome,
        )
        if outcome.reasons:
            return outcome
    put(Path(output), pulled.content)
    facts = pulled.examined.manifest.pack
    click.echo(f"{_named(target, pulled.digest)} pulled: {facts.id} {facts.version}, {facts.rules} rules")
    return outcome


def _reference(place: str, *, oci_layout: bool) -> Reference:
    from scanner.bundle.reference import layout_of, reference_of  # noqa: PLC0415

    return layout_of(place) if oci_layout else reference_of(place)


def _named(target: Reference, digest: str) -> str:
    name = f"{target.registry}/{target.repository}" if target.repository else target.registry
    return f"{name}{':' if target.tag else ''}{target.tag}@{digest}"


def _store(
    target: Reference,
    username: str,
    actions: str,
    *,
    oci_layout: bool,
    password_stdin: bool,
    plain_http: bool,
    azure: Azure | None = None,
) -> Store:
    if oci_layout:
        from scanner.bundle.layout import Layout  # noqa: PLC0415

        if username or password_stdin or plain_http:
            raise UsageError("a folder needs no login and no connection", "", "Leave out --username, --password-stdin and --plain-http.")  # fmt: skip
        return Layout(target)
    from scanner.bundle.credentials import stored  # noqa: PLC0415
    from scanner.bundle.registry import Registry  # noqa: PLC0415
    from scanner.inventory._azure.session import blocking, tls_context  # noqa: PLC0415

    login: Login = _given(username, password_stdin=password_stdin) or stored(target.registry)
    exchange = None if azure is None or login or plain_http else _exchange(azure, target)
    return Registry(
        target, blocking(tls_context()), login, actions=actions, plain_http=plain_http, exchange=exchange
    )


def _exchange(azure: Azure, target: Reference) -> Callable[[], str] | None:
    from scanner.inventory.pull_token import is_registry_of, pull_token  # noqa: PLC0415

    cloud, how = azure.resolved()
    if not is_registry_of(cloud, target.registry):
        return None
    return lambda: pull_token(cloud, how, target.registry, target.repository)


def _given(username: str, *, password_stdin: bool) -> Login | None:
    """The login of the command line; None where there is none."""
    from scanner.bundle.credentials import login_of  # noqa: PLC0415

    if bool(username) != password_stdin:
        raise UsageError("--username and --password-stdin go together", "", "Passwords are no options: everybody on the machine sees those.")  # fmt: skip
    if not username:
        return None
    try:
        password = sys.stdin.read(100_000).rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError("the password on stdin is no text", "", "Pipe it in as UTF-8.") from error
    if not password or ":" in username:
        raise InputError("no password came on stdin, or the user name holds a colon", "", "Pipe the password in.")  # fmt: skip
    return login_of(username, password, "--username")


def _pairs(annotations: tuple[str, ...]) -> dict[str, str]:
    from scanner.text import encodable  # noqa: PLC0415

    found: dict[str, str] = {}
    for text in annotations:
        key, equals, value = text.partition("=")
        if not equals or not key or key in found:
            raise UsageError(f"--annotation {text!r} is not KEY=VALUE, or its key comes twice")
        if encodable(text) != text:
            raise UsageError(f"--annotation {text!a} is no text", "", "Give it as UTF-8.")
        found[key] = value
    return found


COMMANDS = {"push": push, "pull": pull}
