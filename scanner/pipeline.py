"""The whole flow on one screen: rules and an inventory come in, a finished scan goes out.

pack x inventory -> estate -> evaluate -> rows -> spool with tallies -> agreement with Azure Policy -> Scan
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from scanner import __version__
from scanner.engine import evaluate as engine
from scanner.engine.access import access_lines
from scanner.engine.agreement import agreement
from scanner.engine.counting import count
from scanner.engine.estate import Estate
from scanner.engine.evaluate import Options
from scanner.language.digest import values_digest
from scanner.model import ids
from scanner.model.condition import relations_of
from scanner.model.resource import Inventory
from scanner.model.rule import Rule, RulePack
from scanner.model.scan import AccessLine, AgreementTally, Effective, RuleCard, Scan, ScanHeader, ScopeLine
from scanner.spool import Spool, Tally

REGISTRIES = "Microsoft.ContainerRegistry/registries"
SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"


def scan(
    pack: RulePack,
    inventory: Inventory,
    *,
    now: str,
    words: str,
    options: Options | None = None,
    seen: Callable[[int], None] = lambda _: None,
) -> Scan:
    """Evaluate a pack over an inventory.

    `now` is RFC 3339 (default callers use the inventory's own end time, so that a replay gives the same bytes);
    `words` says what was scanned; `seen` is told the number of resources evaluated so far, for progress.
    """
    options = options or Options()
    estate = Estate(inventory, now=now)
    spool = Spool()
    tally = Tally()
    plans = {name: tuple(rule.id for rule in rules) for name, rules in engine.by_target(pack).items()}
    if options.details or options.check_every or options.reference_only:
        for row in engine.evaluate(pack, estate, now, options):
            tally.add(row, plans)
            spool.add(row)
            seen(tally.seen)
    else:
        for counted in count(pack, estate, now):
            tally.count(counted)
    rows, agreed = (
        agreement(pack, estate, spool.resources(), plans) if options.details else ((), AgreementTally())
    )
    return Scan(
        header=_header(pack, inventory, estate, plans, tally, now, words),
        tallies=tally.finished(spool),
        findings=spool.findings(),
        resources=spool.resources(),
        access=tuple(_access(estate)) if options.details else (),
        agreement=rows,
        agreed=agreed,
    )


def _access(estate: Estate) -> Iterator[AccessLine]:
    for linked in estate.targets(REGISTRIES, frozenset({"access"})):
        yield from access_lines(linked)


def _header(
    pack: RulePack,
    inventory: Inventory,
    estate: Estate,
    plans: dict[str, tuple[str, ...]],
    tally: Tally,
    now: str,
    words: str,
) -> ScanHeader:
    named = {control.framework for rule in pack.rules for control in rule.controls}
    return ScanHeader(
        tool_version=__version__,
        pack_id=pack.id,
        pack_version=pack.version,
        pack_digest=pack.digest,
        profile=pack.profile,
        parameters=tuple(
            Effective(name, value, pack.value_origins.get(name, "pack"))
            for name, value in sorted(pack.values.items())
        ),
        rules=tuple(_card(pack, rule, estate) for rule in pack.rules),
        order=plans,
        runs=inventory.runs,
        inventory_digest=inventory.digest,
        inventory=words,
        now=now,
        subscriptions={name: _name(estate, name) for name in tally.subscriptions()},
        diagnostics=(*inventory.diagnostics, *estate.notes()),
        started=inventory.facts.started,
        tenant=inventory.facts.tenant or _tenant(estate),
        identity=inventory.facts.identity,
        scope=tuple(_scope(inventory, estate, tally)),
        frameworks=tuple(one for one in pack.frameworks if one.id in named),
        profile_digest=pack.profile_digest,
    )


def _name(estate: Estate, subscription: str) -> str:
    return estate.chains.names.get(subscription, "") or ids.described_by(subscription)


def _scope(inventory: Inventory, estate: Estate, tally: Tally) -> Iterator[ScopeLine]:
    """Every subscription in scope, whether or not anything could be read there, and those left out on purpose."""
    unread: dict[str, str] = {}
    for problem in estate.completeness.problems(REGISTRIES):
        # What lies deeper than a subscription is told by its own row.
        if not problem.scope or ids.type_of(problem.scope) == SUBSCRIPTIONS:
            unread.setdefault(ids.subscription_of(problem.scope), problem.reason)
    homes = {subscription for kind, subscription in tally.homes if kind == REGISTRIES}
    read = estate.subscriptions_with(homes) if homes else estate.subscriptions()
    seen = {**dict.fromkeys(filter(None, unread), ""), **read}
    for name, words in sorted({**inventory.facts.excluded, **seen}.items()):
        reason = unread.get(name, unread.get("", "")) if name in seen else "left out on purpose"
        yield ScopeLine(name, words or ids.described_by(name), tally.homes[REGISTRIES, name], reason)


def _tenant(estate: Estate) -> str:
    """The tenant that all subscriptions name; "" where they name none or several."""
    named = {row.body.get("tenantId") for row in estate.part(SUBSCRIPTIONS)}
    found = {one.lower() for one in named if isinstance(one, str) and one}
    return found.pop() if len(found) == 1 else ""


def _card(pack: RulePack, rule: Rule, estate: Estate) -> RuleCard:
    remediation = rule.remediation
    return RuleCard(
        id=rule.id,
        name=rule.name,
        title=rule.title,
        severity=rule.severity,
        target=rule.target,
        rationale=rule.rationale,
        effort=remediation.effort,
        az=tuple(" ".join(_written(command)) for command in remediation.az),
        bicep=remediation.bicep,
        terraform=remediation.terraform,
        manual_remediation=remediation.manual,
        manual=rule.manual,
        references=rule.references,
        reviewed=rule.reviewed,
        controls=rule.controls,
        status=rule.status,
        enabled=rule.enabled,
        disabled_reason=rule.disabled_reason,
        digest=rule.digest,
        file=rule.mark.file,
        line=rule.mark.line,
        not_evaluated=_not_evaluated(rule, estate),
        values_digest=values_digest(pack, rule),
        waivable=rule.waivable,
        replaces=rule.replaces,
    )


def _written(command: Sequence[Sequence[object]]) -> Iterator[str]:
    for word in command:
        yield "".join(part if isinstance(part, str) else "{{ " + ".".join(part.keys) + " }}" for part in word)  # type: ignore[attr-defined]


def _not_evaluated(rule: Rule, estate: Estate) -> str:
    if not rule.enabled:
        return f"off: {rule.disabled_reason}"
    return estate.not_evaluated(rule.target, {*relations_of(rule.when), *relations_of(rule.check)})
