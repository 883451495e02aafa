"""Terraform: a module folder of 35 files and a large plan, read and evaluated, against parsing alone; see README.md.

Usage: python benchmarks/terraform.py. The folder is made anew: variables with nested types, locals, dynamic blocks, three local
modules, each with its children, as published modules of registries have them.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scanner import pipeline  # noqa: E402
from scanner.data import policies  # noqa: E402
from scanner.inventory.terraform.collecting import Wanted, read_terraform  # noqa: E402
from scanner.inventory.terraform.parse import parse  # noqa: E402
from scanner.inventory.terraform.syntax import Source  # noqa: E402
from scanner.language.pack import load_pack  # noqa: E402

NOW = "2026-11-26T00:00:00Z"

VARIABLES = """
variable "name{n}" {{
  type    = string
  default = "acr{n}"
  validation {{
    condition     = can(regex("^[a-zA-Z0-9]{{5,50}}$", var.name{n}))
    error_message = "The name must be 5 to 50 letters and digits."
  }}
}}
variable "replicas{n}" {{
  type = map(object({{
    zones  = optional(bool, true)
    tags   = optional(map(string), {{}})
    routed = optional(bool, true)
  }}))
  default = {{ northeurope = {{}}, uksouth = {{ zones = false }} }}
}}
locals {{
  ranges{n} = distinct(flatten([for one in range(8) : [format("10.%d.0.0/16", one), cidrsubnet("192.168.0.0/16", 8, one)]]))
  tags{n}   = merge({{ module = "m{n}" }}, {{ for k, v in var.replicas{n} : "replica_${{k}}" => tostring(v.zones) if v.zones }})
}}
"""

REGISTRY = """
variable "name" {{ type = string }}
variable "replicas" {{ type = any }}
variable "ranges" {{ type = list(string) }}
variable "tags" {{ type = map(string) }}
resource "azurerm_container_registry" "this" {{
  name                          = var.name
  resource_group_name           = "rg"
  location                      = "westeurope"
  sku                           = "Premium"
  public_network_access_enabled = true
  tags                          = var.tags
  dynamic "georeplications" {{
    for_each = var.replicas
    content {{
      location                = georeplications.key
      zone_redundancy_enabled = georeplications.value.zones
    }}
  }}
  network_rule_set {{
    default_action = "Deny"
    dynamic "ip_rule" {{
      for_each = var.ranges
      content {{
        action   = "Allow"
        ip_range = ip_rule.value
      }}
    }}
  }}
}}
resource "azurerm_container_registry_scope_map" "this" {{
  for_each                = toset(["ci", "cd", "edge"])
  name                    = each.key
  container_registry_name = azurerm_container_registry.this.name
  resource_group_name     = "rg"
  actions                 = ["repositories/${{each.key}}/content/read"]
}}
resource "azurerm_monitor_diagnostic_setting" "this" {{
  name                       = "audit"
  target_resource_id         = azurerm_container_registry.this.id
  log_analytics_workspace_id = "/subscriptions/s/resourceGroups/r/providers/Microsoft.OperationalInsights/workspaces/w"
  enabled_log {{ category_group = "audit" }}
}}
output "id" {{ value = azurerm_container_registry.this.id }}
"""


def build(folder: Path) -> int:
    """Write the folder; gives the number of its files."""
    for number in range(16):
        (folder / f"variables{number}.tf").write_text(VARIABLES.format(n=number), "utf-8")
        module = folder / "modules" / f"acr{number}"
        module.mkdir(parents=True)
        (module / "main.tf").write_text(REGISTRY.format(), "utf-8")
    calls = "".join(
        f'module "acr{n}" {{\n  source = "./modules/acr{n}"\n  name = var.name{n}\n  replicas = var.replicas{n}\n'
        f"  ranges = local.ranges{n}\n  tags = local.tags{n}\n}}\n"
        f'resource "azurerm_management_lock" "l{n}" {{\n  name = "l"\n  scope = module.acr{n}.id\n  lock_level = "CanNotDelete"\n}}\n'
        for n in range(16)
    )
    (folder / "main.tf").write_text(calls, "utf-8")
    (folder / "outputs.tf").write_text(
        "".join(f'output "id{n}" {{\n  value = module.acr{n}.id\n}}\n' for n in range(16)), "utf-8"
    )
    (folder / "terraform.tf").write_text(
        'terraform {\n  required_providers {\n    azurerm = {\n      source = "hashicorp/azurerm"\n      version = "~> 4.81"\n    }\n  }\n}\n',
        "utf-8",
    )
    return len(list(folder.rglob("*.tf")))


def plan(number: int) -> str:
    """A plan with many registries."""
    after = {
        "resource_group_name": "rg", "location": "westeurope", "sku": "Premium", "admin_enabled": False, "georeplications": [],
        "network_rule_set": [{"default_action": "Deny", "ip_rule": [{"action": "Allow", "ip_range": f"10.{n}.0.0/16"} for n in range(10)]}],
    }  # fmt: skip
    changes = [
        {
            "address": f"azurerm_container_registry.a[{n}]", "mode": "managed", "type": "azurerm_container_registry", "name": "a", "index": n,
            "change": {"actions": ["create"], "after": {**after, "name": f"acr{n:05}"}, "after_unknown": {"id": True}, "after_sensitive": {}},
        }
        for n in range(number)
    ]  # fmt: skip
    return json.dumps({"format_version": "1.2", "terraform_version": "1.13.0", "resource_changes": changes})


def median(
    work: Callable[[], object], times: int = 7, clock: Callable[[], float] = time.process_time
) -> float:
    """The median seconds of a work, of this process alone unless the clock says otherwise."""
    found = []
    for _ in range(times):
        start = clock()
        work()
        found.append(clock() - start)
    return statistics.median(found)


def main() -> None:
    """Print one line per measurement."""
    pack = load_pack(policies() / "acr")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "infra"
        folder.mkdir()
        files = build(folder)
        sources = [Source(path.name, path.read_bytes()) for path in folder.rglob("*.tf")]
        parsed = median(lambda: [parse(source) for source in sources])

        def read() -> object:
            return read_terraform([folder], Wanted(), now=NOW).inventory

        seconds = median(read)
        inventory = read_terraform([folder], Wanted(), now=NOW).inventory
        whole = median(lambda: pipeline.scan(pack, inventory, now=NOW, words="b"))
        number = sum(len(part) for part in inventory.parts.values())
        print(
            f"folder of {files} files, {number} resources: {seconds * 1000:.0f} ms to read (budget 300), {seconds / parsed:.1f} x parsing"
        )
        print(f"rules over it: {whole * 1000:.0f} ms")
        command = [
            sys.executable,
            "-m",
            "scanner",
            "scan",
            "--from",
            "terraform",
            str(folder),
            "--exit-zero",
            "--quiet",
        ]
        process = median(
            lambda: subprocess.run(command, check=False, capture_output=True, cwd=ROOT), 3, time.perf_counter
        )
        print(f"scan as a process: {process:.2f} s")
        path = Path(place) / "plan.json"
        path.write_text(plan(2000), "utf-8")
        decoded = median(lambda: json.loads(path.read_text("utf-8")), 3)
        took = median(lambda: read_terraform([path], Wanted(), now=NOW), 3)
        print(
            f"plan of 2,000 registries ({path.stat().st_size / 1e6:.1f} MB): {took:.2f} s, {took / decoded:.0f} x json.loads"
        )


if __name__ == "__main__":
    main()
