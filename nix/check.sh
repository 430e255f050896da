#!/usr/bin/env bash
# Checks the flake with no network and no nixpkgs: the inputs are replaced by the stand-ins in nix/ci.
# Works on a copy in a temporary folder with a store of its own, and leaves nothing behind.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: nix/check.sh [--compile] [--allow-missing]

  --compile        also compile the filtered source and run the package's install step, with the
                   installed cargo and $CARGO_TARGET_DIR (default: target)
  --allow-missing  succeed when nix is not installed
TEXT
}

compile=false
allow_missing=false
for argument in "$@"; do
  case $argument in
    --compile) compile=true ;;
    --allow-missing) allow_missing=true ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if ! command -v nix >/dev/null; then
  echo "NIX IS NOT INSTALLED: nothing of the flake was checked (Debian: apt-get install nix-bin)" >&2
  if $allow_missing; then exit 0; else exit 1; fi
fi

scratch=$(mktemp -d)
clean_up() {
  chmod -R u+w "$scratch" # A store's folders are read-only.
  rm -rf "$scratch"
}
trap clean_up EXIT
copy=$scratch/flake
log=$scratch/log
real_home=$HOME
export HOME=$scratch/home NIX_REMOTE=$scratch/store
export NIX_CONFIG='experimental-features = nix-command flakes
sandbox = false
build-users-group =
substituters =
warn-dirty = false'
mkdir "$copy" "$HOME"

# Copies what Nix would see of this folder: the tracked files of a git work tree, else every file.
copy_tree() {
  cd "$root"
  if git ls-files --error-unmatch flake.nix >/dev/null 2>&1; then
    git ls-files -z | while IFS= read -r -d '' file; do
      if [[ -e $file || -L $file ]]; then printf '%s\0' "$file"; fi
    done | tar -c --null --verbatim-files-from -T - | tar -x -C "$copy"
  else
    tar -c --exclude=./target --exclude=./fuzz/target --exclude=./result --exclude=./.git . | tar -x -C "$copy"
  fi
  cd "$copy"
}

passed=0
failed=0
check() {
  local title=$1 status
  shift
  set +e # Not `if (...)`: within a condition the shell ignores errexit.
  (set -e; "$@") >"$log" 2>&1
  status=$?
  set -e
  if [[ $status -eq 0 ]]; then
    passed=$((passed + 1))
    echo "ok      $title"
  else
    failed=$((failed + 1))
    echo "FAILED  $title"
    # Without what Nix says of each replaced input.
    sed -E "/not writing modified lock|^• Updated input|^ +(→ )?'(github|path):/d; s/^/        /" "$log"
  fi
}

with_stubs() {
  nix "$@" --no-write-lock-file \
    --override-input nixpkgs "path:$copy/nix/ci/stub-nixpkgs" \
    --override-input crane "path:$copy/nix/ci/stub-crane"
}

# Newer releases of Nix look at other systems only when told to, older ones do not know the flag.
with_stubs_all_systems() {
  if with_stubs "$@" --all-systems 2>"$scratch/flag"; then return; fi
  if grep -q "unrecognised flag '--all-systems'" "$scratch/flag"; then
    with_stubs "$@"
  else
    cat "$scratch/flag" >&2
    return 1
  fi
}

