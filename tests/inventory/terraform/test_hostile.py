"""Hostile folders: every bad input is told with its place, nothing outside is read, nothing takes for ever."""

from __future__ import annotations

import json
import time

import pytest

from scanner.errors import InputError, Problems
from scanner.inventory.terraform import tree
from scanner.inventory.terraform.collecting import Wanted, read_terraform
from scanner.model.values import Unknown
from tests.inventory.terraform.writing import NOW, R, at, one, read, registry, rows, run, write

P = "properties."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'resource "azurerm_container_registry" "x" {\n  name = \n', "does not parse"),
        (b"\xff\xfe\x00\xd8", "not UTF-16"),
        (b'locals {\n  a = "\xe9"\n}\n', "not UTF-8"),
        (b"\x00\x01\x02", "NUL"),
        (b"resource {{{{", "does not parse"),
        (b"locals {\n  a = 1\n  a = 2\n}\n", "set twice"),
    ],
)
def test_one_bad_file_hides_nothing_of_the_others(tmp_path, content, words):
    """The bad file is an error with its place and a part that was not read; the other file's registry stands."""
    write(tmp_path, {"main.tf": registry("admin_enabled = true")})
    (tmp_path / "bad.tf").write_bytes(content)
    reading = read_terraform([tmp_path], Wanted(), now=NOW)
    assert at(one(reading), P + "adminUserEnabled") is True
    (error,) = reading.errors
    assert words in str(error)
    assert "bad.tf" in error.where
    assert run(reading, R).state == "partial"
    assert "bad.tf" in run(reading, R).problems[0].reason


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path):
    """Editors of Windows write both; UTF-16 with a mark too."""
    text = registry("admin_enabled = true").replace("\n", "\r\n")
    (tmp_path / "main.tf").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert at(one(read_terraform([tmp_path], Wanted(), now=NOW)), P + "adminUserEnabled") is True
    (tmp_path / "main.tf").write_bytes(text.encode("utf-16"))
    assert at(one(read_terraform([tmp_path], Wanted(), now=NOW)), P + "adminUserEnabled") is True


def test_a_huge_file_is_refused(tmp_path, monkeypatch):
    """Sizes are bounded."""
    monkeypatch.setattr(tree, "MAX_BYTES", 1000)
    reading = read(tmp_path, {"main.tf": registry(), "big.tf": "# " + "x" * 2000})
    assert "2,002 bytes" in str(reading.errors[0])


def test_nothing_outside_of_the_folder_is_read(tmp_path):
    """Modules, files and links that lead outside are told, not followed, unless the user says so."""
    write(tmp_path / "secret", {"main.tf": registry().replace("acrone", "acrsecret"), "s.txt": "hunter2"})
    (tmp_path / "link.txt").symlink_to(tmp_path / "secret" / "s.txt")
    files = {
        "main.tf": 'module "acr" {\n  source = "../secret"\n}\n'
        + registry(
            'tags = {\n    a = file("../secret/s.txt")\n    b = try(file("link.txt"), "none")\n    c = fileexists("../secret/s.txt")\n  }'
        ),
    }
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "link.txt").symlink_to(tmp_path / "secret" / "s.txt")
    reading = read(tmp_path / "live", files)
    assert "hunter2" not in repr([dict(row.body) for row in rows(reading, R)])
    assert [row.name for row in rows(reading, R)] == ["acrone"]
    assert isinstance(one(reading).body["tags"]["a"], Unknown)
    assert one(reading).body["tags"]["c"] is False
    assert "outside" in run(reading, R).problems[0].reason
    wide = read_terraform([tmp_path / "live"], Wanted(allow_outside=True), now=NOW)
    assert sorted(row.name for row in rows(wide, R)) == ["acrone", "acrsecret"]


def test_links_in_circles_end(tmp_path):
    """A link to its own folder is not followed."""
    write(tmp_path, {"main.tf": registry()})
    (tmp_path / "again").symlink_to(tmp_path)
    assert one(read_terraform([tmp_path], Wanted(), now=NOW)).name == "acrone"


@pytest.mark.parametrize("number", ["1000000", "-1", '"x"', "1.5", "null", "[1]"])
def test_counts_out_of_bounds(tmp_path, number):
    """A million instances, or no number at all, is one symbolic resource."""
    found = one(read(tmp_path, registry(f"count = {number}\n  admin_enabled = true")))
    assert found.optional
    assert at(found, P + "adminUserEnabled") is True


