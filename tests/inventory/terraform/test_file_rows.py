"""What is written in files: passwords that are read, written down, given out or handed on in clear; never their values."""

from __future__ import annotations

import json

import pytest

from scanner.inventory.terraform.collecting import Wanted, read_terraform
from tests.inventory.terraform.test_plan import VALUES, change, plan
from tests.inventory.terraform.writing import NOW, at, read, registry, rows

TYPE = "acrscan/templateFiles"


def found(reading, name, file="main.tf"):
    """The rows of a list of a file."""
    row = next(row for row in rows(reading, TYPE) if row.name.endswith(file))
    return at(row, f"properties.{name}"), row


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("locals {\n  p = azurerm_container_registry.acr.admin_password\n}\n", "azurerm_container_registry.acr.admin_password"),
        ('locals {\n  p = "x${azurerm_container_registry.acr[0].admin_password}"\n}\n', "azurerm_container_registry.acr.admin_password"),
        ('resource "azurerm_container_app" "a" {\n  secret {\n    value = data.azurerm_container_registry.d.admin_password\n  }\n}\n', "data.azurerm_container_registry.d.admin_password"),
        ('locals {\n  p = azurerm_container_registry.acr["admin_password"]\n}\n', "azurerm_container_registry.acr.admin_password"),
        ('resource "azapi_resource_action" "a" {\n  type = "Microsoft.ContainerRegistry/registries@2025-11-01"\n  action = "listCredentials"\n}\n', "listCredentials"),
    ],
)  # fmt: skip
def test_the_admin_password_is_found_wherever_it_is_read(tmp_path, text, function):
    """In locals, templates, nested blocks, data sources and actions, with its place."""
    (read_row,), row = found(read(tmp_path, registry() + text), "credentialReads")
    assert read_row["function"] == function
    line = row.places["/properties/credentialReads/0"][0].line
    assert read_row["at"].endswith(f"main.tf:{line}")


def test_a_password_that_is_given_out(tmp_path):
    """An output of the admin password or of a token's password."""
    text = 'output "p" {\n  value = azurerm_container_registry.acr.admin_password\n  sensitive = true\n}\n'
    text += 'output "t" {\n  value = azurerm_container_registry_token_password.t.password1[0].value\n}\noutput "id" {\n  value = azurerm_container_registry.acr.id\n}\n'
    given, _ = found(read(tmp_path, registry() + text), "outputSecrets")
    assert [row["name"] for row in given] == ["p", "t"]


def test_credentials_that_are_written_down(tmp_path):
    """Literals under the names of secrets, defaults of sensitive variables, values in files of variables."""
    files = {
        "main.tf": registry()
        + """
        variable "a" {
          sensitive = true
          default   = "hunter1"
        }
        variable "b" {
          sensitive = true
        }
        resource "azurerm_container_group" "g" {
          image_registry_credential {
            username = "u"
            password = "hunter3"
          }
        }
        resource "azurerm_linux_web_app" "w" {
          app_settings = {
            DOCKER_REGISTRY_SERVER_PASSWORD = "hunter4"
            KEY_VAULT_NAME                  = "v"
          }
        }
        """,
        "terraform.tfvars": 'b = "hunter2"\n',
    }
    reading = read(tmp_path, files)
    written, _ = found(reading, "literalCredentials")
    assert [(row["kind"], row["name"]) for row in written] == [
        ("azurerm_container_group", "password"),
        ("azurerm_linux_web_app", "DOCKER_REGISTRY_SERVER_PASSWORD"),
        ("default of a sensitive variable", "a"),
    ]
    values, _ = found(reading, "literalCredentials", "terraform.tfvars")
    assert values[0]["kind"] == "sensitive variable in a file of variables"
    assert not any(f"hunter{number}" in repr(rows(reading, TYPE)) for number in range(1, 5))


def test_secrets_that_are_handed_on_in_clear(tmp_path):
    """A password from a variable that is not sensitive; from a sensitive one or a vault it is none."""
    text = """
    variable "plain" {}
    variable "safe" {
      sensitive = true
    }
    resource "azurerm_container_group" "g" {
      image_registry_credential {
        password = var.plain
      }
    }
    resource "azurerm_container_group" "h" {
      image_registry_credential {
        password = var.safe
      }
    }
    resource "azurerm_container_group" "i" {
      image_registry_credential {
        password = data.azurerm_key_vault_secret.s.value
      }
    }
    """
    plain, _ = found(read(tmp_path, registry() + text), "plainSecrets")
    assert [(row["name"], row["parameter"]) for row in plain] == [("password", "plain")]


