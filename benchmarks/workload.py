"""Measures `scan --from workload` on a made-up tree: Dockerfiles, Compose files, manifests, workflows, scripts, and files to pass over.

Usage: python benchmarks/workload.py [files] [rounds] (default 1000, 5). Seconds are those of the processor. The reference composes the same YAML files with the C
loader; reading alone and the whole scan as a process are told apart, and the hostile files are measured one by one.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scanner.inventory.tree import Tree  # noqa: E402
from scanner.inventory.workload.reading import read_workload  # noqa: E402

FILES = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
NOW = "2026-11-26T00:00:00Z"
DOCKERFILE = """ARG REGISTRY=contoso.azurecr.io
FROM ${REGISTRY}/base/node:22 AS build
RUN apt-get update && apt-get install -y curl \\
    && rm -rf /var/lib/apt/lists/*
COPY . .
FROM nginx:1.27
COPY --from=build /app /app
"""
COMPOSE = """services:
  web:
    image: contoso.azurecr.io/web:${TAG:-1}
    volumes: ["./data:/data"]
  db:
    image: postgres:17
"""
MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
        - name: web
          image: contoso.azurecr.io/web:1.4
          securityContext: {privileged: false}
          env: [{name: A, value: "1"}, {name: B, value: "2"}]
---
"""
WORKFLOW = """on: push
env: {REGISTRY: contoso.azurecr.io}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: azure/login@v2
        with: {client-id: a, tenant-id: b, subscription-id: c}
      - name: push
        run: |
          az acr login -n contoso
          for i in 1 2 3; do docker push $REGISTRY/web:${{ github.sha }} && break; done
"""
SCRIPT = """#!/bin/sh
set -eu
REG=contoso.azurecr.io
for name in web api; do
  docker build -t "$REG/$name:$1" "$name"
  docker push "$REG/$name:$1"
done
"""
OTHER = "values:\n" + "".join(f"  key{at}: {{a: {at}, b: [1, 2, 3]}}\n" for at in range(200))
KINDS = (
    ("Dockerfile", DOCKERFILE),
    ("compose.yaml", COMPOSE),
    ("all.yaml", MANIFEST * 10),
    ("ci.yml", WORKFLOW),
    ("push.sh", SCRIPT),
    ("data.yaml", OTHER),
)


def hostile() -> dict[str, str]:
    """Files that are meant to take long, by name."""
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{at}: &a{at} [*a{at - 1}, *a{at - 1}, *a{at - 1}, *a{at - 1}]\n" for at in range(1, 60)
    )
    return {
        "bomb.yaml": f"apiVersion: v1\nkind: Pod\n{bomb}",
        "deep.yaml": "apiVersion: v1\nkind: Pod\nx: " + "[" * 100_000,
        "wide.yaml": "services:\n" + "".join(f"  s{at}: {{image: a:{at}}}\n" for at in range(50_000)),
        "quotes.sh": "docker push '" * 50_000,
        "substitutions.sh": "docker push " + "$(echo " * 50_000,
        "spaces.Dockerfile": "FROM a\nRUN docker push " + " " * 500_000 + "\\\n" * 10_000,
        "names.sh": "".join(f"A{at}=$A{at - 1}x\n" for at in range(1, 20_000)) + "docker push $A19999\n",
    }


def timed(action: Callable[[], object]) -> float:
    """Seconds of processor time of one call, with those of processes that it starts."""
    before = os.times()
    action()
    after = os.times()
    return sum(after[:4]) - sum(before[:4])


def compose_all(folder: Path) -> None:
    """The reference: nodes of the same YAML files."""
    for path in folder.rglob("*.y*ml"):
        list(yaml.compose_all(path.read_text("utf-8"), Loader=yaml.CSafeLoader))


def main() -> None:
    """Take turns and print medians and the ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "tree"
        for at in range(FILES):
            file, text = KINDS[at % len(KINDS)]
            (folder / f"d{at}").mkdir(parents=True)
            (folder / f"d{at}" / file).write_text(text, "utf-8")
        scan = [sys.executable, "-m", "scanner", "scan", "--from", "workload", str(folder), "--exit-zero"]
        rows: dict[str, Callable[[], object]] = {
            "composing the YAML files": lambda: compose_all(folder),
            "reading the tree": lambda: read_workload(Tree.of([folder]), now=NOW),
            "scan as a process": lambda: subprocess.run(
                scan, cwd=ROOT, check=True, stdout=subprocess.DEVNULL
            ),
        }
        found: dict[str, list[float]] = {row: [] for row in rows}
        for _ in range(ROUNDS):
            for row, action in rows.items():
                found[row].append(timed(action))
        medians = {row: statistics.median(times) for row, times in found.items()}
        for row, seconds in medians.items():
            print(f"{row:<32} {seconds:8.3f} s")
        print(
            f"{'reading, of composing':<32} {medians['reading the tree'] / medians['composing the YAML files']:8.2f} x"
        )
        for file, text in hostile().items():
            path = Path(name) / file
            path.write_text(text, "utf-8")
            seconds = timed(partial(read_workload, Tree.of([path]), now=NOW))
            print(f"{file:<32} {seconds:8.3f} s  {len(text):>9,} characters")


if __name__ == "__main__":
    main()
