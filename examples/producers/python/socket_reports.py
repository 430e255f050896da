#!/usr/bin/env python3
"""Makes a website of each folder below a directory, by the socket of a running daemon, and prints the reports.

    mycelia-spore schema schema
    mycelia-spore run --source unix:/run/mycelia-spore/spore.sock --source-root /srv/sites
    pip install pycapnp
    socket_reports.py schema /run/mycelia-spore/spore.sock /srv/sites

Ends with 1 when a website is not as asked, or when the daemon went away before its last report.
"""

import socket
import sys
import threading
from pathlib import Path

import capnp
from publish import config
from reports import GOOD


def send(connection, messages):
    """Sends all messages and tells that no more will come."""
    for message in messages:
        connection.sendall(message.to_bytes_packed())
    connection.shutdown(socket.SHUT_WR)


def main(schema, path, sites):
    spore = capnp.load(str(Path(schema, "spore.capnp")), imports=[schema])
    report = capnp.load(str(Path(schema, "report.capnp")), imports=[schema])
    folders = sorted(folder for folder in Path(sites).resolve().iterdir() if folder.is_dir())
    messages = [config(spore, folder) for folder in folders]
    good = True
    count = 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(b"mycelia-spore reports\n")
        # Reports are read while messages are sent: the daemon reads no further when too many wait for us.
        sending = threading.Thread(target=send, args=(connection, messages))
        sending.start()
        for answer in report.SporeReport.read_multiple_packed(connection.makefile("rb", 0)):
            said = answer.error.message if answer._has("error") else " ".join(answer.urls)
            print(answer.seq, answer.site, answer.outcome, said)
            good = good and str(answer.outcome) in GOOD
            count += 1
        sending.join()
    return 0 if good and count == len(messages) else 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
