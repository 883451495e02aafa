"""Files and folders of templates: what is found in them, what goes together, and every file that cannot be used."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from scanner.errors import InputError, UsageError
from scanner.inventory.arm_template.reading import Reading, Wanted, read_arm
from scanner.inventory.tree import Tree
from tests.inventory.arm_template.compiled import FULL, compiled
from tests.inventory.arm_template.expanding import (
    NOW,
    REGISTRY,
    nested,
    read,
    registry,
    template,
    write,
)

NAMED = template([registry(name="[parameters('n')]")], parameters={"n": {"type": "string"}})


def _parameters(**values: object) -> dict[str, object]:
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {name: {"value": value} for name, value in values.items()},
    }


def _names(found: Reading) -> list[str]:
    return sorted(
        str(one.name) for part in found.inventory.parts.values() for one in part if one.type == REGISTRY
    )


def _problems(found: Reading) -> list[str]:
    return [f"{error.where}: {error.what}" for error in found.errors]


def test_every_parameter_file_is_one_evaluation(tmp_path: Path):
    """Parameter files beside a template with its name are each one evaluation; ids tell them apart."""
    write(
        tmp_path,
        {
            "main.json": NAMED,
            "main.parameters.json": _parameters(n="acrdev"),
            "main.parameters.prod.json": _parameters(n="acrprod"),
            "main.prod2.parameters.json": _parameters(n="acrprod2"),
        },
    )
    found = read(tmp_path)
    assert _names(found) == ["acrdev", "acrprod", "acrprod2"]
    assert found.errors == []
    files = [
        one for part in found.inventory.parts.values() for one in part if one.type == "acrscan/templateFiles"
    ]
    assert len(files) == 1
    ids = {one.id for part in found.inventory.parts.values() for one in part}
    assert len(ids) == 4


def test_without_a_parameter_file_there_is_one_evaluation_with_unknowns(tmp_path: Path):
    """A template alone is evaluated with unknown parameters."""
    write(tmp_path, {"main.json": NAMED})
    assert _names(read(tmp_path)) == ["[parameters('n')]"]


def test_parameter_files_by_name(tmp_path: Path):
    """--parameters takes the place of the files beside the template."""
    write(
        tmp_path,
        {
            "t/main.json": NAMED,
            "t/main.parameters.json": _parameters(n="acrdev"),
            "values.json": _parameters(n="acrown"),
        },
    )
    found = read_arm(Tree.of([tmp_path / "t"]), Wanted((tmp_path / "values.json",)), now=NOW)
    assert _names(found) == ["acrown"]


def test_a_parameter_file_goes_to_the_templates_that_declare_its_parameters(tmp_path: Path):
    """Among several templates a named file belongs to those that know all of its parameters."""
    write(
        tmp_path,
        {
            "t/a.json": NAMED,
            "t/b.json": template([registry(name="acrfixed")]),
            "values.json": _parameters(n="acrown"),
        },
    )
    found = read_arm(Tree.of([tmp_path / "t"]), Wanted((tmp_path / "values.json",)), now=NOW)
    assert _names(found) == ["acrfixed", "acrown"]


def test_a_parameter_file_that_fits_nothing_is_refused(tmp_path: Path):
    """A named file that belongs to no template would be silently without effect."""
    write(
        tmp_path,
        {"t/a.json": NAMED, "t/b.json": NAMED, "values.json": _parameters(other="x")},
    )
    with pytest.raises(UsageError, match="no template declares the parameters of"):
        read_arm(Tree.of([tmp_path / "t"]), Wanted((tmp_path / "values.json",)), now=NOW)


def test_what_is_no_parameter_file_is_refused(tmp_path: Path):
    """--parameters with another file is an error."""
    write(tmp_path, {"a.json": NAMED, "values.json": {"n": "x"}})
    with pytest.raises(InputError, match="is no parameter file"):
        read_arm(Tree.of([tmp_path / "a.json"]), Wanted((tmp_path / "values.json",)), now=NOW)


def test_values_that_azure_would_refuse_are_told_with_their_place(tmp_path: Path):
    """Unknown parameters, wrong types and values that are not allowed are told; the template is evaluated all the same."""
    content = template(
        [registry(name="[parameters('n')]", sku={"name": "[parameters('sku')]"})],
        parameters={
            "n": {"type": "string", "minLength": 5},
            "sku": {"type": "string", "allowedValues": ["Basic", "Premium"]},
            "count": {"type": "int", "maxValue": 3},
            "list": {"type": "array", "allowedValues": ["a", "b"]},
            "odd": {"type": "string"},
        },
    )
    values = _parameters(n="acr", sku="Gold", count="7", none=1, list=["a", "c"], odd="[concat('a')]")
    found = read(write(tmp_path, {"main.json": content, "main.parameters.json": values}))
    notes = [note for note in found.inventory.diagnostics if note.startswith("main.parameters.json:")]
    told = "\n".join(notes)
    assert "the value of 'n' is below minLength 5" in told
    assert "the value of 'sku' is not among the allowed values" in told
    assert "the value of 'count' is no int" in told
    assert "the template has no parameter 'none'" in told
    assert "the value of 'list' is not among the allowed values" in told
    assert "expressions in parameter files are not evaluated" in told
    assert all(note.split(":")[1].isdigit() for note in notes)
    assert _names(found) == ["acr"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cut.json", '{"$schema": "https://x/deploymentTemplate.json#", "resources": [ microsoft.containerregistry', "not valid JSON"),
        ("bin.json", "\x00\x01Microsoft.ContainerRegistry\x02", "not valid JSON"),
        ("deep.json", '{"a":' * 70 + '"Microsoft.ContainerRegistry"' + "}" * 70, "nested deeper"),
        ("plain.json", {"type": REGISTRY, "apiVersion": "2023-07-01"}, "is no template that can be evaluated"),
        ("none.json", template([], outputs={"x": {"type": "string", "value": f"[resourceId('{REGISTRY}', 'a')]"}}), "no resource could be evaluated"),
        ("typed.json", template([registry(type="[parameters('t')]")], parameters={"t": {"type": "string", "metadata": {"description": REGISTRY}}}), "no resource could be evaluated"),
    ],
)  # fmt: skip
def test_a_file_that_speaks_of_registries_and_gives_nothing_is_an_error(
    tmp_path: Path, name: str, content: object, words: str
):
    """Such a file is never clean; the other files are read all the same."""
    write(tmp_path, {name: content, "good.json": template([registry()])})
    found = read(tmp_path)
    assert len(found.errors) == 1
    assert found.errors[0].where.startswith(name)
    assert words in found.errors[0].what
    assert _names(found) == ["acr1"]


def test_a_registry_that_is_switched_off_is_no_error(tmp_path: Path):
    """A template whose only registry has a false condition describes none, and says so."""
    assert read(write(tmp_path, {"main.json": template([registry(condition=False)])})).errors == []


def test_files_that_are_no_templates_are_left_alone(tmp_path: Path):
    """JSON of other kinds and broken JSON that does not speak of registries is not ours."""
    write(
        tmp_path,
        {
            "package.json": {"name": "x"},
            "broken.json": "{",
            "node_modules/x/main.json": NAMED,
            ".git/main.json": NAMED,
            "main.json": template([registry()]),
        },
    )
    found = read(tmp_path)
    assert found.errors == []
    assert _names(found) == ["acr1"]
    assert [note for note in found.inventory.diagnostics if "broken.json" in note]


def test_a_file_named_by_the_user_has_to_be_a_template(tmp_path: Path):
    """What is named on the command line is not passed over."""
    write(tmp_path, {"package.json": {"name": "x"}, "broken.json": "{"})
    for name, words in (("package.json", "is no ARM template"), ("broken.json", "not valid JSON")):
        found = read_arm(Tree.of([tmp_path / name]), now=NOW)
        assert len(found.errors) == 1
        assert words in found.errors[0].what


def test_policy_definitions_are_recognised(tmp_path: Path):
    """A policy that embeds a template is no template; it is told, not evaluated and not an error."""
    policy = {
        "properties": {
            "policyRule": {
                "if": {"field": "type", "equals": REGISTRY},
                "then": {
                    "effect": "deployIfNotExists",
                    "details": {"deployment": {"properties": {"template": template([registry()])}}},
                },
            }
        }
    }
    found = read(write(tmp_path, {"policy.json": policy, "main.json": template([registry(name="acrown")])}))
    assert _names(found) == ["acrown"]
    assert found.errors == []
    assert any("policy.json: a policy definition" in note for note in found.inventory.diagnostics)


def test_templates_that_hold_policies_keep_their_rules_as_they_are(tmp_path: Path):
    """A policy definition within a template has escaped expressions; they are not run."""
    definition = {
        "type": "Microsoft.Authorization/policyDefinitions",
        "apiVersion": "2021-06-01",
        "name": "no-admin",
        "properties": {"policyRule": {"if": {"value": "[[field('type')]", "equals": REGISTRY}}},
    }
    found = read(write(tmp_path, {"main.json": template([definition])}))
    part = found.inventory.parts["microsoft.authorization/policydefinitions"]
    assert next(iter(part)).body["properties"]["policyRule"]["if"]["value"] == "[field('type')]"
    assert found.errors == []


def test_linked_templates_inside_the_tree_are_followed(tmp_path: Path):
    """`relativePath`, and an address that ends in a file of the tree, lead to that file, evaluated once with its values."""
    linked = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": "linked",
        "properties": {
            "templateLink": {"relativePath": "modules/registry.json"},
            "parameters": {"n": {"value": "acrlinked"}},
        },
    }
    by_address = {
        **linked,
        "name": "address",
        "properties": {
            "templateLink": {"uri": "[concat(parameters('base'), 'modules/registry.json')]"},
            "parameters": {"n": {"value": "acraddress"}},
        },
    }
    usual = {
        **linked,
        "name": "usual",
        "properties": {
            "templateLink": {
                "uri": "[uri(deployment().properties.templateLink.uri, 'modules/registry.json')]"
            },
            "parameters": {"n": {"value": "acrusual"}},
        },
    }
    write(
        tmp_path,
        {
            "main.json": template([linked, by_address, usual], parameters={"base": {"type": "string"}}),
            "modules/registry.json": NAMED,
        },
    )
    found = read(tmp_path)
    assert _names(found) == ["acraddress", "acrlinked", "acrusual"]
    assert found.errors == []
    one = next(one for one in found.inventory.parts[REGISTRY.lower()] if one.name == "acrlinked")
    assert one.places[""][0].file == "modules/registry.json"
    assert [place.what for place in one.places[""]] == ["resource", "nested deployment linked"]
    assert one.places[""][1].file == "main.json"


@pytest.mark.parametrize("path", ["../outside.json", "/etc/hosts", "none.json"])
def test_linked_templates_outside_the_tree_are_not_read(tmp_path: Path, path: str):
    """A path that leads out of the given folder, or nowhere, leaves open what is deployed, with the place."""
    link = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": "linked",
        "properties": {"templateLink": {"relativePath": path}},
    }
    write(tmp_path, {"outside.json": NAMED, "in/main.json": template([registry(), link])})
    found = read(tmp_path / "in")
    assert _names(found) == ["acr1"]
    runs = {run.collection: run for run in found.inventory.runs}
    assert runs[REGISTRY].state == "partial"
    assert "main.json:" in runs[REGISTRY].problems[0].reason


def test_a_template_that_links_itself_ends(tmp_path: Path):
    """Deployments that lie in each other without end are left open at the limit."""
    link = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": "again",
        "properties": {"templateLink": {"relativePath": "main.json"}},
    }
    found = read(write(tmp_path, {"main.json": template([registry(), link])}))
    runs = {run.collection: run for run in found.inventory.runs}
    assert any("nested deeper than 16" in problem.reason for problem in runs[REGISTRY].problems)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_links_between_folders_are_not_followed(tmp_path: Path):
    """A loop of symbolic links does not matter."""
    write(tmp_path, {"main.json": template([registry()])})
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert _names(read(tmp_path)) == ["acr1"]


def test_a_path_that_is_not_there(tmp_path: Path):
    """A wrong path is an error of its own."""
    with pytest.raises(InputError, match="no such file or folder"):
        read(tmp_path / "none")


def test_the_compiled_form_with_all_its_settings(tmp_path: Path):
    """A module as Bicep compiles it gives the registry and every child; omitted optional values take their defaults."""
    found = read(write(tmp_path, {"main.json": compiled(5), "main.parameters.json": _parameters(**FULL)}))
    assert found.errors == []
    rows = {
        f"{one.type.rpartition('/')[2]}/{one.name}": one
        for part in found.inventory.parts.values()
        for one in part
    }
    assert rows["registries/crrmax001"].body["properties"]["networkRuleSet"]["defaultAction"] == "Deny"
    assert (
        rows["cacheRules/docker-io-library-nginx"].body["properties"]["targetRepository"]
        == "docker.io/library/nginx"
    )
    assert rows["replications/northeurope"].body["properties"] == {
        "regionEndpointEnabled": True,
        "zoneRedundancy": "Enabled",
    }
    assert rows["webhooks/crrmax001webhook"].body["properties"]["status"] == "enabled"
    assert rows["webhooks/own"].body["properties"]["actions"] == ["push"]
    assert rows["diagnosticSettings/crrmax001-diagnosticSettings"].body["properties"]["logs"] == [
        {"categoryGroup": "allLogs", "enabled": True}
    ]
    assert len(rows) == 13
    symbols = {one.places.symbol for one in rows.values()}  # type: ignore[attr-defined]
    assert "registry_webhooks[0].webhook" in symbols


def _compiler(folder: Path, body: str) -> str:
    file = folder / "bicep"
    file.write_text(f"#!{sys.executable}\n{body}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


BICEP = {**NAMED, "metadata": {"_generator": {"name": "bicep", "version": "0.38"}}}


def test_bicep_through_the_compiled_file_beside_it(tmp_path: Path):
    """A .bicep with its compiled sibling is evaluated through it; a newer source is told."""
    write(tmp_path, {"main.bicep": "resource a 'x' = {}", "main.json": BICEP})
    os.utime(tmp_path / "main.json", (1, 1))
    found = read(tmp_path)
    assert found.errors == []
    assert _names(found) == ["[parameters('n')]"]
    assert any("main.bicep: newer than main.json" in note for note in found.inventory.diagnostics)


def test_bicep_that_is_not_compiled_says_what_to_do(tmp_path: Path):
    """Without sibling and compiler there is an error with the command; a JSON of the same name by hand is no sibling."""
    write(tmp_path, {"main.bicep": "x", "other.bicep": "y", "other.json": NAMED})
    found = read(tmp_path)
    assert sorted(_problems(found)) == ["main.bicep: is not compiled", "other.bicep: is not compiled"]
    assert "bicep build main.bicep" in found.errors[0].advice


def test_modules_are_compiled_into_the_files_that_use_them(tmp_path: Path):
    """A module that another Bicep file uses needs no sibling of its own."""
    write(
        tmp_path,
        {
            "main.bicep": "module m './modules/m.bicep' = {\n}\nmodule r 'br/public:avm/x:1' = {}",
            "main.json": BICEP,
            "modules/m.bicep": "param x string",
        },
    )
    assert read(tmp_path).errors == []


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the compiler is a script")
def test_an_installed_compiler(tmp_path: Path):
    """--bicep-cli compiles templates and parameter files, without restoring modules."""
    cli = _compiler(
        tmp_path,
        "import json, sys\n"
        "assert '--no-restore' in sys.argv and '--stdout' in sys.argv\n"
        f"template = {BICEP!r}\n"
        "values = {'parameters': {'n': {'value': 'acrcompiled'}}}\n"
        "if sys.argv[1] == 'build':\n"
        "    print(json.dumps(template))\n"
        "else:\n"
        "    print(json.dumps({'parametersJson': json.dumps(values)}))",
    )
    write(tmp_path, {"in/main.bicep": "x", "in/main.bicepparam": "using 'main.bicep'"})
    found = read(tmp_path / "in", bicep_cli=cli)
    assert found.errors == []
    assert _names(found) == ["acrcompiled"]


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the compiler is a script")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import sys\nprint('main.bicep(1,1) : Error BCP018: expected', file=sys.stderr)\nsys.exit(1)", "does not compile: main.bicep(1,1) : Error BCP018"),
        ("print('{')", "the compiler's answer is not valid JSON"),
        ("print('')", "the compiler's answer is empty"),
    ],
)  # fmt: skip
def test_a_compiler_that_fails(tmp_path: Path, body: str, words: str):
    """What the compiler says is told for that file."""
    write(tmp_path, {"in/main.bicep": "x", "in/good.json": template([registry()])})
    found = read(tmp_path / "in", bicep_cli=_compiler(tmp_path, body))
    assert [error.where for error in found.errors] == ["main.bicep"]
    assert words in found.errors[0].what
    assert _names(found) == ["acr1"]


def test_a_compiler_that_is_not_there(tmp_path: Path):
    """A wrong path to the compiler is an error of the command line."""
    write(tmp_path, {"main.bicep": "x"})
    with pytest.raises(UsageError, match="no such file"):
        read(tmp_path, bicep_cli=str(tmp_path / "none"))


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may run anything")
def test_a_compiler_that_cannot_be_run(tmp_path: Path):
    """A file that is no program is an error of the command line."""
    write(tmp_path, {"main.bicep": "x", "bicep": "no program"})
    with pytest.raises(UsageError, match="cannot be run"):
        read(tmp_path, bicep_cli=str(tmp_path / "bicep"))


def test_bicepparam_without_a_compiler_is_told(tmp_path: Path):
    """A .bicepparam that nobody compiled is left out, with the command that helps."""
    write(tmp_path, {"main.bicep": "x", "main.json": BICEP, "main.bicepparam": "using 'main.bicep'"})
    found = read(tmp_path)
    assert any("bicep build-params main.bicepparam" in note for note in found.inventory.diagnostics)


@pytest.mark.parametrize(
    "change",
    [
        {"resources": "none"},
        {"resources": [1, None, "x", {"type": 3}, {"name": "a"}]},
        {"parameters": [], "variables": 3, "functions": {"a": 1}, "outputs": []},
        {"parameters": {"a": 1, "b": {"type": 7, "allowedValues": 3, "$ref": "#/x"}}},
        {"functions": [{"namespace": 1, "members": []}, 3]},
        {"outputs": {"a": 3, "b": {"copy": 1}, "c": {"type": "string"}}},
        {"variables": {"copy": [1, {"name": 3}, {"name": "x"}]}},
        {"definitions": {"a": {"$ref": "#/definitions/a"}}, "parameters": {"a": {"$ref": "#/definitions/a"}}},
    ],
)
def test_templates_with_parts_of_the_wrong_form(tmp_path: Path, change: dict[str, object]):
    """Whatever a part of a template is, the rest is read."""
    content = {**template([registry(tags={"a": "[parameters('a')]"})]), **change}
    other = template([registry(name="acr2")])
    found = read(write(tmp_path, {"odd.json": content, "good.json": other}))
    assert "acr2" in _names(found)


@pytest.mark.parametrize(
    "resource",
    [
        registry(copy={"name": "x", "count": 1_000_000}),
        registry(copy={"name": "x", "count": -1}),
        registry(copy={"name": "x", "count": "many"}),
        registry(copy={"count": 2}),
        registry(copy=[1]),
        registry(properties="[range(0, 10000000)]"),
        registry(tags={"t": "[padLeft('x', 2000000000)]"}),
        registry(tags={"t": "[reduce(range(0, 10000), 'aaaaaaaaaa', lambda('a', 'b', concat(lambdaVariables('a'), lambdaVariables('a'))))]"}),
        registry(tags={"t": "[map(range(0, 9999), lambda('a', map(range(0, 9999), lambda('b', 1))))]"}),
        registry(tags={"t": "[replace(replace(padLeft('', 4000, 'a'), 'a', padLeft('', 4000, 'b')), 'b', 'cc')]"}),
        registry(tags={"t": "[" + "concat(" * 90 + "'a'" + ")" * 90 + "]"}),
        registry(tags={"t": "[" + "concat(" * 900 + "'a'" + ")" * 900 + "]"}),
        registry(tags={"t": "['" + "a" * 200_000 + "']"}),
        registry(tags={"t": "[variables('loop')]"}),
        registry(properties="[reduce(range(0, 5000), createObject(), lambda('a', 'b', createObject('x', lambdaVariables('a'))))]"),
        registry(properties="[string(reduce(range(0, 5000), createObject(), lambda('a', 'b', createObject('x', lambdaVariables('a')))))]"),
        registry(properties="[union(reduce(range(0, 5000), createObject(), lambda('a', 'b', createObject('x', lambdaVariables('a')))), reduce(range(0, 5000), createObject(), lambda('a', 'b', createObject('x', lambdaVariables('a')))))]"),
        registry(properties="[json(concat(padLeft('', 5000, '['), padLeft('', 5000, ']')))]"),
        registry(name="[string(reduce(range(0, 5000), createArray(), lambda('a', 'b', createArray(lambdaVariables('a')))))]"),
        registry(name="[reduce(range(0, 5000), createArray(), lambda('a', 'b', createArray(lambdaVariables('a'))))]"),
        registry(condition="[reduce(range(0, 5000), createArray(), lambda('a', 'b', createArray(lambdaVariables('a'))))]"),
        registry(tags={"t": "[guid(reduce(range(0, 5000), reference('x'), lambda('a', 'b', createArray(lambdaVariables('a')))))]"}),
        registry(tags={"t": "[variables('deep0')]"}),
        registry(properties={"copy": [{"name": "p", "count": 200_000, "input": 1}]}),
        registry(name=None),
        registry(name=["a"]),
        registry(name=""),
        registry(name="a/b/c"),
        registry(scope=3),
        registry(condition="perhaps"),
        registry(apiVersion=3),
        nested([registry()], values={"a": 1}, resourceGroup=3, subscriptionId=None),
        {"type": "Microsoft.Resources/deployments", "name": "d", "properties": 3},
        {"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"template": 3}},
        {"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"template": {"resources": 3}, "parameters": 3}},
        {"type": f"{REGISTRY}/providers/locks", "name": "x"},
    ],
)  # fmt: skip
def test_hostile_resources(tmp_path: Path, resource: dict[str, object]):
    """Loops, growth, recursion and wrong kinds end in an unknown value or a note; the other resources are read."""
    content = template(
        [resource, registry(name="acrgood")],
        variables={
            "loop": "[variables('loop')]",
            **{f"deep{at}": f"[variables('deep{at + 1}')]" for at in range(2000)},
            "deep2000": "x",
        },
    )
    found = read(write(tmp_path, {"main.json": content}))
    assert "acrgood" in _names(found)


def test_more_resources_than_anybody_deploys(tmp_path: Path):
    """A template beyond the number of resources is told as too large and leaves its scope open."""
    content = template(
        [
            registry(name=f"[format('acr{at}{{0}}', copyIndex())]", copy={"name": "c", "count": 800})
            for at in range(30)
        ]
    )
    found = read(write(tmp_path, {"main.json": content}))
    assert any("more than 20,000 resources" in note for note in found.inventory.diagnostics)
    runs = {run.collection: run for run in found.inventory.runs}
    assert runs[REGISTRY].state == "partial"


def test_nothing_is_shown_of_secrets(tmp_path: Path):
    """No secret of a template or parameter file is in what was read."""
    content = template(
        [
            {
                "type": "Microsoft.ContainerInstance/containerGroups",
                "apiVersion": "2023-05-01",
                "name": "g",
                "properties": {
                    "imageRegistryCredentials": [{"server": "a.azurecr.io", "password": "hunter2-literal"}]
                },
            },
            registry(),
        ],
        parameters={"p": {"type": "securestring", "defaultValue": "hunter2-default"}},
    )
    values = _parameters(p="hunter2-given")
    found = read(write(tmp_path, {"main.json": content, "main.parameters.json": values}))
    everything = repr([one for part in found.inventory.parts.values() for one in part]) + repr(
        found.inventory
    )
    assert "hunter2" not in everything
    assert json.dumps(list(found.inventory.diagnostics)).count("hunter2") == 0
