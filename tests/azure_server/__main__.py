"""`python -m tests.azure_server`: run the loopback Azure by hand and print the environment for `acrscan`."""

from __future__ import annotations

import argparse
import shlex
import time

from tests.azure_server import running
from tests.azure_server.faults import NAMED
from tests.azure_server.state import State


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.azure_server", description=__doc__)
    parser.add_argument(
        "--registries", type=int, default=0, help="made-up registries beside the sample estate"
    )
    parser.add_argument(
        "--subscriptions", type=int, default=10, help="subscriptions that they are spread over"
    )
    parser.add_argument("--page", type=int, default=100, help="rows of a page")
    parser.add_argument("--bucket", type=int, default=250, help="reads that a subscription may make at once")
    parser.add_argument(
        "--refill", type=float, default=25.0, help="reads that it may make per second after that"
    )
    parser.add_argument("--quota", type=int, default=10_000, help="queries of Resource Graph in five seconds")
    parser.add_argument("--fault", action="append", default=[], choices=sorted(NAMED), help="what goes wrong")
    given = parser.parse_args()
    state = State(given.registries, given.subscriptions)
    limits = {"bucket": given.bucket, "refill": given.refill, "quota": given.quota}
    with running(state, page=given.page, **limits) as azure:
        for name in given.fault:
            azure.faults.extend(NAMED[name]())
        for name, value in azure.env.items():
            print(f"export {name}={shlex.quote(value)}", flush=True)  # noqa: T201
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print()  # noqa: T201


if __name__ == "__main__":
    main()
