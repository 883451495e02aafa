"""The table of commands; each module is loaded when its command is asked for."""

from __future__ import annotations

from importlib import import_module

import click

from scanner import __version__

COMMANDS = {
    "scan": ("scan", "Evaluate rules over an inventory and report."),
    "check": ("check", "Judge templates and other files of a repository."),
    "collect": ("collect", "Store an inventory as a snapshot."),
    "report": ("report", "Render a stored scan in other formats."),
    "explain": ("explain", "Show why a rule decides as it does."),
    "access": ("access", "Show who can do what on a registry, and through which path."),
    "storage": ("storage", "Show what repositories take, and what a clean-up would free."),
    "verify": ("verify", "Check reports against their manifest, and do the scan again."),
    "waiver": ("waivers", "Accept findings: list, check, add, prune, exchange with Azure Policy."),
    "policy": ("policy", "List, show, check, try and write rules."),
    "history": ("history", "Record scans over time; trends, ages, retention."),
    "doctor": ("doctor", "Check login, scope, permissions and connection to Azure."),
    "demo": ("demo", "Scan the embedded sample estate, offline."),
    "init": ("init", "Write the first files of a repository."),
    "schema": ("schemas", "Print the JSON Schemas of files, for editors."),
    "hook": ("hook", "Check what changed files belong to; pre-commit calls this."),
}
POLICY = {
    "list": ("policy_list", "List the rules of a pack."),
    "show": ("policy_list", "Show one rule."),
    "lint": ("policy_lint", "Check rule files without evaluating them."),
    "test": ("policy_check", "Run the inline tests of rules, in both lanes."),
    "mutate": ("policy_mutate", "Show which mistakes in rules no test would notice."),
    "try": ("policy_try", "Evaluate one rule file on one resource."),
    "compile": ("policy_try", "Print the code generated for a target type."),
    "coverage": ("policy_coverage", "Show which FAQ entries and controls have rules."),
    "impact": ("policy_impact", "Show what a change of rules does to an estate, and what it loosens."),
    "diff": ("policy_diff", "Show what changed between two packs, and the version that asks for."),
    "new": ("policy_new", "Write the skeleton of a rule."),
    "import": ("policy_import", "Turn Azure Policy definitions into rules."),
    "export": ("policy_export", "Write rules as Azure Policy definitions."),
    "bundle": ("policy_bundle", "Pack a pack into one file with a manifest."),
    "verify": ("policy_bundle", "Check a bundle against its manifest, a lock file, a signature."),
    "push": ("policy_push", "Put a bundle into a registry, as an OCI artifact."),
    "pull": ("policy_push", "Get a bundle from a registry, checked before it is kept."),
}
WAIVER = {
    "list": ("waiver", "Show waivers and attestations with their days left."),
    "check": ("waiver", "Check a waiver file, alone or against a stored scan."),
    "add": ("waiver", "Accept one finding of a stored scan."),
    "prune": ("waiver", "Remove what expired or covers nothing."),
    "import": ("waiver_exchange", "Turn Azure Policy exemptions into waivers."),
    "export": ("waiver_exchange", "Print waivers as Azure Policy exemptions."),
    "register": ("waiver_exchange", "Print the register of exceptions of a stored scan."),
}
HISTORY = {
    "record": ("history", "Record stored scans."),
    "runs": ("history", "List what was recorded."),
    "trend": ("history", "Show findings and verdicts over time."),
    "age": ("history", "Show how long open findings have been open."),
    "fixed": ("history", "Show how long it took to mend what was mended."),
    "retire": ("history", "Expect no more scans of a subscription that is gone."),
    "prune": ("history", "Forget what ended before a date."),
}


class LazyGroup(click.Group):
    """A group whose commands live in modules that are imported when needed."""

    def __init__(self, *args: object, table: dict[str, tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in self.table:
            return None
        module = import_module(f"scanner.cli.{self.table[cmd_name][0]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command named first, or a usage error that suggests the nearest name."""
        if args and args[0] not in self.table and not args[0].startswith("-"):
            from scanner.text import nearest  # noqa: PLC0415

            ctx.fail(f"No such command {args[0]!r}. {nearest(args[0], self.table)}".strip())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table itself, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in self.table.items()])


SETTINGS = {"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "ACRSCAN", "max_content_width": 100}


@click.group(cls=LazyGroup, table=COMMANDS, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="acrscan", message="%(prog)s %(version)s")
@click.option(
    "--config", type=click.Path(), help="Configuration file (default: acrscan.yaml, looked for upwards)."
)
@click.pass_context
def cli(ctx: click.Context, config: str | None) -> None:
    """Policy-as-code compliance scanner for Azure Container Registry.

    \b
    Examples:
      acrscan demo
      acrscan doctor
      acrscan scan --management-group platform --snapshot night/ -f sarif -f html
      acrscan scan --from saved answers/ -f sarif -f html -o reports/
      acrscan explain ACR101 --from saved answers/ --resource myregistry

    Exit codes: 0 ok, 1 findings at or above --fail-on, 2 usage, config or rule error, 3 evaluation incomplete,
    4 authentication or scope, 5 internal error, 6 a report would close alerts of what was not read and was not written,
    130 interrupted. No telemetry.
    """
    from scanner.cli.config import load_defaults  # noqa: PLC0415

    if ctx.invoked_subcommand not in (None, "demo", "init", "schema"):
        ctx.default_map = load_defaults(config, ctx.invoked_subcommand or "")
