"""The two lanes against each other, over generated rules and resources: the fast one may pass a case on, never differ."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.engine.case import absences, case_for
from scanner.engine.codegen import compile_rules
from scanner.engine.judge import judge
from scanner.language.conditions import negated
from scanner.model.condition import NOWHERE, Count, Leaf, Logic, Param, Path, Quantifier, Ref, Related
from scanner.model.resource import Origin, Resource
from scanner.model.rule import Remediation, Rule
from scanner.model.values import ABSENT, Alternatives, Hidden, Partial, Unknown, UnreadTail

REGISTRY = "Microsoft.ContainerRegistry/registries"
TOKEN = "Microsoft.ContainerRegistry/registries/tokens"
ELEMENTS = {"access": "acrscan/access", "tokens": TOKEN}
NOW = 1_764_000_000.0
ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/acr"

WORDS = [
    "Premium",
    "premium",
    "Basic",
    "disabled",
    "Enabled",
    "10.0.0.0/8",
    "203.0.113.7",
    "2026-11-01T00:00:00Z",
    "east us",
    "1.2",
    "",
]
TARGET_PATHS = [
    ("sku", "name"),
    ("location",),
    ("properties", "adminUserEnabled"),
    ("properties", "publicNetworkAccess"),
    ("properties", "networkRuleSet", "defaultAction"),
    ("properties", "networkRuleSet", "ipRules"),
    ("properties", "policies", "retentionPolicy", "days"),
    ("properties", "policies", "softDeletePolicy", "status"),
    ("tags", "Owner"),
    ("identity", "userAssignedIdentities"),
]
ELEMENT_PATHS = [
    (),
    ("value",),
    ("key",),
    ("can",),
    ("via", "level"),
    ("properties", "status"),
    ("value", "principalId"),
]
LISTS = [
    Path("", ("properties", "networkRuleSet", "ipRules")),
    Path("", ("identity", "userAssignedIdentities")),
    Path("", ("sku", "name")),
    Related("access"),
    Related("tokens"),
    Related("unread"),
    Param("words"),
    Param("undeclared"),
]
PARAMS = {"words": ("Premium", "disabled"), "undeclared": None, "number": 7, "word": "Enabled"}
DEFINITION = Leaf(Path("", ("sku", "name")), "equals", "Premium", ABSENT, False, NOWHERE)

text = st.sampled_from(WORDS)
number = st.sampled_from([0, 1, 7, 90, -3, 1.5])
scalar = st.one_of(text, st.booleans(), number)


def subjects(scope):
    own = st.sampled_from(TARGET_PATHS).map(lambda keys: Path("", keys))
    if not scope:
        return own
    inner = st.tuples(st.sampled_from(scope), st.sampled_from(ELEMENT_PATHS)).map(lambda pair: Path(*pair))
    return st.one_of(own, inner, inner)


@st.composite
def leaves(draw, scope):
    if draw(st.integers(0, 9)) == 0:
        name = draw(st.sampled_from(["words", "undeclared", "word"]))
        operator = draw(st.sampled_from(["exists", "empty", "equals"]))
        operand = draw(st.booleans()) if operator != "equals" else draw(text)
        return Leaf(Param(name), operator, operand, ABSENT, False, NOWHERE)
    operator, operand = draw(
        st.one_of(
            st.tuples(st.just("equals"), st.one_of(scalar, st.none())),
            st.tuples(
                st.just("in"), st.one_of(st.lists(text, max_size=3), st.lists(scalar, max_size=3)).map(tuple)
            ),
            st.tuples(st.just("in"), st.sampled_from([Param("words"), Param("undeclared")])),
            st.tuples(
                st.sampled_from(["less", "lessOrEquals", "greater", "greaterOrEquals"]),
                st.one_of(number, st.just(Param("number"))),
            ),
            st.tuples(st.sampled_from(["exists", "empty"]), st.booleans()),
            st.tuples(st.just("like"), st.sampled_from(["*e*", "Prem*", "premium"])),
            st.tuples(st.just("contains"), scalar),
            st.tuples(st.just("containsKey"), text),
            st.tuples(st.just("matches"), st.just("^[A-Z]")),
            st.tuples(st.just("cidrPrefixLess"), number.filter(lambda value: value >= 0)),
            st.tuples(st.just("olderThanDays"), number),
            st.tuples(st.just("versionLess"), st.just("1.10")),
            st.tuples(st.just("equals"), subjects(scope)),
            st.tuples(st.just("equals"), st.sampled_from([Param("word"), Param("undeclared")])),
        )
    )
    default = draw(st.one_of(st.just(ABSENT), st.just(ABSENT), scalar))
    return Leaf(draw(subjects(scope)), operator, operand, default, draw(st.booleans()), NOWHERE)


@st.composite
def conditions(draw, scope=(), depth=3):
    choice = draw(st.integers(0, 9)) if depth else 0
    if choice <= 3:
        return draw(leaves(scope))
    if choice <= 5:
        kind = draw(st.sampled_from(["allOf", "anyOf"]))
        children = draw(st.lists(conditions(scope, depth - 1), min_size=1, max_size=3))
        return Logic(kind, tuple(children), NOWHERE)
    if choice == 6:
        return Logic("not", (draw(conditions(scope, depth - 1)),), NOWHERE)
    if choice == 7:
        return Ref("isPremium", DEFINITION, NOWHERE)
    lists = list(LISTS) + [Path(var, ("properties", "credentials", "passwords")) for var in scope]
    of = draw(st.sampled_from(lists))
    var = f"x{len(scope)}"
    where = draw(conditions((*scope, var), depth - 1))
    if choice == 8:
        kind = draw(st.sampled_from(["none", "some", "every"]))
        return Quantifier(kind, of, var, where, draw(st.sampled_from([None, None, "pass", "fail"])), NOWHERE)
    operator = draw(
        st.sampled_from(["equals", "notEquals", "less", "lessOrEquals", "greater", "greaterOrEquals"])
    )
    operand = draw(st.one_of(st.integers(0, 3), st.just(Param("number")), st.just(Param("undeclared"))))
    return Count(of, var, draw(st.sampled_from([where, None])), operator, operand, NOWHERE)


def odd(strategy):
    """Mostly a proper value; sometimes null, unread, withheld or of another type."""
    strange: st.SearchStrategy[object] = st.sampled_from(
        [
            None,
            Unknown("403"),
            Hidden("key"),
            "text",
            5,
            True,
            [],
            {},
            [UnreadTail("429")],
            Alternatives(("Premium", ABSENT), "parameter", "p"),
            Partial(("Prem", None), "parameter"),
        ]
    )
    return st.one_of(strategy, strategy, strategy, strange)


def objects(fields, wrap):
    return st.fixed_dictionaries({}, optional={key: wrap(value) for key, value in fields.items()})


def bodies(wrap):
    rule = objects({"value": text, "action": text}, wrap)
    rules = st.lists(rule, max_size=3)
    if wrap is odd:
        rules = st.one_of(
            rules, st.tuples(rules, st.just([UnreadTail("429")])).map(lambda pair: pair[0] + pair[1])
        )
    identities = st.dictionaries(
        st.sampled_from(["/subscriptions/a", "/subscriptions/b"]),
        objects({"principalId": text}, wrap),
        max_size=2,
    )
    policies = objects(
        {
            "retentionPolicy": objects({"days": number, "status": text}, wrap),
            "softDeletePolicy": objects({"status": text}, wrap),
        },
        wrap,
    )
    properties = objects(
        {
            "adminUserEnabled": st.booleans(),
            "publicNetworkAccess": text,
            "networkRuleSet": objects({"defaultAction": text, "ipRules": rules}, wrap),
            "policies": policies,
        },
        wrap,
    )
    fields = {
        "properties": properties,
        "sku": objects({"name": text}, wrap),
        "location": text,
        "tags": st.dictionaries(st.sampled_from(["owner", "Owner"]), text, max_size=1),
    }
    return objects({**fields, "identity": objects({"userAssignedIdentities": identities}, wrap)}, wrap)


def rows(wrap):
    access = st.lists(objects({"can": text, "via": objects({"level": text}, wrap)}, wrap), max_size=3)
    password = objects({"value": text}, wrap)
    token = objects(
        {
            "properties": objects(
                {"status": text, "credentials": objects({"passwords": st.lists(password, max_size=2)}, wrap)},
                wrap,
            )
        },
        wrap,
    )
    version = st.sampled_from([None, "2025-11-01", "2017-10-01"])
    resource = st.tuples(token, version).map(
        lambda pair: Resource(
            f"{ID}/tokens/t", TOKEN, "t", pair[0], api_version=pair[1], origin=Origin("saved")
        )
    )
    tokens = st.lists(resource, max_size=3)
    if wrap is odd:
        tail: st.SearchStrategy[list] = st.sampled_from([[], [UnreadTail("429")], [Unknown("403")], [5]])
        access = st.tuples(access, tail).map(lambda pair: pair[0] + pair[1])
        tokens = st.tuples(tokens, tail).map(lambda pair: pair[0] + pair[1])
    return st.fixed_dictionaries({"access": access, "tokens": tokens})


def rule_of(check, when=None):
    return Rule(
        id="TST101", name="t", title="t", severity="low", target=REGISTRY, when=when, check=check, manual="", message=("m",),
        not_applicable_message=(), parameters={}, rationale="", remediation=Remediation("low"), references=(), reviewed="", controls=(),
    )  # fmt: skip


def both(rule, body, related, version, source):
    resource = Resource(ID, REGISTRY, "acr", body, api_version=version, origin=Origin(source))
    case = case_for(resource, lambda name: related.get(name, Unknown("not collected")), ELEMENTS, PARAMS, NOW)
    reference = judge(rule, case).verdict.letter
    lane = compile_rules(REGISTRY, [rule], ELEMENTS).build({rule.id: PARAMS}, NOW)
    return lane(body, absences(resource), case.related)[0], reference


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    check=conditions(),
    when=st.one_of(st.none(), conditions(depth=1)),
    body=bodies(odd),
    related=rows(odd),
    version=st.sampled_from([None, "2025-11-01", "2017-10-01", "2026-03-01-preview"]),
    source=st.sampled_from(["saved", "test", "arm"]),
)
def test_the_lanes_never_disagree(check, when, body, related, version, source):
    """Whatever a rule and a resource look like, the generated lane says the same as the reference lane, or passes on."""
    letter, reference = both(rule_of(check, when), body, related, version, source)
    assert letter in ("?", reference)


CLEAN: list[Leaf | Quantifier | Count] = [
    Leaf(Path("", ("sku", "name")), "equals", "premium", ABSENT, False, NOWHERE),
    Leaf(Path("", ("properties", "adminUserEnabled")), "equals", False, False, False, NOWHERE),
    Leaf(Path("", ("properties", "publicNetworkAccess")), "in", ("Disabled", None), ABSENT, False, NOWHERE),
    Leaf(Path("", ("tags", "OWNER")), "exists", True, ABSENT, False, NOWHERE),
    Quantifier("none", Related("access"), "g", Leaf(Path("g", ("via", "level")), "like", "e*", ABSENT, False, NOWHERE), None, NOWHERE),
    Quantifier("some", Path("", ("properties", "networkRuleSet", "ipRules")), "r", Leaf(Path("r", ("value",)), "equals", "", ABSENT, False, NOWHERE), None, NOWHERE),
    Quantifier("every", Path("", ("identity", "userAssignedIdentities")), "i", Leaf(Path("i", ("key",)), "contains", "a", ABSENT, False, NOWHERE), "fail", NOWHERE),
    Count(Related("tokens"), "", None, "less", Param("number"), NOWHERE),
]  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    check=st.lists(st.sampled_from(CLEAN), min_size=1, max_size=4).map(
        lambda found: Logic("anyOf", tuple(found), NOWHERE)
    ),
    flip=st.booleans(),
    body=bodies(lambda strategy: strategy),
    related=rows(lambda strategy: strategy),
)
def test_clean_resources_stay_in_the_fast_lane(check, flip, body, related):
    """Nothing unread, withheld or of a wrong type: the generated lane decides by itself, and rightly."""
    rule = rule_of(negated(check) if flip else check)
    letter, reference = both(rule, body, related, None, "arm")
    assert letter == reference
    assert letter in "PF"


def test_literals_never_reach_the_generated_text():
    """A hostile literal, key and relation name stay in the constants table."""
    evil = "'); import os; os.system('x'); ('"
    check = Logic(
        "allOf",
        (
            Leaf(Path("", ("tags", evil)), "equals", evil, evil, False, NOWHERE),
            Leaf(Path("", ("tags", "a")), "in", (evil,), ABSENT, True, NOWHERE),
            Quantifier(
                "none",
                Related(evil),
                "x",
                Leaf(Path("x", (evil,)), "like", evil, ABSENT, False, NOWHERE),
                None,
                NOWHERE,
            ),
        ),
        NOWHERE,
    )
    compiled = compile_rules(REGISTRY, [rule_of(check)], {})
    assert "import" not in compiled.source
    assert evil in compiled.constants


def test_the_text_is_deterministic():
    """The same rules give the same text."""
    rules = [replace(rule_of(check), id=f"TST{100 + number}") for number, check in enumerate(CLEAN)]
    assert compile_rules(REGISTRY, rules, ELEMENTS).source == compile_rules(REGISTRY, rules, ELEMENTS).source
