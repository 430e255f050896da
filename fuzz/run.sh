#!/usr/bin/env bash
# Looks for bytes that the decoding of streams cannot bear, guided by coverage: on stable Rust, with the
# compiler's own instrumentation and libFuzzer, which `libfuzzer-sys` brings along (it needs a C++ compiler).
#
# Usage: fuzz/run.sh [SECONDS] [CORPUS]   (60 seconds; fuzz/corpus, which is made when it is not there)
#
# What breaks it is left in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds=${1:-60}
corpus=${2:-corpus}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
host=$(rustc -vV | sed -n 's/^host: //p')

# With `--target`, build scripts and macros are left as they are.
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Clink-dead-code -Ccodegen-units=1" \
  cargo build --release --target "$host"

mkdir -p "$corpus" artifacts
# Whole messages to begin with, where there is a compiler of them.
if command -v capnp >/dev/null; then
  for text in seeds/*.txt; do
    seed=$corpus/$(basename "$text" .txt)
    capnp encode --packed ../schema/spore.capnp SporeConfig <"$text" >"$seed"
  done
fi
exec "$CARGO_TARGET_DIR/$host/release/decode" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=512 \
  -max_len=8192 -artifact_prefix=artifacts/ -print_final_stats=1 "$corpus"
