#!/usr/bin/env bash
# Lets outside judges look at a rendered site: html-validate and the Nu checker read its pages, axe-core and
# Lighthouse open them in Chromium. Exit status 0 when none finds a fault, 1 when one does, 69 when a tool
# is missing.
#
#   judge_page.sh DIR [OUT]     judges DIR; reports and pictures go to OUT
#   judge_page.sh --self-test   proves that each judge passes a sound page and finds the faults of a spoiled one
#
# Needs node 20 with npm, java 17 (default-jre-headless) and chromium. What comes from npm is installed
# once, at the versions of judge/package-lock.json, to SPORE_JUDGE_CACHE (target/judge).
set -euo pipefail
shopt -s nullglob

here=$(dirname "$(realpath "$0")")
cache=$(realpath -m "${SPORE_JUDGE_CACHE:-$here/../target/judge}")
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

need_tools() {
  local missing=0
  for tool in node npm java; do
    command -v "$tool" >/dev/null || { echo "!! judge_page.sh: $tool is MISSING: nothing was judged" >&2; missing=1; }
  done
  CHROME_PATH=${CHROME_PATH:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
  [ -n "$CHROME_PATH" ] || { echo "!! judge_page.sh: chromium is MISSING: nothing was judged" >&2; missing=1; }
  [ "$missing" = 0 ] || exit 69
  # --no-sandbox: Chromium refuses to run as root with its sandbox, and the pages are our own.
  CHROME_FLAGS="--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
  export CHROME_PATH CHROME_FLAGS
}

install_judges() {
  mkdir -p "$cache"
  cp "$here"/judge/*.mjs "$here"/judge/package.json "$cache/"
  if ! cmp -s "$here/judge/package-lock.json" "$cache/installed.json"; then
    cp "$here/judge/package-lock.json" "$cache/"
    (cd "$cache" && PUPPETEER_SKIP_DOWNLOAD=1 npm ci --ignore-scripts --no-audit --no-fund) >&2
    cp "$here/judge/package-lock.json" "$cache/installed.json"
  fi
}

serve() {
  node "$cache/serve.mjs" "$1" >"$work/port" &
  server=$!
  for _ in $(seq 50); do
    [ -s "$work/port" ] && break
    sleep 0.1
  done
  url=http://127.0.0.1:$(cat "$work/port")/
}

judge_html_validate() {
  (cd "$cache" && node_modules/.bin/html-validate --preset standard,a11y "$1"/*.html)
}

judge_vnu() {
  java -Xss1m -jar "$(find "$cache/node_modules/vnu-jar" -name vnu.jar | head -n 1)" --Werror --also-check-svg "$1"/*.html "$1"/*.svg
}

judge_axe() {
  local fault=0
  node "$cache/page.mjs" "$url" "$out/page" || fault=1
  if [ -f "$1/404.html" ]; then
    node "$cache/page.mjs" "${url}no/such/page" "$out/404" || fault=1
  fi
  return $fault
}

lighthouse() {
  local preset=()
  [ "$1" = mobile ] || preset=(--preset="$1")
  "$cache/node_modules/.bin/lighthouse" "$url" --quiet --output=json --output-path="$out/lighthouse-$1.json" "${preset[@]}" \
    --no-enable-error-reporting --throttling-method=simulate \
    --only-categories=performance,accessibility,best-practices,seo --chrome-flags="$CHROME_FLAGS" || return 1
  node "$cache/gate.mjs" "$out/lighthouse-$1.json" "$1"
}

judge_lighthouse() {
  local fault=0 status
  for form in mobile desktop; do
    status=0
    lighthouse "$form" || status=$?
    if [ "$status" = 3 ]; then
      echo "  slow: once more, as a busy machine makes pages slow"
      status=0
      lighthouse "$form" || status=$?
    fi
    [ "$status" = 0 ] || fault=1
  done
  return $fault
}

# Runs every judge on a folder; names those that found a fault in `failed`.
judge_all() {
  failed=
  serve "$1"
  for judge in html_validate vnu axe lighthouse; do
    echo "== $judge: $1"
    if "judge_$judge" "$1"; then echo "  good"; else echo "  FAULTY"; failed="$failed $judge"; fi
  done
  kill "$server"
  server=
}

# Two pages that differ only in faults that every judge should know.
control_pages() {
  mkdir -p "$work/sound" "$work/spoiled"
  cat >"$work/sound/index.html" <<'HTML'
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Control</title>
<meta name="description" content="A page to try the judges on">
<link rel="icon" href="/sign.svg" type="image/svg+xml">
<style>a { display: inline-block; padding: 1rem; color: #036 }</style>
</head>
<body>
<main>
<h1>Control</h1>
<img src="/sign.svg" width="40" height="40" alt="A square">
<p>Some words.</p>
<a href="/">The first page</a>
</main>
</body>
</html>
HTML
  cat >"$work/sound/sign.svg" <<'SVG'
<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" viewBox="0 0 40 40"><path d="M0 0h40v40H0z"/></svg>
SVG
  cp "$work/sound/sign.svg" "$work/spoiled/"
  sed -e 's/ lang="en"//' -e 's/ alt="A square"//' -e '/name="description"/d' -e 's/#036/#bbb/' \
    "$work/sound/index.html" >"$work/spoiled/index.html"
}

self_test() {
  control_pages
  out=$work
  judge_all "$work/sound"
  [ -z "$failed" ] || { echo "!! self-test: a sound page was found faulty by:$failed" >&2; return 1; }
  judge_all "$work/spoiled"
  if [ "$failed" != " html_validate vnu axe lighthouse" ]; then
    echo "!! self-test: only these judges found the spoiled page faulty:$failed" >&2
    return 1
  fi
  echo "self-test: no judge found a fault in the sound page, and each found the spoiled one faulty"
}

need_tools
install_judges
if [ "${1:-}" = --self-test ]; then
  self_test
  exit
fi
folder=$(realpath "${1:?usage: judge_page.sh DIR [OUT] | --self-test}")
out=$(realpath -m "${2:-$work/out}")
mkdir -p "$out"
judge_all "$folder"
[ -z "$failed" ] || { echo "!! $folder: faults found by:$failed" >&2; exit 1; }
echo "$folder: no judge found a fault"