def test_api_versions_of_azapi(tmp_path):
    """The versions that bodies of Container Registry name."""
    text = 'resource "azapi_resource" "a" {\n  type = "Microsoft.ContainerRegistry/registries@2019-05-01"\n  name = "a"\n  body = {}\n}\n'
    versions, _ = found(read(tmp_path, text), "apiVersions")
    assert versions[0]["apiVersion"] == "2019-05-01"


def test_clean_files_have_no_rows(tmp_path):
    """Every file is a row of its own, with empty lists where nothing is wrong."""
    reading = read(
        tmp_path,
        {
            "main.tf": registry(),
            "outputs.tf": 'output "id" {\n  value = azurerm_container_registry.acr.id\n}\n',
        },
    )
    assert len(rows(reading, TYPE)) == 2
    for name in ("credentialReads", "literalCredentials", "outputSecrets", "plainSecrets"):
        assert found(reading, name)[0] == []


def test_a_plan_tells_what_reads_the_password(tmp_path):
    """References of the configuration of a plan count too."""
    root = {
        "outputs": {
            "p": {
                "expression": {
                    "references": [
                        "azurerm_container_registry.acr.admin_password",
                        "azurerm_container_registry.acr",
                    ]
                }
            }
        },
        "resources": [
            {
                "address": "azurerm_container_app.a",
                "expressions": {
                    "secret": [
                        {"value": {"references": ["azurerm_container_registry.acr[0].admin_password"]}}
                    ]
                },
            }
        ],
    }
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan(change("azurerm_container_registry", "acr", VALUES), root=root)), "utf-8")
    reading = read_terraform([path], Wanted(), now=NOW)
    reads, _ = found(reading, "credentialReads", "plan.json")
    assert sorted(row["in"] for row in reads) == ["azurerm_container_app.a.secret.value", "outputs.p"]
    given, _ = found(reading, "outputSecrets", "plan.json")
    assert [row["name"] for row in given] == ["p"]


def test_json_files_are_looked_at_too(tmp_path):
    """A password that is read in JSON syntax, and one that is written down in it."""
    content = {
        "locals": {"p": "${azurerm_container_registry.acr.admin_password}"},
        "resource": {
            "azurerm_linux_web_app": {"w": {"app_settings": {"DOCKER_REGISTRY_SERVER_PASSWORD": "hunter4"}}},
        },
    }
    reading = read(tmp_path, {"main.tf": registry(), "more.tf.json": json.dumps(content)})
    assert len(found(reading, "credentialReads", "more.tf.json")[0]) == 1
    assert len(found(reading, "literalCredentials", "more.tf.json")[0]) == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('provider "docker" {\n  registry_auth {\n    password = "hunter2"\n  }\n}\n', "password"),
        ('provider "azurerm" {\n  client_secret = "hunter2"\n}\n', "client_secret"),
        ('resource "azurerm_container_app" "a" {\n  secret {\n    name = "p"\n    value = "hunter2"\n  }\n}\n', "value"),
        ('resource "azurerm_key_vault_secret" "s" {\n  value = "hunter2"\n}\n', "value"),
        ('resource "helm_release" "h" {\n  set_sensitive {\n    name = "x"\n    value = "hunter2"\n  }\n}\n', "value"),
        ('locals {\n  pw = "hunter2"\n}\nresource "x_y" "z" {\n  docker_registry_password = local.pw\n}\n', "docker_registry_password"),
    ],
)  # fmt: skip
def test_credentials_in_other_places(tmp_path, text, name):
    """In providers, in what holds secrets whatever their names, and by way of a local value."""
    (row,), _ = found(read(tmp_path, registry() + text), "literalCredentials")
    assert row["name"] == name
    assert "hunter2" not in json.dumps(row)


def test_a_whole_registry_that_is_given_out(tmp_path):
    """An output of all attributes gives the password with them; one of a single attribute does not."""
    text = 'output "all" {\n  value = azurerm_container_registry.acr\n}\noutput "in" {\n  value = { reg = azurerm_container_registry.acr }\n}\n'
    text += 'output "server" {\n  value = { s = azurerm_container_registry.acr.login_server }\n}\noutput "first" {\n  value = azurerm_container_registry.acr[0].id\n}\n'
    given, _ = found(read(tmp_path, registry() + text), "outputSecrets")
    assert [row["name"] for row in given] == ["all", "in"]
