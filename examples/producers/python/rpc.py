#!/usr/bin/env python3
"""Asks a running daemon to make a website of each folder below a directory, and prints each report.

    mycelia-spore run --source-root /srv/sites --source dir:/run/spool --rpc unix:/run/spore-rpc.sock
    mycelia-spore schema schema
    pip install pycapnp
    rpc.py schema /srv/sites /run/spore-rpc.sock

All messages are sent at once; the reports come back as they are done.  Ends with 1 when a website is not
as asked.
"""

import asyncio
import sys
from pathlib import Path

import capnp

GOOD = {"applied", "unchanged", "superseded", "absent", "paused"}


async def apply(daemon, spore, folder):
    """Sends the message of one folder of ready-made files; whether its website is as asked."""
    request = daemon.apply_request()
    message = request.config
    message.schemaVersion = 1
    message.minReaderVersion = 1
    message.site.id = folder.name
    message.site.kind = "docs"
    message.repo.provider = "directory"
    message.repo.path = str(folder)
    message.build.type = "staticPrebuilt"
    message.hosting.provider = "localStatic"
    report = (await request.send()).report
    print(report.site, report.outcome, *report.urls, flush=True)
    for fault in report.faults:
        print(f"  {fault.path}: {fault.message}", file=sys.stderr)
    return str(report.outcome) in GOOD


async def main(schema, sites, socket):
    spore = capnp.load(str(Path(schema, "daemon.capnp")), imports=[schema])
    connection = await capnp.AsyncIoStream.create_unix_connection(socket)
    daemon = capnp.TwoPartyClient(connection).bootstrap().cast_as(spore.Spore)
    folders = sorted(path for path in Path(sites).resolve().iterdir() if path.is_dir())
    good = await asyncio.gather(*(apply(daemon, spore, folder) for folder in folders))
    return 0 if all(good) else 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(asyncio.run(capnp.run(main(*sys.argv[1:]))))
