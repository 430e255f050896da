#!/usr/bin/env python3
"""Makes a website of each folder below a directory.

    mycelia-spore schema schema
    pip install pycapnp
    publish.py schema /srv/sites | mycelia-spore --source-root /srv/sites

One message for each folder goes to standard output, packed and back to back.
"""

import sys
from pathlib import Path

import capnp


def config(spore, folder):
    """The message of one folder of ready-made files."""
    message = spore.SporeConfig.new_message()
    message.schemaVersion = 1
    message.minReaderVersion = 1
    message.site.id = folder.name
    message.site.title = folder.name.replace("-", " ").capitalize()
    message.site.kind = "docs"
    message.repo.provider = "directory"
    message.repo.path = str(folder)
    message.build.type = "staticPrebuilt"
    message.hosting.provider = "localStatic"
    return message


def main(schema, sites):
    spore = capnp.load(str(Path(schema, "spore.capnp")), imports=[schema])
    folders = sorted(path for path in Path(sites).resolve().iterdir() if path.is_dir())
    for folder in folders:
        config(spore, folder).write_packed(sys.stdout.buffer)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