# Succeeds if the Nix expression is true; `lock` and `inputs` are at hand in it.
holds() {
  local value
  value=$(nix eval --impure --expr "
    let
      lock = builtins.fromJSON (builtins.readFile $copy/flake.lock);
      inherit (import $copy/flake.nix) inputs;
      locked = builtins.attrValues (removeAttrs lock.nodes [ lock.root ]);
    in $1")
  [[ $value == true ]] || { echo "this does not hold: $1"; return 1; }
}

every_file_parses() {
  find . -name '*.nix' -print0 | xargs -0 -n 1 nix-instantiate --parse >/dev/null
}

lock_in_step() {
  # An input that the lock does not know would have to be fetched, which is refused.
  timeout 60 nix flake metadata --no-update-lock-file "path:$copy"
}

promised() {
  local system name
  for system in aarch64-linux x86_64-linux; do
    for name in apps.SYSTEM.default checks.SYSTEM.{clippy,deny,doc,fmt,nextest,package} \
      devShells.SYSTEM.default formatter.SYSTEM packages.SYSTEM.{default,mycelia-spore}; do
      echo "${name/SYSTEM/$system}"
    done
  done
  echo nixosModules.default
  echo overlays.default
}

shows_promised_outputs() {
  with_stubs_all_systems flake show --json "path:$copy" >"$scratch/show.json"
  nix eval --impure --raw --expr "
    let
      paths = prefix: value:
        if value ? type then [ prefix ]
        else builtins.concatMap (name: paths (prefix + \".\" + name) value.\${name}) (builtins.attrNames value);
      shown = builtins.fromJSON (builtins.readFile $scratch/show.json);
    in builtins.concatStringsSep \"\n\" (builtins.concatMap (name: paths name shown.\${name}) (builtins.attrNames shown) ++ [ \"\" ])
  " | sort >"$scratch/shown"
  diff <(promised | sort) "$scratch/shown"
}

# Forces everything to the last argument, for both systems and whatever the release of Nix.
evaluates_for_every_system() {
  local set
  for set in packages checks devShells; do
    with_stubs eval --json "path:$copy#$set" \
      --apply 'builtins.mapAttrs (_system: builtins.mapAttrs (_name: output: output.drvPath))'
  done
  with_stubs eval --json "path:$copy#formatter" --apply 'builtins.mapAttrs (_system: output: output.drvPath)'
  with_stubs eval --json "path:$copy#apps" --apply 'builtins.mapAttrs (_system: apps: apps.default.program)'
}

overlay_adds_the_package() {
  local name
  name=$(with_stubs eval --raw "path:$copy#overlays.default" --apply "overlay:
    let packages = ((import $copy/nix/ci/stub-nixpkgs/flake.nix).outputs { self = { }; }).legacyPackages.x86_64-linux;
    in (overlay (packages // { added = true; }) packages).mycelia-spore.meta.mainProgram" --impure)
  [[ $name == mycelia-spore ]]
}

# Prints what the NixOS module makes of some options, by an expression about the result `made`.
module_makes() {
  with_stubs eval --json --impure "path:$copy#nixosModules.default" --apply "module:
    let
      packages = ((import $copy/nix/ci/stub-nixpkgs/flake.nix).outputs { self = { }; }).legacyPackages.x86_64-linux;
      made = packages.lib.evaluate packages module ($1);
    in $2" && echo
}

module_refuses() {
  if module_makes "$1" made >"$scratch/made" 2>&1; then
    echo "this was taken: $1"
    return 1
  fi
  grep -Fq "$2" "$scratch/made" || { cat "$scratch/made"; return 1; }
}

module_makes_the_service() {
  local package service socket
  package=$(with_stubs eval --raw "path:$copy#packages.x86_64-linux.default")
  [[ $(module_makes '{ }' made) == '{}' ]]
  service='with made.systemd.services.mycelia-spore; [ serviceConfig.ExecStart serviceConfig.LoadCredential reloadTriggers ]'
  diff <(module_makes '{ enable = true; }' "$service") - <<TEXT
[["","[\"$package/bin/mycelia-spore\",\"--log\",\"info\",\"run\",\"--source\",\"unix:/run/mycelia-spore/spore.sock\"]"],[],["{\"credentials\":{}}"]]
TEXT
  diff <(module_makes '{
    enable = true;
    jobs = 3;
    serve = "127.0.0.1:8080";
    sources = [ "dir:/var/spool/spore" ];
    socket.enable = false;
    credentials.farm = "/run/secrets/farm";
    settings.credentials.other.env = "OTHER";
    settings.policy.adopt = true;
  }' "$service") - <<TEXT
[["","[\"$package/bin/mycelia-spore\",\"--log\",\"info\",\"run\",\"--source\",\"dir:/var/spool/spore\",\"--serve\",\"127.0.0.1:8080\"]"],["farm:/run/secrets/farm"],["{\"credentials\":{\"farm\":{\"systemd\":\"farm\"},\"other\":{\"env\":\"OTHER\"}},\"jobs\":3,\"policy\":{\"adopt\":true}}"]]
TEXT
  socket=$(module_makes '{ enable = true; socket.mode = "0660"; socket.group = "web"; }' made.systemd.sockets)
  [[ $socket == *'"listenStreams":["","/run/mycelia-spore/spore.sock"]'*'"SocketGroup":"web","SocketMode":"0660"'* ]]
  [[ $(module_makes '{ enable = true; }' '(builtins.head made.systemd.packages).outPath') == "\"$package\"" ]]
}

module_refuses_nonsense() {
  module_refuses '{ enable = true; sources = [ ]; socket.enable = false; }' 'no message would ever come'
  module_refuses '{ enable = true; sources = [ "stdin" ]; }' 'nobody would read'
  module_refuses '{ enable = true; credentials.a = builtins.storeDir + "/a"; }' 'which everybody may read'
  module_refuses '{ enable = true; jobs = 0; }' 'jobs is not'
  module_refuses '{ enable = true; job = 1; }' 'there is no option'
}

# The units that the module builds on are those of the package; the paths of the socket are the same.
module_and_units_agree() {
  local socket
  socket=$(sed -n 's/^ListenStream=//p' packaging/systemd/mycelia-spore.socket)
  [[ $(module_makes '{ enable = true; }' made.systemd.sockets.mycelia-spore.listenStreams) == "[\"\",\"$socket\"]" ]]
}

# Prints the folder that holds the source as the package gets it.
filtered_source() {
  local path
  path=$(with_stubs eval --raw "path:$copy#packages.x86_64-linux.default.arguments.src")
  if [[ -e $scratch/store$path ]]; then path=$scratch/store$path; fi
  echo "$path"
}

# What no build and no test reads; all the rest must reach them.
unneeded='^\./(flake\.(nix|lock)|nix/.*|\.ci/.*|\.envrc|\.editorconfig|\.git(ignore|attributes))$'

source_is_whole() {
  local source file
  source=$(filtered_source)
  (cd "$source" && find . ! -type d | sort) >"$scratch/kept"
  diff <(find . ! -type d | grep -Ev "$unneeded" | sort) "$scratch/kept"
  for file in Cargo.toml Cargo.lock build.rs LICENSE deny.toml schema/spore.{capnp,req} src/{lib,main}.rs; do
    grep -Fxq "./$file" "$scratch/kept" || { echo "missing: $file"; return 1; }
  done
}

cargo_in_source() {
  local folder=$1
  shift
  (cd "$folder" && HOME=$real_home "$@")
}

# The package is built without the capnp compiler, hence from the committed schema/spore.req.
source_compiles() {
  local source
  source=$(filtered_source)
  cargo_in_source "$source" env SPORE_SCHEMA_FROM_REQ=1 cargo check --locked --all-targets
  cargo_in_source "$source" env SPORE_SCHEMA_FROM_REQ=1 cargo build --locked
}

# Runs the package's postInstall with stand-ins for the two functions of nixpkgs' installShellFiles.
install_step_works() {
  local out=$scratch/out file
  with_stubs eval --raw "path:$copy#packages.x86_64-linux.default.arguments.postInstall" >"$scratch/install"
  mkdir -p "$out/bin" "$scratch/work"
  cp "$CARGO_TARGET_DIR/debug/mycelia-spore" "$out/bin/"
  cp -r "$(filtered_source)/." "$scratch/work"
  chmod -R u+w "$scratch/work"
  (
    cd "$scratch/work"
    export out scratch
    # shellcheck disable=SC2016 # The script is expanded by the inner shell.
    bash -euo pipefail -c '
      installShellCompletion() {
        local file
        for file in "$@"; do if [[ -f $file ]]; then install -D -t "$out/share/completions" "$file"; fi; done
      }
      installManPage() { install -D -t "$out/share/man/man1" "$@"; }
      wrapProgram() { [[ -x $1 && $* == *" --suffix PATH : "*bubblewrap*git*util-linux* ]]; }
      source "$scratch/install"'
  )
  for file in completions/mycelia-spore.{bash,zsh,fish} man/man1/mycelia-spore.1 doc/mycelia-spore/LICENSE \
    mycelia-spore/schema/spore.{capnp,req}; do
    [[ -s $out/share/$file ]] || { echo "empty or missing: share/$file"; return 1; }
  done
  [[ -s $out/lib/systemd/system/mycelia-spore.socket ]]
  grep -q "^ExecStart=$out/bin/mycelia-spore run" "$out/lib/systemd/system/mycelia-spore.service"
}

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
copy_tree
check "every .nix file parses" every_file_parses
check "the lock knows exactly the inputs of flake.nix" \
  holds "builtins.attrNames inputs == builtins.attrNames lock.nodes.\${lock.root}.inputs"
check "every locked input has a revision and a hash" holds 'builtins.all (node:
  builtins.match "[0-9a-f]{40}" node.locked.rev != null
  && builtins.match "sha256-[A-Za-z0-9+/]{43}=" node.locked.narHash != null) locked'
check "the lock is in step with flake.nix" lock_in_step
check "nix flake check --no-build, with stand-ins for the inputs" \
  with_stubs_all_systems flake check --no-build "path:$copy"
check "nix flake show has the promised outputs, for both systems" shows_promised_outputs
check "every output evaluates for both systems" evaluates_for_every_system
check "the overlay adds the package" overlay_adds_the_package
check "the NixOS module makes the service of the package's units" module_makes_the_service
check "the NixOS module refuses what cannot work" module_refuses_nonsense
check "the NixOS module and the units name the same socket" module_and_units_agree
check "the source filter keeps every file that a build or a test may read" source_is_whole
if $compile; then
  check "the filtered source compiles, tests included" source_compiles
  check "the package's install step leaves schema, completions and manual page" install_step_works
fi

cat <<'TEXT'
NOT proved here: that nixpkgs has the packages and functions named in nix/ci/stub-nixpkgs, and NixOS the
options that the module sets; that the locked revisions can be fetched; that the package builds, and its tests pass, inside Nix.
For those: nix flake check --print-build-logs
TEXT
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
