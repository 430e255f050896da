#!/usr/bin/env bash
# Puts files of packed messages into a daemon's spool directory, waits and prints their reports.
#
#     mycelia-spore run --source dir:/var/spool/mycelia-spore
#     mycelia-spore encode site.yaml >site.bin
#     spool.sh /var/spool/mycelia-spore site.bin
#
# Ends with 1 when a website is not as asked.
set -euo pipefail

if [[ $# -lt 2 ]]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
fi
spool=$1
shift

# Waits until the daemon has put a file away; says where.
place() {
  local name=$1 place
  while true; do
    for place in "done" failed; do
      if [[ -e $spool/$place/$name ]]; then
        echo "$place"
        return
      fi
    done
    sleep 0.1
  done
}

status=0
for file in "$@"; do
  name=$(date +%s%N)-$$-$(basename "$file")
  # The daemon leaves names with a dot in front alone; renaming shows the file to it whole.
  cp "$file" "$spool/.$name"
  mv "$spool/.$name" "$spool/$name"
  found=$(place "$name")
  cat "$spool/$found/$name.report.json"
  if [[ $found == failed ]]; then status=1; fi
done
exit "$status"
