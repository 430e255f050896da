# A stand-in for the module system of NixOS, for one module alone: options have types that are held, `mkIf` is obeyed,
# and nothing is merged.
lib:
let
  type = name: check: { inherit name check; };
  holds =
    path: option: value:
    if option.type.check value then value else throw "${path} is not ${option.type.name}";

  # The values of a tree of options: what was given, else the defaults. What is given and no option is refused.
  values =
    path: options: given:
    let
      unknown = builtins.attrNames (removeAttrs given (builtins.attrNames options));
      value =
        name: option:
        let
          at = "${path}.${name}";
        in
        if option._type or null != "option" then
          values at option (given.${name} or { })
        else if given ? ${name} then
          holds at option given.${name}
        else
          holds at option (option.default or (throw "${at} is not set"));
    in
    if unknown == [ ] then
      builtins.mapAttrs value options
    else
      throw "there is no option ${path}.${builtins.head unknown}";

  # A tree without its conditions.
  resolved =
    tree:
    if tree._type or null == "if" then
      if tree.condition then resolved tree.content else { }
    else if builtins.isAttrs tree && tree.type or null != "derivation" then
      builtins.mapAttrs (_name: resolved) tree
    else
      tree;
in
{
  lib = {
    mkOption = option: { _type = "option"; } // option;
    mkEnableOption = description: {
      _type = "option";
      type = type "a truth value" builtins.isBool;
      default = false;
      inherit description;
    };
    mkIf = condition: content: {
      _type = "if";
      inherit condition content;
    };
    literalExpression = text: text;
    types = {
      attrsOf = inner: type "a set of ${inner.name}" (
        it: builtins.isAttrs it && builtins.all inner.check (builtins.attrValues it)
      );
      bool = type "a truth value" builtins.isBool;
      ints.between =
        least: most:
        type "a number" (it: builtins.isInt it && it >= least && it <= most);
      listOf = inner: type "a list of ${inner.name}" (
        it: builtins.isList it && builtins.all inner.check it
      );
      nullOr = inner: type "null or ${inner.name}" (it: it == null || inner.check it);
      package = type "a package" (it: it.type or null == "derivation");
      str = type "a text" builtins.isString;
      strMatching =
        pattern:
        type "a text like ${pattern}" (it: builtins.isString it && builtins.match pattern it != null);
      submodule = module: type "a set" (it: builtins.isAttrs it && module.freeformType.check it);
    };
  };

  # What a module makes of what it is given below services.mycelia-spore.
  evaluate =
    pkgs: module: given:
    let
      result = module {
        inherit lib pkgs config;
        utils.escapeSystemdExecArgs = arguments: builtins.toJSON arguments;
      };
      config = values "config" result.options { services.mycelia-spore = given; };
      made = resolved result.config;
      failed = builtins.filter (it: !it.assertion) (made.assertions or [ ]);
    in
    if failed == [ ] then made else throw (builtins.head failed).message;
}