def test_values_that_double_stay_small(tmp_path):
    """Thirty locals that each hold the one before twice are cut off."""
    text = (
        'locals {\n  a0 = ["x"]\n'
        + "".join(f"  a{n} = [local.a{n - 1}, local.a{n - 1}]\n" for n in range(1, 40))
        + "}\n"
    )
    text += (
        'locals {\n  t0 = "xxxxxxxxxx"\n'
        + "".join(f'  t{n} = "${{local.t{n - 1}}}${{local.t{n - 1}}}"\n' for n in range(1, 40))
        + "}\n"
    )
    start = time.monotonic()
    found = one(read(tmp_path, text + registry("tags = { a = jsonencode(local.a39), b = local.t39 }")))
    assert time.monotonic() - start < 10
    assert isinstance(found.body["tags"]["a"], Unknown)
    assert "grows beyond" in found.body["tags"]["b"].reason


def test_choices_do_not_multiply_without_end(tmp_path):
    """Ten unknown conditions in one text are not a thousand values."""
    text = "".join(f'variable "v{n}" {{}}\n' for n in range(10))
    text += registry('tags = { a = "' + "".join(f'${{var.v{n} ? "a" : "b"}}' for n in range(10)) + '" }')
    assert isinstance(one(read(tmp_path, text)).body["tags"]["a"], Unknown)


def test_a_thousand_conditions_end(tmp_path):
    """Conditions within conditions are bounded."""
    text = 'variable "v" {}\n' + registry("admin_enabled = " + "var.v == 1 ? true : " * 90 + "false")
    found = one(read(tmp_path, text))
    assert found.name == "acrone"


def test_deep_chains_of_locals_end(tmp_path):
    """A chain of names that is too long is an unknown value, no crash."""
    text = "locals {\n  a0 = true\n" + "".join(f"  a{n} = local.a{n - 1}\n" for n in range(1, 2000)) + "}\n"
    found = one(read(tmp_path, text + registry("admin_enabled = local.a1999")))
    assert at(found, P + "adminUserEnabled").kind in (
        "limit",
        "error",
    )


def test_files_of_values_that_are_wrong(tmp_path):
    """A broken automatic file is a part that was not read; a broken named one is an error."""
    reading = read(tmp_path, {"main.tf": registry(), "terraform.tfvars": "a = = 1\n"})
    assert "terraform.tfvars" in str(reading.errors[0])
    with pytest.raises(Problems, match="holds no blocks"):
        read(tmp_path / "x", {"main.tf": registry(), "v.tfvars": "a {\n}\n"}, var_files=("v.tfvars",))
    with pytest.raises(Problems, match="cannot be read"):
        read(tmp_path / "y", registry(), var_files=("none.tfvars",))


def test_hostile_names_stay_names(tmp_path):
    """Slashes, quotes and markup in names cannot make another resource's id."""
    text = registry().replace('"acrone"', '"../../x/<script>\\"\\n"')
    found = one(read(tmp_path, text))
    assert found.id.count("/") == 8
    assert "\n" not in found.id


@pytest.mark.parametrize(
    "body",
    [
        "name = 1", "name = null", "name = []", "name = {}", "sku = []", "sku = null", "network_rule_set = 1", 'network_rule_set = "x"',
        "network_rule_set = [1]", "identity = 5", "georeplications = {}", "georeplications = [null]", 'encryption = "x"', "tags = 1",
        'retention_policy_in_days = "x"', "retention_policy_in_days = []", "retention_policy = 1", "admin_enabled = []",
        "location = 7", "location = null", "resource_group_name = []", "network_rule_set {\n  ip_rule = 3\n}", "georeplications {}",
        "identity {\n  identity_ids = 3\n}", 'dynamic "network_rule_set" {}', 'dynamic "x" {\n  for_each = 1\n  content {}\n}',
        "lifecycle {\n  ignore_changes = 3\n}", "provider = 1", "for_each = [1, 2]", "for_each = 1", "for_each = { a = 1 }\n  count = 1",
    ],
)  # fmt: skip
def test_arguments_of_wrong_kinds_do_not_stop_anything(tmp_path, body):
    """Whatever somebody wrote, the registry is there, and what is wrong with it is its own affair."""
    name = body.partition(" ")[0]
    text = "\n".join(
        line
        for line in registry().splitlines()
        if not line.strip().startswith(f"{name} ") or name == "resource"
    )
    reading = read(tmp_path, text.replace('"acr" {', f'"acr" {{\n  {body}'))
    assert rows(reading, R)
    for row in rows(reading, R):
        json.dumps(row.id)
        assert row.name


