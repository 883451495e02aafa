"""What GitHub code scanning does with a SARIF file, as a checklist: an empty list means that it takes and shows all of it.

Sources: https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
(properties, limits); rejections seen in public issues of the upload action (results without a physical location, alerts
for results of other kinds and for suppressed results).
"""

import gzip
import json
import re
from collections import Counter

MAX_GZIP = 10_000_000
MAX_RESULTS = 25_000
KEPT_RESULTS = 5_000
MAX_RULES = 25_000
MAX_TAGS = 20
KEPT_TAGS = 10


def complaints(content: bytes) -> list[str]:
    """Everything that would be refused, cut, or shown as something that it is not."""
    found = []
    log = json.loads(content)
    if len(gzip.compress(content)) > MAX_GZIP:
        found.append("more than 10 MB compressed")
    if log.get("version") != "2.1.0" or not log.get("$schema"):
        found.append("version or schema")
    if len(log["runs"]) > 20:
        found.append("more than 20 runs")
    for run in log["runs"]:
        found += _of_run(run)
    return found


def _of_run(run):
    driver = run["tool"]["driver"]
    rules = driver["rules"]
    identifier = run["automationDetails"]["id"]
    if not re.fullmatch(r"[^/].*/[^/]+", identifier):
        yield f"automationDetails.id {identifier!r} has no category"
    if len(rules) > MAX_RULES:
        yield "too many rules"
    for rule in rules:
        yield from _of_rule(rule)
    results = run["results"]
    if len(results) > MAX_RESULTS:
        yield "more than 25,000 results: refused"
    if len(results) > KEPT_RESULTS:
        yield "more than 5,000 results: GitHub would choose which to keep"
    prints = Counter(
        json.dumps(result.get("partialFingerprints", {}).get("primaryLocationLineHash")) for result in results
    )
    for value, number in prints.items():
        if value != "null" and number > 1:
            yield f"{number} results with the same line hash {value}: shown as one"
    for result in results:
        yield from _of_result(result, rules)


def _of_rule(rule):
    name = rule["id"]
    if (
        not 0 < len(rule["shortDescription"]["text"]) <= 1024
        or not 0 < len(rule["fullDescription"]["text"]) <= 1024
    ):
        yield f"{name}: description"
    if not rule["help"]["text"] or not rule["help"].get("markdown", "x"):
        yield f"{name}: help"
    if len(rule.get("name", "")) > 255:
        yield f"{name}: name"
    tags = rule["properties"].get("tags", [])
    if len(tags) > MAX_TAGS:
        yield f"{name}: more than 20 tags: the file is refused"
    if len(tags) > KEPT_TAGS:
        yield f"{name}: more than 10 tags: some are dropped"
    severity = rule["properties"].get("security-severity")
    if severity is not None and not (isinstance(severity, str) and 0.1 <= float(severity) <= 10.0):
        yield f"{name}: security-severity"
    if severity is not None and float(severity) in (4.0, 7.0, 9.0):
        yield f"{name}: security-severity on the edge of two bands"


def _of_result(result, rules):
    name = f"{result.get('ruleId')}: {json.dumps(result.get('message'))[:80]}"
    if result.get("kind", "fail") != "fail":
        yield f"{name}: kind {result['kind']} would be an open alert"
    if result.get("level") not in ("error", "warning", "note"):
        yield f"{name}: level {result.get('level')}"
    if result.get("baselineState") == "absent":
        yield f"{name}: absent would be an open alert"
    if any(one.get("status", "accepted") == "accepted" for one in result.get("suppressions", ())):
        yield f"{name}: a suppressed result would be an open alert"
    if rules[result["ruleIndex"]]["id"] != result["ruleId"]:
        yield f"{name}: ruleIndex"
    if not result["message"].get("text"):
        yield f"{name}: no message text"
    places = result.get("locations", [])
    if len(places) != 1:
        yield f"{name}: {len(places)} locations"
        return
    physical = places[0].get("physicalLocation", {})
    uri = physical.get("artifactLocation", {}).get("uri", "")
    if not uri or re.match(r"[A-Za-z]+:|/", uri) or ".." in uri.split("/"):
        yield f"{name}: uri {uri!r}"
    region = physical.get("region", {})
    if not {"startLine", "startColumn", "endLine", "endColumn"} <= set(region):
        yield f"{name}: region"
    elif (region["endLine"], region["endColumn"]) <= (region["startLine"], region["startColumn"]):
        yield f"{name}: an empty region"
