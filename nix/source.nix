# The files that a build and its tests may read.
#
# What is left out is listed, not what is kept: a new template, fixture or schema file is then part of
# the build from its first day. The price is a rebuild of this crate (never of its dependencies, which
# see only the manifests) when a page of documentation changes. `nix/check.sh` holds the list honest.
{ lib }:
lib.fileset.toSource {
  root = ../.;
  fileset = lib.fileset.difference ../. (
    lib.fileset.unions (
      map lib.fileset.maybeMissing [
        ../.ci
        ../.direnv
        ../.editorconfig
        ../.envrc
        ../.git
        ../.gitattributes
        ../.gitignore
        ../flake.lock
        ../flake.nix
        ../fuzz/target
        ../nix
        ../result
        ../target
      ]
    )
  );
}
