"""What code scanning at GitHub asks of an uploaded log, and what it makes of one: bytes in, complaints out.

The official validator does not know most of this. Sources: the pages "SARIF support for code scanning" and "SARIF
results exceed one or more limits" of GitHub's documentation, and what its users reported.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

BYTES, RUNS, RESULTS, RULES, EXTENSIONS, LOCATIONS, TAGS, SHOWN_TAGS = (
    10_000_000, 20, 25_000, 25_000, 100, 1_000, 20, 10,
)  # fmt: skip
NAME, DESCRIPTION = 255, 1_024
LEVELS = {"note", "warning", "error"}
BANDS = (("critical", 9.0, 10.0), ("high", 7.0, 8.9), ("medium", 4.0, 6.9), ("low", 0.1, 3.9))


def complaints(data: bytes) -> list[str]:
    """Everything for which the file would be refused, cut, or misread; [] for a good one."""
    if len(gzip.compress(data, mtime=0)) > BYTES:
        return [f"more than {BYTES} bytes compressed"]
    log = json.loads(data)
    found = list(_log(log))
    for run in log["runs"]:
        found += _run(run)
    return found


def category(run: dict) -> str:
    """What the upload replaces: the automation id up to its last slash."""
    return str(run["automationDetails"]["id"]).rpartition("/")[0]


def alerts(run: dict) -> dict[str, str]:
    """The open alerts that a run makes, by what they are matched with; the severity that is shown for each."""
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    found = {}
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        mark = result["partialFingerprints"].get(
            "primaryLocationLineHash", json.dumps(result["locations"][0])
        )
        score = rules[result["ruleId"]]["properties"].get("security-severity")
        shown = next(
            (name for name, low, high in BANDS if score and low < float(score) <= high), result["level"]
        )
        found[f"{result['ruleId']} {place} {mark}"] = shown
    return found


def _log(log: dict) -> Iterator[str]:
    if not log["$schema"].startswith("https://"):
        yield "no schema"
    if log["version"] != "2.1.0":
        yield f"version {log['version']}"
    if not 1 <= len(log["runs"]) <= RUNS:
        yield f"{len(log['runs'])} runs"


def _run(run: dict) -> Iterator[str]:
    driver = run["tool"]["driver"]
    if not driver["name"]:
        yield "no tool name"
    if len(run["results"]) > RESULTS:
        yield f"{len(run['results'])} results"
    if len(driver["rules"]) > RULES or len(run["tool"].get("extensions", ())) > EXTENSIONS:
        yield "too many rules or extensions"
    if "/" not in run["automationDetails"]["id"] or not category(run):
        yield "no category"
    rules = [rule["id"] for rule in driver["rules"]]
    yield from (f"rule {name} twice" for name, number in Counter(rules).items() if number > 1)
    for rule in driver["rules"]:
        yield from (f"rule {rule['id']}: {what}" for what in _rule(rule))
    for at, result in enumerate(run["results"]):
        yield from (f"result {at}: {what}" for what in _result(result, rules))
    marks = Counter(result["fingerprints"]["acrscan/v1"] for result in run["results"])
    yield from (f"fingerprint {mark} {number} times" for mark, number in marks.items() if number > 1)
    yield from (f"empty text at {where}" for where in _empty(run, "run"))


def _rule(rule: dict) -> Iterator[str]:
    if not 0 < len(rule["id"]) <= NAME or not 0 < len(rule["name"]) <= NAME:
        yield "its id or name is empty or too long"
    if not rule["shortDescription"]["text"] or not rule["help"]["text"] or not rule["help"]["markdown"]:
        yield "no short description or help"
    if len(rule["shortDescription"]["text"]) > DESCRIPTION:
        yield "its short description is too long"
    if not 0 < len(rule["fullDescription"]["text"]) <= DESCRIPTION:
        yield "its full description is empty or too long"
    tags = rule["properties"]["tags"]
    if len(tags) > TAGS or len(tags) > SHOWN_TAGS or len(set(tags)) != len(tags):
        yield "too many tags"
    if rule["defaultConfiguration"]["level"] not in LEVELS:
        yield f"level {rule['defaultConfiguration']['level']}"
    score = rule["properties"].get("security-severity")
    if score is not None and not (
        isinstance(score, str) and any(low < float(score) <= high for _, low, high in BANDS)
    ):
        yield f"security-severity {score!r} is no text, or between two severities"
    if score is not None and "security" not in tags:
        yield "a security severity without the tag security"
    if rule["properties"]["problem.severity"] not in {"error", "warning", "recommendation"}:
        yield "no problem severity"


def _result(result: dict, rules: list[str]) -> Iterator[str]:
    if result["ruleId"] not in rules or rules[result["ruleIndex"]] != result["ruleId"]:
        yield "its rule is not in the driver"
    if result["kind"] != "fail":
        yield f"kind {result['kind']} would be an open alert"
    if result["level"] not in LEVELS:
        yield f"level {result['level']}"
    if result.get("baselineState") == "absent":
        yield "what is gone would be an open alert"
    if result.get("suppressions"):
        yield "a suppressed result would be an open alert"
    if not result["message"]["text"]:
        yield "no message"
    if not 1 <= len(result["locations"]) <= LOCATIONS:
        yield "no place, or too many"
    for place in result["locations"][:1]:
        yield from _place(place["physicalLocation"], result["partialFingerprints"])


def _place(place: dict, marks: dict) -> Iterator[str]:
    uri = place["artifactLocation"]["uri"]
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", uri) or uri.startswith("/"):
        yield f"the address {uri} is not relative to the checkout"
    if any(part in {"", ".", ".."} for part in unquote(uri).split("/")) or "\\" in uri:
        yield f"the address {uri} leaves its folder"
    region = place["region"]
    if not all(isinstance(region.get(key), int) and region[key] >= 1 for key in ("startLine", "startColumn", "endLine", "endColumn")):  # fmt: skip
        yield "no whole region"
    elif (region["endLine"], region["endColumn"]) <= (region["startLine"], region["startColumn"]):
        yield "an empty region"
    mark = marks.get("primaryLocationLineHash")
    if uri.startswith(("inventory/", "outside/", "_../")) and not (
        mark and re.fullmatch(r"[0-9a-f]{16}:\d+", mark)
    ):
        yield "no line hash, and no file that one could be made of"


def _empty(value: object, where: str) -> Iterator[str]:
    """Places of empty texts, which the service refuses; bags of properties are ours."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "properties":
                yield from _empty(item, f"{where}.{key}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _empty(item, f"{where}[{at}]")
    elif value == "":
        yield where
