# A stand-in for nixpkgs, so that `nix/check.sh` can evaluate the flake without a network.
# Its list of names is also the list of the packages that this project takes from nixpkgs: a name that
# is not here, or is misspelt in the project, fails the evaluation.
{
  outputs =
    { self }:
    let
      lib = import ./lib.nix;
      placeholder =
        system: name:
        derivation {
          inherit name system;
          builder = "/bin/sh";
          args = [
            "-c"
            "echo stub > $out"
          ];
        };
      packagesFor =
        system:
        lib.genAttrs [
          "bubblewrap"
          "capnproto"
          "cargo"
          "cargo-deny"
          "cargo-nextest"
          "clippy"
          "git"
          "hugo"
          "installShellFiles"
          "makeWrapper"
          "nixfmt-tree"
          "rustc"
          "rustfmt"
          "util-linux"
        ] (placeholder system)
        // {
          inherit lib system;
          stdenv = {
            buildPlatform.canExecute = _other: true;
            hostPlatform = { inherit system; };
          };
          formats.toml = _options: {
            type = {
              name = "TOML";
              check = value: builtins.isString (builtins.toJSON value);
            };
            generate = _name: builtins.toJSON;
          };
        };
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] packagesFor;
    };
}
