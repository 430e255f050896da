#!/usr/bin/env python3
"""Prints what became of each message.

    publish.py schema /srv/sites | mycelia-spore run --output capnp | reports.py schema

Ends with 1 when a website is not as asked.
"""

import sys
from pathlib import Path

import capnp

GOOD = {"applied", "unchanged", "planned", "superseded", "absent", "paused", "valid"}


def main(schema):
    report = capnp.load(str(Path(schema, "report.capnp")), imports=[schema])
    good = True
    for message in report.SporeReport.read_multiple_packed(sys.stdin.buffer):
        said = message.error.message if message._has("error") else " ".join(message.urls)
        print(message.seq, message.site, message.outcome, said)
        good = good and str(message.outcome) in GOOD
    return 0 if good else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
