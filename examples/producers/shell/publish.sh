#!/usr/bin/env bash
# Makes a website of each folder below a directory, by the text form of `capnp encode`.
#
#     mycelia-spore schema schema
#     publish.sh schema /srv/sites | mycelia-spore --source-root /srv/sites
#
# Of a value with a fault `capnp encode` writes what it has understood before it ends with an error. So the
# stream is kept back until all of it is there.
set -euo pipefail

if [[ $# -ne 2 ]]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
fi
schema=$1
sites=$(realpath "$2")

# A text in quotes, as Cap'n Proto writes them.
quoted() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# One value for each folder.
values() {
  local folder
  for folder in "$sites"/*/; do
    folder=${folder%/}
    cat <<TEXT
(
  schemaVersion = 1,
  minReaderVersion = 1,
  site = (id = $(quoted "$(basename "$folder")"), kind = docs),
  repo = (provider = directory, path = $(quoted "$folder")),
  build = (type = staticPrebuilt),
  hosting = (provider = localStatic)
)
TEXT
  done
}

stream=$(mktemp)
trap 'rm -f "$stream"' EXIT
values | capnp encode --packed "$schema/spore.capnp" SporeConfig >"$stream"
cat "$stream"
