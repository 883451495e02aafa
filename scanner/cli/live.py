"""Options of a live collection and what they turn into: an inventory that was read from Azure just now."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.cli.bundle import bundled
from scanner.cli.telling import Teller
from scanner.errors import UsageError
from scanner.model.resource import Inventory

if TYPE_CHECKING:
    from scanner.inventory._azure.clouds import Cloud
    from scanner.inventory._azure.credentials import Login as How
    from scanner.inventory.azure import Collected, Options

_SCOPES = (
    click.option("--expect", multiple=True, metavar="ID|NAME", help="Subscription that must be visible. Repeatable."),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out subscriptions, subscription/group or registries. Repeatable."),
    click.option("--registry", "registries", multiple=True, metavar="NAME|ID", help="Only this registry. Repeatable."),
    click.option("--resource-group", "resource_groups", multiple=True, metavar="[SUB/]GROUP", help="Only this resource group. Repeatable."),
    click.option("--subscription", "subscriptions", multiple=True, metavar="ID|NAME", help="Only this subscription. Repeatable."),
    click.option("--management-group", "management_groups", multiple=True, metavar="NAME", help="Only subscriptions below it. Repeatable."),
    click.option("--tenant", default="", metavar="ID", help="Only subscriptions of this tenant; logs in there."),
)  # fmt: skip
_LOGIN = (
    click.option("--resource-manager", default="", metavar="URL", help="Endpoint of Azure Resource Manager, where it is not the cloud's."),
    click.option("--authority", default="", metavar="URL", help="Authority that gives tokens (or AZURE_AUTHORITY_HOST)."),
    click.option("--cloud", default="", metavar="NAME", help="AzureCloud, AzureUSGovernment or AzureChinaCloud (or AZURE_CLOUD)."),
    click.option("--certificate", default="", metavar="FILE", help="Certificate for --auth client-certificate."),
    click.option("--client-id", default="", metavar="ID", help="Application or managed identity."),
    click.option("--auth", default="default", show_default=True, metavar="HOW", help="default, environment, managed-identity, workload-identity, cli, client-secret, client-certificate or device-code."),
)  # fmt: skip
_WORK = (
    click.option("--log-format", type=click.Choice(("text", "json")), default="text", show_default=True, help="How progress is told on stderr."),
    click.option("--deadline", type=click.IntRange(1), default=360, show_default=True, metavar="MINUTES", help="Stop asking Azure after so long."),
    click.option("--previous", metavar="DIR", help="Earlier snapshot to compare scopes with."),
    click.option("--resume", is_flag=True, help="Go on with an interrupted collection."),
    click.option("--probe", is_flag=True, help="Also try DNS, TCP and TLS of each registry's endpoints, without logging in."),
    click.option("--max-manifests", type=click.IntRange(1), default=2000, show_default=True, help="Manifests read per repository."),
    click.option("--max-repositories", type=click.IntRange(1), default=500, show_default=True, help="Repositories read per registry."),
    click.option("--skip-repository", "skip_repositories", multiple=True, metavar="PATTERN", help="Leave out repositories. Repeatable."),
    click.option("--repository", "repositories", multiple=True, metavar="PATTERN", help="Only these repositories. Repeatable."),
    click.option("--data-plane", is_flag=True, help="Also read repositories, tags and manifests."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in, and where."""

    tenant: str
    auth: str
    client_id: str
    certificate: str
    cloud: str
    authority: str
    resource_manager: str

    def resolved(self) -> tuple[Cloud, How]:
        """The cloud, and the way to log in. Raises `UsageError` for a cloud or address that is none."""
        from scanner.inventory._azure.clouds import cloud_of  # noqa: PLC0415 - the SDK loads here, not at start-up
        from scanner.inventory._azure.credentials import Login as How  # noqa: PLC0415

        cloud = cloud_of(self.cloud, self.authority, self.resource_manager)
        return cloud, How(self.auth, self.tenant, self.client_id, self.certificate)


@dataclass(frozen=True, slots=True)
class Live(Login):
    """What the options say, as given."""

    management_groups: tuple[str, ...]
    subscriptions: tuple[str, ...]
    resource_groups: tuple[str, ...]
    registries: tuple[str, ...]
    exclude: tuple[str, ...]
    expect: tuple[str, ...]
    data_plane: bool
    repositories: tuple[str, ...]
    skip_repositories: tuple[str, ...]
    max_repositories: int
    max_manifests: int
    probe: bool
    resume: bool
    previous: str | None
    deadline: int
    log_format: str

    @property
    def named(self) -> tuple[str, ...]:
        """Every scope that was named."""
        return (
            *self.management_groups,
            *self.subscriptions,
            *self.resource_groups,
            *self.registries,
            *self.exclude,
        )

    @property
    def words(self) -> str:
        """What is scanned, as reports print it."""
        named = self.named
        more = f" and {len(named) - 5} more" if len(named) > 5 else ""
        return "Azure: " + (", ".join(named[:5]) + more if named else "all visible subscriptions")