KINDS = [
    "webhook",
    "scope_map",
    "token",
    "cache_rule",
    "credential_set",
    "agent_pool",
    "task",
    "token_password",
]


@pytest.mark.parametrize(
    "kind",
    [f"azurerm_container_registry_{kind}" for kind in KINDS]
    + ["azurerm_container_connected_registry", "azurerm_role_assignment", "azurerm_role_definition", "azurerm_management_lock",
       "azurerm_resource_policy_assignment", "azurerm_security_center_subscription_pricing", "azurerm_private_endpoint",
       "azurerm_monitor_diagnostic_setting", "azapi_resource", "azapi_update_resource"],
)  # fmt: skip
@pytest.mark.parametrize(
    "value",
    ["", "1", "[]", "[1]", "{}", "null", '"x"', "var.u", "[var.u]", "{ a = var.u }", "var.u ? 1 : null"],
)
def test_no_kind_of_resource_stops_on_wrong_arguments(tmp_path, kind, value):
    """Every argument that a mapping reads may be of any kind, unknown, or missing."""
    names = (
        "name", "registry_name", "container_registry_name", "container_registry_id", "container_registry_token_id", "resource_group_name", "location",
        "actions", "scope", "scope_map_id", "role_definition_name", "role_definition_id", "principal_id", "permissions", "target_resource_id",
        "enabled_log", "log", "metric", "private_service_connection", "private_dns_zone_group", "docker_step", "file_step", "encoded_step",
        "source_trigger", "timer_trigger", "base_image_trigger", "registry_credential", "platform", "identity", "authentication_credentials",
        "notification", "parameters", "not_scopes", "resource_selectors", "type", "body", "sensitive_body", "parent_id", "resource_id", "password1",
        "password2", "custom_headers", "extension", "tags", "enabled", "expiry",
    )  # fmt: skip
    arguments = "\n".join(f"  {name} = {value}" for name in names) if value else ""
    text = f'variable "u" {{}}\nresource "{kind}" "x" {{\n{arguments}\n}}\n'
    reading = read(tmp_path, registry() + text)
    assert any(row.name == "acrone" for row in rows(reading, R))


def test_plans_of_wrong_kinds_do_not_stop_anything(tmp_path):
    """Odd values at every place of a plan are read as far as they go."""
    odd = [None, 1, "x", [], {}, [1], {"a": 1}, True]
    for number, value in enumerate(odd):
        content = {
            "format_version": "1.2",
            "terraform_version": "1.9.0",
            "configuration": {"root_module": {"resources": value, "module_calls": value, "outputs": value}, "provider_config": value},
            "resource_changes": [
                {"address": "azurerm_container_registry.a", "type": "azurerm_container_registry", "name": "a", "change": {"actions": value, "after": {"name": "acrone", "resource_group_name": "rg", "tags": value, "network_rule_set": value}, "after_unknown": value, "after_sensitive": value}},
                {"address": "azurerm_management_lock.l", "type": "azurerm_management_lock", "name": value, "index": value, "module_address": value, "change": {"actions": ["create"], "after": value, "after_unknown": {"scope": True}}},
            ],
        }  # fmt: skip
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(content), "utf-8")
        assert rows(read_terraform([path], Wanted(), now=NOW), R)


def test_where_the_parser_is_missing_it_is_told(monkeypatch, tmp_path):
    """Without the extra the message says what to install, and that a plan needs none."""
    from scanner.inventory.terraform import parse  # noqa: PLC0415

    parse._parser.cache_clear()
    monkeypatch.setattr(parse, "import_module", _missing)
    with pytest.raises((InputError, Problems), match="acrscan\\[terraform\\]"):
        read(tmp_path, registry())
    parse._parser.cache_clear()


def _missing(name):
    raise ImportError(name)
