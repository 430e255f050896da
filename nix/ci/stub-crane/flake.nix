# A stand-in for crane, so that `nix/check.sh` can evaluate the flake without a network. Each builder
# looks at all that it is given, so that no fault hides behind Nix's laziness.
{
  outputs =
    { self }:
    {
      mkLib =
        pkgs:
        let
          # `tools` are the packages that the real builder takes from the package set by itself.
          build =
            name: tools: arguments:
            derivation {
              inherit name;
              inherit (pkgs) system;
              builder = "/bin/sh";
              args = [
                "-c"
                "echo stub > $out"
              ];
              given = builtins.toJSON { inherit arguments tools; };
            }
            // {
              inherit arguments;
              meta = arguments.meta or { };
            };
          toolchain = [
            pkgs.cargo
            pkgs.rustc
          ];
        in
        {
          buildDepsOnly = build "mycelia-spore-deps" toolchain;
          buildPackage = build "mycelia-spore" toolchain;
          cargoClippy = build "mycelia-spore-clippy" (toolchain ++ [ pkgs.clippy ]);
          cargoDeny = build "mycelia-spore-deny" (toolchain ++ [ pkgs.cargo-deny ]);
          cargoDoc = build "mycelia-spore-doc" toolchain;
          cargoFmt = build "mycelia-spore-fmt" (toolchain ++ [ pkgs.rustfmt ]);
          cargoNextest = build "mycelia-spore-nextest" (toolchain ++ [ pkgs.cargo-nextest ]);
          devShell = build "mycelia-spore-shell" (
            toolchain
            ++ [
              pkgs.clippy
              pkgs.rustfmt
            ]
          );
        };
    };
}
