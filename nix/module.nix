# services.mycelia-spore: the unit that the package brings, with the settings, sources and credentials of this machine.
self:
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:
let
  cfg = config.services.mycelia-spore;
  toml = pkgs.formats.toml { };

  settings =
    lib.recursiveUpdate { credentials = lib.mapAttrs (name: _file: { systemd = name; }) cfg.credentials; }
      (cfg.settings // lib.optionalAttrs (cfg.jobs != null) { inherit (cfg) jobs; });
  settingsFile = toml.generate "mycelia-spore.toml" settings;

  command = [
    "${cfg.package}/bin/mycelia-spore"
    "--log"
    cfg.log
    "run"
  ]
  ++ lib.concatMap (source: [
    "--source"
    source
  ]) cfg.sources
  ++ lib.optionals (cfg.serve != null) [
    "--serve"
    cfg.serve
  ];
in
{
  options.services.mycelia-spore = {
    enable = lib.mkEnableOption "mycelia-spore, which makes the websites real that SporeConfig messages describe";

    package = lib.mkOption {
      type = lib.types.package;
      default = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
      defaultText = lib.literalExpression "the package of this flake";
      description = "The package, which also has the units.";
    };

    settings = lib.mkOption {
      type = lib.types.submodule { freeformType = toml.type; };
      default = { };
      example = {
        policy.domains = [ "*.example.org" ];
        cloudflare.accounts.default = {
          account-id = "023e105f4ecef8ad9ca31a8372d0c353";
          token = "cloudflare";
        };
      };
      description = ''
        The settings file, as the manual's page on settings has it. It is readable by everybody: secrets belong
        into `credentials`.
      '';
    };

    sources = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = lib.optional cfg.socket.enable "unix:${cfg.socket.path}";
      defaultText = lib.literalExpression "the socket";
      example = [
        "unix:/run/mycelia-spore/spore.sock"
        "dir:/var/spool/mycelia-spore"
      ];
      description = "Where messages come from.";
    };

    socket = {
      enable = lib.mkOption {
        type = lib.types.bool;
        default = true;
        description = "Whether systemd holds a socket for messages, so that clients wait while the daemon starts anew.";
      };
      path = lib.mkOption {
        type = lib.types.str;
        default = "/run/mycelia-spore/spore.sock";
        description = "Its file.";
      };
      group = lib.mkOption {
        type = lib.types.str;
        default = "root";
        description = "The group whose members may connect when the mode lets them.";
      };
      mode = lib.mkOption {
        type = lib.types.strMatching "0[0-7]{3}";
        default = "0600";
        example = "0660";
        description = "Its permissions: who may connect.";
      };
    };

    serve = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "127.0.0.1:8080";
      description = "The address at which sites published on this machine are served; nowhere when null.";
    };

    jobs = lib.mkOption {
      type = lib.types.nullOr (lib.types.ints.between 1 1024);
      default = null;
      description = "Sites worked on at once; the settings' own when null.";
    };

    credentials = lib.mkOption {
      type = lib.types.attrsOf lib.types.str;
      default = { };
      example = {
        cloudflare = "/run/secrets/cloudflare";
      };
      description = ''
        Files with secrets by the names that settings and messages use. They are read as root when the service
        starts (`LoadCredential=`), and never get into the Nix store.
      '';
    };

    log = lib.mkOption {
      type = lib.types.str;
      default = "info";
      example = "info,mycelia_spore::serve=debug";
      description = "What is logged: a filter of the Rust library tracing.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.sources != [ ];
        message = "services.mycelia-spore.sources is empty: no message would ever come";
      }
      {
        assertion = !cfg.socket.enable || lib.elem "unix:${cfg.socket.path}" cfg.sources;
        message = "services.mycelia-spore.sources has not the socket that is held: nobody would read what is sent to it";
      }
      {
        assertion = !lib.any (lib.hasPrefix builtins.storeDir) (lib.attrValues cfg.credentials);
        message = "services.mycelia-spore.credentials has a file of the Nix store, which everybody may read";
      }
    ];

    environment.systemPackages = [ cfg.package ];
    environment.etc."mycelia-spore/settings.toml".source = settingsFile;

    # What is set below is laid over the package's own units.
    systemd.packages = [ cfg.package ];
    systemd.services.mycelia-spore = {
      wantedBy = [ "multi-user.target" ];
      reloadTriggers = [ settingsFile ];
      serviceConfig = {
        # The empty one takes the unit's own away.
        ExecStart = [
          ""
          (utils.escapeSystemdExecArgs command)
        ];
        LoadCredential = lib.mapAttrsToList (name: file: "${name}:${file}") cfg.credentials;
      };
    };
    systemd.sockets.mycelia-spore = lib.mkIf cfg.socket.enable {
      wantedBy = [ "sockets.target" ];
      requiredBy = [ "mycelia-spore.service" ];
      listenStreams = [
        ""
        cfg.socket.path
      ];
      socketConfig = {
        SocketGroup = cfg.socket.group;
        SocketMode = cfg.socket.mode;
      };
    };
  };
}
