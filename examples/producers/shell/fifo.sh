#!/usr/bin/env bash
# Makes a website of each folder below a directory, by the named pipe of a running daemon.
#
#     mycelia-spore run --source fifo:/run/mycelia-spore/pipe --source-root /srv/sites
#     fifo.sh schema /srv/sites /run/mycelia-spore/pipe
#
# The daemon takes what one writer sends until it closes the pipe for one stream. Two that write at the same
# time would run into each other, so writers take turns by a lock file.
set -euo pipefail

if [[ $# -ne 3 ]]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
fi
if [[ ! -p $3 ]]; then
  echo "$3 is no fifo: is the daemon running?" >&2
  exit 1
fi

stream=$(mktemp)
trap 'rm -f "$stream"' EXIT
"$(dirname "${BASH_SOURCE[0]}")/publish.sh" "$1" "$2" >"$stream"
exec {lock}>"$3.lock"
flock "$lock"
cat "$stream" >"$3"
