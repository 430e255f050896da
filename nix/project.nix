# The package, its checks and its shell, from one package set and the crane library made for it.
{ pkgs, craneLib }:
let
  inherit (pkgs) lib;

  # `capnp` is not an input: without it build.rs reads the committed schema/spore.req, so that the
  # package does not depend on which release of the compiler the package set happens to hold.
  common = {
    src = import ./source.nix { inherit lib; };
    strictDeps = true;
  };

  # The dependencies alone, built once and shared by the package and the checks.
  cargoArtifacts = craneLib.buildDepsOnly common;
  withDependencies = common // {
    inherit cargoArtifacts;
  };

  package = craneLib.buildPackage (
    withDependencies
    // {
      # The unit, integration and documentation tests run as a part of the build.
      doCheck = true;
      nativeBuildInputs = [
        pkgs.installShellFiles
        pkgs.makeWrapper
      ];
      postInstall = ''
        mkdir -p $out/share/mycelia-spore
        cp -r schema $out/share/mycelia-spore/schema
        install -D -m 444 -t $out/share/doc/mycelia-spore LICENSE
        install -D -m 444 -t $out/lib/systemd/system packaging/systemd/*
        sed -i "s|/usr/bin/|$out/bin/|" $out/lib/systemd/system/mycelia-spore.service
      ''
      # The pages are written by the program itself, which runs only where it was built for.
      + lib.optionalString (pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform) ''
        for shell in bash zsh fish; do
          $out/bin/mycelia-spore generate completions $shell > mycelia-spore.$shell
        done
        installShellCompletion --cmd mycelia-spore \
          --bash mycelia-spore.bash --zsh mycelia-spore.zsh --fish mycelia-spore.fish
        $out/bin/mycelia-spore generate man > mycelia-spore.1
        installManPage mycelia-spore.1
      ''
      # What sources and builds take, after what the operator has on PATH.
      + ''
        wrapProgram $out/bin/mycelia-spore --suffix PATH : ${
          lib.makeBinPath [
            pkgs.bubblewrap
            pkgs.git
            pkgs.util-linux
          ]
        }
      '';
      meta = {
        description = "Receives packed Cap'n Proto SporeConfig messages and makes the websites they describe real";
        license = {
          shortName = "non-authority";
          fullName = "License of Non-Authority";
          free = true;
          redistributable = true;
        };
        platforms = lib.platforms.linux;
        mainProgram = "mycelia-spore";
      };
    }
  );
in
{
  inherit package;

  checks = {
    inherit package;
    clippy = craneLib.cargoClippy (
      withDependencies // { cargoClippyExtraArgs = "--all-targets -- --deny warnings"; }
    );
    deny = craneLib.cargoDeny common;
    doc = craneLib.cargoDoc (withDependencies // { env.RUSTDOCFLAGS = "--deny warnings"; });
    fmt = craneLib.cargoFmt common;
    nextest = craneLib.cargoNextest withDependencies;
  };

  # rustc, cargo, clippy and rustfmt come with crane's shell.
  devShell = craneLib.devShell {
    packages = [
      pkgs.bubblewrap
      pkgs.capnproto
      pkgs.cargo-deny
      pkgs.cargo-nextest
      pkgs.hugo
    ];
  };

  # Formats every .nix file of the tree; plain nixfmt would wait for standard input.
  formatter = pkgs.nixfmt-tree;
}
