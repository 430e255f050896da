# The few functions of nixpkgs' `lib` that the flake uses, written anew and reduced: a file set is a
# predicate on a path given as a string. Unlike the real ones, `toSource` keeps empty folders.
let
  member = set: if builtins.isFunction set then set else within (toString set);
  within =
    folder: path:
    path == folder || builtins.substring 0 (builtins.stringLength folder + 1) path == folder + "/";

  recursiveUpdate =
    left: right:
    left
    // builtins.mapAttrs (
      name: value:
      if builtins.isAttrs value && builtins.isAttrs (left.${name} or null) then
        recursiveUpdate left.${name} value
      else
        value
    ) right;
  lib = {
    inherit recursiveUpdate;
    inherit (builtins) any attrValues concatMap elem mapAttrs;
    genAttrs =
      names: value:
      builtins.listToAttrs (
        map (name: {
          inherit name;
          value = value name;
        }) names
      );
    makeBinPath = packages: builtins.concatStringsSep ":" (map (package: "${package}/bin") packages);
    optionalString = condition: text: if condition then text else "";
    platforms.linux = [
      "x86_64-linux"
      "aarch64-linux"
    ];
    fileset = {
      maybeMissing = path: path;
      unions = sets: path: builtins.any (set: member set path) sets;
      difference =
        positive: negative: path:
        member positive path && !(member negative path);
      toSource =
        { root, fileset }:
        builtins.path {
          name = "source";
          path = root;
          filter = path: type: type == "directory" || member fileset path;
        };
    };
    hasPrefix = prefix: text: builtins.substring 0 (builtins.stringLength prefix) text == prefix;
    mapAttrsToList = function: set: map (name: function name set.${name}) (builtins.attrNames set);
    optional = condition: value: if condition then [ value ] else [ ];
    optionals = condition: values: if condition then values else [ ];
    optionalAttrs = condition: set: if condition then set else { };
  };
  modules = import ./modules.nix (lib // modules.lib);
in
lib // modules.lib // { inherit (modules) evaluate; }
