# The few functions of nixpkgs' `lib` that the flake uses, written anew and reduced: a file set is a
# predicate on a path given as a string. Unlike the real ones, `toSource` keeps empty folders.
let
  member = set: if builtins.isFunction set then set else within (toString set);
  within =
    folder: path:
    path == folder || builtins.substring 0 (builtins.stringLength folder + 1) path == folder + "/";
in
{
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
}