def live_options(command: Callable[..., Any]) -> Any:
    """All options of a live collection; they arrive as `live`."""
    names = tuple(Live.__dataclass_fields__)
    return bundled(command, (*_WORK, *_LOGIN, *_SCOPES), names, Live, "live")


def login_options(command: Callable[..., Any]) -> Any:
    """The options of logging in alone; they arrive as `login`."""
    return bundled(command, (*_LOGIN, _SCOPES[-1]), tuple(Login.__dataclass_fields__), Login, "login")


def options_from(live: Live, folder: Path, principals: str | None) -> Options:
    """The collector's options."""
    from scanner.inventory import azure, snapshot  # noqa: PLC0415 - the SDK loads here, not at start-up
    from scanner.inventory._azure.deadlines import Deadlines  # noqa: PLC0415
    from scanner.inventory.data_plane import Limits  # noqa: PLC0415
    from scanner.inventory.extras import extras_for  # noqa: PLC0415
    from scanner.inventory.lost import Predecessor  # noqa: PLC0415
    from scanner.inventory.scopes import Wanted  # noqa: PLC0415

    cloud, login = live.resolved()
    limits = Limits(live.repositories, live.skip_repositories, live.max_repositories, live.max_manifests)
    extras, opt_in = extras_for(limits if live.data_plane else None, probe=live.probe)
    return azure.Options(
        folder=folder,
        login=login,
        cloud=cloud,
        wanted=Wanted(
            live.tenant,
            live.management_groups,
            live.subscriptions,
            live.resource_groups,
            live.registries,
            live.exclude,
            live.expect,
        ),
        resume=live.resume,
        principals=Path(principals) if principals else None,
        previous=Predecessor.of(snapshot.collect(Path(live.previous))) if live.previous else None,
        extras=extras,
        opt_in=opt_in,
        limits=asdict(limits) if live.data_plane else {},
        deadlines=Deadlines(run=60.0 * live.deadline),
    )


@contextmanager
def collected(
    live: Live, folder: str | None, principals: str | None, teller: Teller
) -> Iterator[tuple[Inventory, Collected, Path]]:
    """Read Azure; with a `folder` the inventory is kept there as a snapshot.

    One that was interrupted does not take the place of an older one: it is kept beside it, as `<folder>.partial`.
    Gives the inventory, how it was collected, and where it is kept. The journal lies beside the snapshot and stays there when something is left to read; without a folder it is
    temporary. Raises what the collector raises.
    """
    from scanner import __version__  # noqa: PLC0415
    from scanner.inventory import azure, snapshot  # noqa: PLC0415

    if live.resume and folder is None:
        raise UsageError("--resume needs the folder of the snapshot", "", "Name it with --snapshot or --out.")
    temporary = None if folder else tempfile.mkdtemp(prefix="acrscan-")
    place = Path(folder) if folder else Path(str(temporary)) / "snapshot"
    snapshot.check(place)
    lock = azure.locked(place)
    try:
        older = bool(folder) and (place / snapshot.MANIFEST).is_file()
        if older and not live.previous:
            live = replace(live, previous=folder)
        began = time.monotonic()
        options = options_from(live, place.with_name(f"{place.name}.journal"), principals)
        found = azure.collect(options, teller)
        told = found.told
        teller("finished", requests=told.requests, seconds=time.monotonic() - began, retries=told.retries, throttled=told.throttled, waited=told.waited, failures=dict(found.failures))  # fmt: skip
        inventory, kept = found.inventory, place
        if folder:
            partial = place.with_name(f"{place.name}.partial")
            if found.interrupted and older:
                kept = partial
            snapshot.write(
                inventory,
                kept,
                tool_version=__version__,
                started=found.started,
                ended=inventory.collected_at,
            )
            inventory = snapshot.collect(kept)
            if found.interrupted or found.unfinished:
                found.journal.close()
            else:
                found.journal.remove()
            if kept is place:
                shutil.rmtree(partial, ignore_errors=True)
        yield inventory, found, kept
    finally:
        lock.release()
        teller.done()
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
