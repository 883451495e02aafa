"""A run done again from its manifest: the same inventory, pack, profiles, waivers, baseline and clock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scanner.cli.marking import baseline_of, register_of
from scanner.cli.options import inventory_from, pack_from
from scanner.model.rule import RulePack
from scanner.model.scan import Scan
from scanner.trust.manifest import Replay


def again(folder: Path, replay: Replay, snapshot: str | None) -> Scan | str:
    """The scan, or why it cannot be done again. Raises what reading the inputs raises."""
    if not replay.source:
        return replay.why
    places = [snapshot] if snapshot else [str(folder / one) for one in replay.paths]
    missing = [one for one in places if not Path(one).exists()]
    if missing or not places:
        return f"{', '.join(missing) or 'the inventory'} is not there; name the snapshot with --snapshot"
    if replay.source == "stored":
        from scanner import stored  # noqa: PLC0415

        scan = stored.read(Path(places[0]))
        return _marked(folder, replay, scan, None)
    from scanner import pipeline  # noqa: PLC0415
    from scanner.engine.evaluate import Options  # noqa: PLC0415

    pack = pack_from(
        str(folder / replay.pack),
        tuple(str(folder / one) for one in replay.profiles),
        replay.parameters,
        replay.rules,
        replay.skipped,
        name=replay.pack_name,
    )
    principals = str(folder / replay.principals) if replay.principals else None
    inventory = inventory_from(
        tuple(places), replay.source, principals, replay.api_version or None, replay.now
    )
    scan = pipeline.scan(
        pack, inventory, now=replay.now, words=replay.words, options=Options(keep_passes=replay.keep_passes)
    )
    return _marked(folder, replay, scan, pack)


def _marked(folder: Path, replay: Replay, scan: Scan, pack: RulePack | None) -> Scan:
    if replay.waivers:
        from scanner.waivers.apply import apply  # noqa: PLC0415

        rules = pack.rules if pack else scan.header.rules
        scan = apply(scan, register_of(str(folder / replay.waivers), rules, replay.waivers_name))
    if replay.baseline:
        from scanner.compare.against import against  # noqa: PLC0415

        scan = against(scan, baseline_of(str(folder / replay.baseline), replay.baseline_name))
    if replay.organisation:
        scan = replace(scan, header=replace(scan.header, organisation=replay.organisation))
    return scan
