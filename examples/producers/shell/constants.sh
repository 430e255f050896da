#!/usr/bin/env bash
# Sends constants of a Cap'n Proto file, each of type SporeConfig.
#
#     mycelia-spore schema schema
#     constants.sh schema sites.capnp blog docs | mycelia-spore
#
# `mycelia-spore encode sites.capnp:blog sites.capnp:docs` does the same and checks each message as well.
# Of a constant with a fault `capnp eval` writes what it has understood before it ends with an error. So the
# stream is kept back until all of it is there.
set -euo pipefail

if [[ $# -lt 3 ]]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
fi
schema=$1 file=$2
shift 2

stream=$(mktemp)
trap 'rm -f "$stream"' EXIT
for constant in "$@"; do
  capnp eval --packed -I "$schema" "$file" "$constant" >>"$stream"
done
cat "$stream"
