{
  description = "mycelia-spore: receives packed SporeConfig messages and makes the websites they describe real";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    crane.url = "github:ipetkov/crane";
  };

  outputs =
    {
      self,
      nixpkgs,
      crane,
    }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      # The whole project as built with one package set.
      projectWith =
        pkgs:
        import ./nix/project.nix {
          inherit pkgs;
          craneLib = crane.mkLib pkgs;
        };
      eachSystem =
        select:
        nixpkgs.lib.genAttrs systems (system: select (projectWith nixpkgs.legacyPackages.${system}));
    in
    {
      packages = eachSystem (project: {
        default = project.package;
        mycelia-spore = project.package;
      });

      apps = eachSystem (project: {
        default = {
          type = "app";
          program = "${project.package}/bin/mycelia-spore";
        };
      });

      checks = eachSystem (project: project.checks);

      devShells = eachSystem (project: {
        default = project.devShell;
      });

      formatter = eachSystem (project: project.formatter);

      nixosModules.default = import ./nix/module.nix self;

      # Builds with the package set that the overlay is laid on, not with the one locked here.
      overlays.default = final: _prev: {
        mycelia-spore = (projectWith final).package;
      };
    };
}
