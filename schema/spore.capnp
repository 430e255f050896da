# mycelia-spore: the contract between tools that know which websites should exist and the daemon
# that makes them exist.
#
# One message is one `SporeConfig`: everything about one website.  Messages travel in Cap'n Proto's
# packed stream encoding, back to back, with nothing between them:
#
#     capnp encode --packed spore.capnp SporeConfig < site.txt | mycelia-spore
#
# or written as a constant in a file of your own that imports this one:
#
#     using Spore = import "spore.capnp";
#     const blog :Spore.SporeConfig = (
#       schemaVersion = 1,
#       site = (id = "blog", title = "Field notes", kind = blog),
#       repo = (provider = directory, path = "/srv/src/blog"),
#       build = (type = staticPrebuilt, outputDir = "public"),
#       domains = (primary = "notes.example"),
#       hosting = (provider = localStatic),
#     );
#
#     mycelia-spore encode site.capnp:blog | mycelia-spore
#
# How this file evolves: fields, union members and enumerants are only ever added, with the next
# number.  Nothing is renumbered, retyped, removed or given another default; a retired field stays
# as `obsoleteN`.  `schema/released/` holds each released revision and a test compares.
#
# Secrets never travel in a message.  Where one is needed a field carries the *name* of a
# credential, and the operator's settings say where that credential is kept.
#
# Text is UTF-8 without control characters; where a field may hold several lines, its comment says
# so.  Lengths are in characters (Unicode scalar values) unless a comment says bytes.  A whole
# message is at most 1 MiB unpacked, its pointers at most 16 deep.

@0xa33387c25163bc78;

using Rust = import "rust.capnp";
$Rust.module("spore_capnp");

# ========================================================================================
# The message

struct SporeConfig {
  # One website, whole.  What a message does not declare is left alone.

  site @0 :Site;
  # Who the website is.  Required: at least `site.id`.

  repo @1 :Repo;
  # Where its source comes from.  If absent, there is no source: the build needs none (`treelink`)
  # or names a directory of the daemon's machine itself.

  build @2 :Build;
  # How the source becomes files to serve.  If absent, `treelink` when `site.treelink` is given;
  # otherwise the message is invalid.

  domains @3 :Domains;
  # The names visitors use.  If absent, the site has no domain of its own: LocalStatic serves it as
  # `<site id>.localhost`, a provider under the name the provider gives.

  hosting @4 :Hosting;
  # Where the website is published.  Required.

  dns @5 :DnsConfig;
  # DNS records to keep.  If absent, no record is touched.

  purchase @6 :PurchaseConfig;
  # A domain to register.  If absent, nothing is bought.  Spending is further guarded by the
  # operator's settings; a message alone never spends.

  schemaVersion @7 :UInt32;
  # The revision of this schema that the writer knew; the current one is 1.  If absent (0), the
  # founding revision.  A version above the reader's is refused unless `minReaderVersion` says the
  # older reader understands enough.

  minReaderVersion @8 :UInt32;
  # The lowest revision a reader must know to act on this message safely.  If absent (0), the
  # same as `schemaVersion`.  A writer that uses nothing newer than revision 1 sets 1, whatever
  # revision it was built with.  At most `schemaVersion`.

  lifecycle @9 :Lifecycle;
  # Whether the website should exist.  If absent, it should.

  labels @10 :List(Label);
  # Free marks for the operator's own sorting, kept with the site and shown by `status`.  If absent,
  # none.  At most 32, keys unique.

  requestId @11 :Text;
  # A token of the writer's, echoed in the report so that answers can be matched to messages.  If
  # absent, none is echoed.  At most 128 characters.  Example: "deploy-4711".

  generation @12 :UInt64;
  # The writer's own counter for this site, growing with each change.  A message whose generation is
  # lower than the last one applied is reported `superseded` and not applied.  If absent (0), the
  # order of arrival decides.
}

struct Label {
  # A key and a value.

  key @0 :Text;
  # What the value is about.  Required.  1 to 63 of `a-z 0-9 . _ - /`.  Example: "team".

  value @1 :Text;
  # The value.  If absent, empty.  At most 255 characters.  Example: "docs".
}

struct Lifecycle {
  # Whether the website should exist.

  ensure @0 :Ensure;
  # The state asked for.  If absent, `present`.

  protect @1 :Bool;
  # Turns deletion protection on when the message is applied.  It is then kept by the daemon: no later
  # message turns it off, only the operator's `mycelia-spore unprotect SITE`, and the same message sent
  # again does not turn it on again.  If absent, protection stays as it is.

  drift @2 :Drift;
  # What the daemon does when it finds the website other than asked, looking by itself from time to
  # time.  If absent, what the operator's settings say.
}

enum Drift {
  # What is done about a website that is not as asked any more.

  asSettings @0;
  # What the operator's settings say.

  repair @1;
  # It is made as asked.

  report @2;
  # It is told and left.

  off @3;
  # It is not looked for.
}

enum Ensure {
  # The state of a website's life.

  present @0;
  # The website is published as described.

  absent @1;
  # The website is taken down.  Withheld while the site is protected.  Only `site.id` and `hosting`
  # are looked at.

  paused @2;
  # Whatever is there stays as it is; the daemon neither changes nor repairs it.
}

# ========================================================================================
# The website

struct Site {
  # Who the website is.

  id @0 :Text;
  # The name that identifies the website for ever; another id is another website.  Required.  1 to 63
  # of `a-z 0-9 -`, a letter or digit first and last.  Example: "field-notes".

  title @1 :Text;
  # What people call it.  If absent, the id.  At most 200 characters.  Example: "Field notes".

  kind @2 :SiteKind;
  # What sort of website it is; a mark for people, except that `treelink` goes with
  # `build.type = treelink`.  If absent, `treelink`.

  description @3 :Text;
  # One or two sentences about it, used for `<meta name="description">` where the daemon writes the
  # page.  If absent, none.  At most 300 characters.

  language @4 :Text;
  # The language of its text as a BCP 47 tag.  If absent, "en".  At most 35 characters.  Example:
  # "pt-BR".

  treelink @5 :Treelink;
  # The content of a page of links, for `build.type = treelink`.  If absent, the site has none.
}

enum SiteKind {
  # What sort of website it is.

  treelink @0;
  # One page of links about a person or a thing.

  blog @1;
  # Dated articles.

  store @2;
  # Something is sold.

  docs @3;
  # A manual.
}

struct Treelink {
  # A page of links.  All text is plain: no HTML, no Markdown.

  name @0 :Text;
  # Whose page it is, the page's heading.  If absent, `site.title`.  1 to 80 characters.

  headline @1 :Text;
  # A line under the name.  If absent, none.  At most 160 characters.  Example: "Mycologist, Porto".

  bio @2 :Text;
  # A paragraph under the headline; may hold several lines.  If absent, none.  At most 600 characters.

  avatar @3 :Avatar;
  # The picture beside the name.  If absent, the initials of the name.

  entries @4 :List(Entry);
  # The page's links, headings and texts, in order.  At most 200.

  socials @5 :List(Social);
  # Profiles elsewhere, shown as a row of marks and linked with `rel="me"`.  If absent, none.  At
  # most 24.

  contact @6 :Contact;
  # How to reach the person.  If absent, not shown.

  theme @7 :Theme;
  # How the page looks.  If absent, the `plain` preset in the visitor's own light or dark scheme.

  seo @8 :Seo;
  # What search engines are told.  If absent, the page is indexed.

  verify @9 :List(Text);
  # Profile URLs that link back, written as `<link rel="me">` and not shown.  If absent, none.  At
  # most 16, https only.  Example: "https://mastodon.example/@spore".

  footer @10 :Text;
  # A line at the foot.  If absent, none.  At most 160 characters.

  direction @11 :TextDirection;
  # The direction of the text.  If absent, `auto`: by the language.
}

enum TextDirection {
  # The direction of text.

  auto @0;
  # By the language of the site.

  ltr @1;
  # Left to right.

  rtl @2;
  # Right to left.
}

struct Avatar {
  # The picture beside the name.

  union {
    initials @0 :Void;
    # The first letters of the name on the accent colour.  The default.

    image @1 :Data;
    # A picture: PNG, JPEG, WebP, AVIF or GIF, at most 256 KiB (262,144 bytes), square for best
    # effect.
  }

  alt @2 :Text;
  # What the picture shows, for those who cannot see it.  If absent, the name.  At most 160
  # characters.
}

struct Entry {
  # One row of the page.

  union {
    unspecified @0 :Void;
    # Catches a writer that forgot to choose.  Do not set this.

    link :group {
      # Something to follow.

      title @1 :Text;
      # What the visitor reads.  Required.  1 to 80 characters.

      url @2 :Text;
      # Where it leads: `https`, `http`, `mailto`, `tel`, `sms`, `xmpp`, `matrix`, `geo` or `ipfs`.
      # Required.  At most 2,048 bytes.

      subtitle @3 :Text;
      # A smaller second line.  If absent, none.  At most 120 characters.

      featured @4 :Bool;
      # Draws the link larger and in the accent colour.  If absent, not.

      sensitive @5 :Bool;
      # Marks the link as for adults and folds it behind a note.  If absent, not.
    }

    heading @6 :Text;
    # A heading over the entries that follow.  1 to 80 characters.

    text @7 :Text;
    # A paragraph between entries; may hold several lines.  1 to 600 characters.
  }

  notBefore @8 :Text;
  # When the entry appears, an RFC 3339 date and time with offset.  If absent, at once.  Example:
  # "2026-12-01T08:00:00+01:00".

  notAfter @9 :Text;
  # When the entry disappears, in the same form; after `notBefore`.  If absent, never.
}

struct Social {
  # A profile elsewhere.

  platform @0 :Platform;
  # Where.  If absent, `website`.

  handle @1 :Text;
  # The name there, without "@".  Required for every platform but `website`, `mastodon`, `matrix` and
  # `rss`, which take a full URL in `url`.  At most 100 of letters, digits and `. _ - @ + /`.
  # Example: "mycelia".

  url @2 :Text;
  # The full address, https only.  If absent, made from `platform` and `handle`.
}

enum Platform {
  # Where a profile may be.

  website @0;
  # Any website.  Needs `url`.
  mastodon @1;
  # A Mastodon or other ActivityPub account.  Needs `url`.
  bluesky @2;
  # https://bsky.app/profile/HANDLE
  github @3;
  # https://github.com/HANDLE
  gitlab @4;
  # https://gitlab.com/HANDLE
  codeberg @5;
  # https://codeberg.org/HANDLE
  linkedin @6;
  # https://www.linkedin.com/in/HANDLE
  instagram @7;
  # https://www.instagram.com/HANDLE
  youtube @8;
  # https://www.youtube.com/@HANDLE
  x @9;
  # https://x.com/HANDLE
  threads @10;
  # https://www.threads.net/@HANDLE
  tiktok @11;
  # https://www.tiktok.com/@HANDLE
  telegram @12;
  # https://t.me/HANDLE
  signal @13;
  # https://signal.me/#eu/HANDLE
  matrix @14;
  # A Matrix user or room.  Needs `url`.
  twitch @15;
  # https://www.twitch.tv/HANDLE
  rss @16;
  # A feed.  Needs `url`.
}

struct Contact {
  # How to reach the person.

  email @0 :Text;
  # An address for mail.  If absent, none.  At most 254 bytes.  Example: "li@example.net".

  phone @1 :Text;
  # A telephone number in international form.  If absent, none.  `+` and 5 to 15 digits; spaces allowed.
  # Example: "+351 912 345 678".

  vcard @2 :Bool;
  # Whether the page offers `contact.vcf`, a vCard 4.0 of name, contact and links.  If absent, not.
}

struct Theme {
  # How the page looks.

  preset @0 :ThemePreset;
  # The arrangement.  If absent, `plain`.

  accent @1 :Text;
  # The colour of buttons and links, `#rrggbb`.  Shades with enough contrast (WCAG AA) are derived
  # from it for both schemes.  If absent, a green, "#2f6f4e".

  scheme @2 :ColorScheme;
  # Light or dark.  If absent, the visitor's own choice.

  shape @3 :Shape;
  # The corners of buttons.  If absent, `rounded`.
}

enum ThemePreset {
  # An arrangement of the page.

  plain @0;
  # Quiet outlines.
  filled @1;
  # Buttons filled with the accent colour.
  card @2;
  # The page as a card on a tinted ground.
}

enum ColorScheme {
  # Light or dark.

  auto @0;
  # As the visitor's system asks.
  light @1;
  # Light always.
  dark @2;
  # Dark always.
}

enum Shape {
  # The corners of buttons.

  rounded @0;
  # A small radius.
  pill @1;
  # Half circles.
  square @2;
  # None.
}

struct Seo {
  # What search engines are told.

  description @0 :Text;
  # The page's summary.  If absent, `site.description`, then the headline.  At most 300 characters.

  canonical @1 :Text;
  # The page's own address, https.  If absent, the primary domain.  At most 2,048 bytes.

  noIndex @2 :Bool;
  # Asks search engines to leave the page out.  If absent, it is indexed.
}

# ========================================================================================
# Source

struct Repo {
  # Where the source comes from.

  provider @0 :RepoProvider;
  # The sort of place.  If absent, `github`.

  slug @1 :Text;
  # OWNER/NAME at github, GROUP[/SUBGROUP...]/NAME at gitlab.  Required for these two, refused for the
  # others.  At most 255 bytes.  Example: "LiGoldragon/mycelia-spore".

  defaultBranch @2 :Text;
  # The branch to publish.  If absent, the one that the repository's HEAD names.  At most 255 bytes.
  # Example: "main".

  url @3 :Text;
  # The address of a repository anywhere, for `git`: https without user, password, query or fragment.
  # At most 2,048 bytes.  Example: "https://git.example/site.git".

  path @4 :Text;
  # A directory of the daemon's machine, for `directory`: absolute, within one of the `sources.roots` of
  # the operator's settings.  At most 4,096 bytes.  Example: "/srv/src/blog".

  revision @5 :Text;
  # The commit to publish, whatever the branch points to: 40 or 64 hexadecimal digits.  If absent, the
  # branch's newest.

  subdirectory @6 :Text;
  # The part of the source that is the website, a relative path.  If absent, the whole.  Example:
  # "website".

  credential @7 :Text;
  # The name of the credential that opens the repository.  If absent, none is offered.  1 to 63 of
  # `a-z 0-9 . _ -`.  Example: "github-readonly".

  depth @8 :UInt32 = 1;
  # How many commits of history the build sees; 0 for all.  Hugo's `enableGitInfo` needs 0.  If absent,
  # 1.  At most 100,000.

  submodules @9 :Bool;
  # Fetches submodules too.  If absent, not.

  lfs @10 :Bool;
  # Fetches Git LFS objects too.  If absent, not.
}

enum RepoProvider {
  # The sort of place source comes from.

  github @0;
  # github.com, or the GitHub the operator's settings name.

  gitlab @1;
  # gitlab.com, or the GitLab the operator's settings name.

  none @2;
  # No source: the build makes the site from the message, or `build.outputDir` is an absolute path.

  git @3;
  # Any git repository by https.

  directory @4;
  # A directory of the daemon's machine.
}

# ========================================================================================
# Build

struct Build {
  # How source becomes files.

  type @0 :BuildType;
  # The way of building.  If absent, `staticPrebuilt`.

  outputDir @1 :Text;
  # Where the build leaves its files, relative to the source; with `repo.provider = none` and
  # `staticPrebuilt` an absolute path within `sources.roots` of the settings.  If absent, the usual place of
  # `framework` or `type`, and for `staticPrebuilt` the source itself.  At most 4,096 bytes.  Example:
  # "public".

  framework @2 :CfFramework;
  # The framework, which fills the defaults of `command` and `outputDir`.  If absent, `none`.

  command @3 :List(Text);
  # The command and its arguments, not a shell line unless `shell` says so.  Required for `command`; for
  # others it replaces the usual one.  At most 64 words, 4,096 bytes each.  Example:
  # ["npm", "run", "build"].

  shell @4 :Bool;
  # Hands the single word of `command` to `/bin/sh -c`.  If absent, not.

  environment @5 :List(EnvironmentVariable);
  # Variables the build sees.  If absent, none but what the daemon sets.  At most 128.

  timeoutSeconds @6 :UInt32;
  # The longest a build may take.  If absent (0), 1,200 s.  1 to 14,400 s.

  cachePolicy @7 :CachePolicy;
  # Whether an earlier build of the same input may be used.  If absent, `reuse`.

  flakeAttribute @8 :Text;
  # The flake output to build, for `nixFlake` and `hugoNix`.  If absent, ".#default".  At most 255 bytes.
  # Example: ".#site".
}

enum BuildType {
  # A way of building.

  staticPrebuilt @0;
  # No build: the files are there.
  hugoNix @1;
  # Hugo from the Nix package of the operator's settings.
  nextStatic @2;
  # Next.js with `output: "export"`.
  astroStatic @3;
  # Astro.
  hugo @4;
  # The hugo installed on the daemon's machine.
  nuxtStatic @5;
  # `nuxt generate`.
  treelink @6;
  # The page is rendered from `site.treelink`.
  command @7;
  # The given command.
  nixFlake @8;
  # `nix build` of a flake output.
}

enum CfFramework {
  # A framework, by the names Cloudflare Pages gives its presets.

  none @0;
  # None.
  hugo @1;
  # Hugo: `hugo`, "public".
  next @2;
  # Next.js static export: `npx next build`, "out".
  astro @3;
  # Astro: `npm run build`, "dist".
  nuxt @4;
  # Nuxt: `npm run build`, "dist".
}

enum CachePolicy {
  # Whether an earlier build of the same input may be used.

  reuse @0;
  # Yes.
  rebuild @1;
  # No: build anew each time.
}

struct EnvironmentVariable {
  # A variable, its value given or kept by the operator.

  name @0 :Text;
  # The name.  Required.  A letter or `_`, then letters, digits and `_`; at most 128.  Example:
  # "HUGO_ENVIRONMENT".

  union {
    value @1 :Text;
    # The value itself; never a secret.  At most 5,120 bytes.

    credential @2 :Text;
    # The name of the credential whose content is the value.  Only where the provider keeps it as a
    # secret: builds on the daemon's machine are never given one.
  }
}

# ========================================================================================
# Domains

struct Domains {
  # The names visitors use.

  primary @0 :Text;
  # The one name that is the website's address.  Required when this section is present.  A host name in
  # ASCII (an international name in its xn-- form), at most 253 bytes.  Example: "www.spore.example".

  aliases @1 :List(Text);
  # Further names.  If absent, none.  At most 100, none twice.

  aliasPolicy @2 :AliasPolicy;
  # What visitors of an alias get.  If absent, `serve`.

  tls @3 :TlsMode;
  # Who looks after certificates.  If absent, `provider`.
}

enum AliasPolicy {
  # What visitors of an alias get.

  serve @0;
  # The website itself.
  redirect @1;
  # A permanent redirect (308) to the same path at the primary domain.
}

enum TlsMode {
  # Who looks after certificates.

  provider @0;
  # The hosting provider, or whatever stands in front of LocalStatic.
  acme @1;
  # The daemon, by ACME.
  none @2;
  # Nobody: plain HTTP.
}

# ========================================================================================
# Hosting

struct Hosting {
  # Where the website is published.

  provider @0 :HostingProvider;
  # The backend.  If absent, `cloudflarePages`.

  projectName @1 :Text;
  # The website's name at the provider.  If absent, `site.id`.  1 to 63 of `a-z 0-9 -`, a letter or digit
  # first and last.  Example: "field-notes".

  productionBranch @2 :Text;
  # The branch whose releases visitors see; releases of other branches are previews.  If absent,
  # `repo.defaultBranch`, then "main".  At most 255 bytes.

  cloudflarePages @3 :CloudflarePages;
  # Settings of `cloudflarePages`.  If absent, its defaults.  Refused with another provider, as are the
  # next three.

  localStatic @4 :LocalStatic;
  # Settings of `localStatic`.  If absent, its defaults.

  s3Static @5 :S3Static;
  # Settings of `s3Static`.  Required for it: a bucket has no default.

  criomosHost @6 :CriomosHost;
  # Settings of `criomosHost`.  Required for it: a target has no default.

  headers @7 :List(HeaderRule);
  # Response headers by path, after those of a `_headers` file of the site.  If absent, none.  At most
  # 100.

  redirects @8 :List(RedirectRule);
  # Redirects by path, before those of a `_redirects` file of the site.  If absent, none.  At most 2,000.

  errorDocument @9 :Text;
  # The page for paths that do not exist, a path within the site.  If absent, "404.html" where there is
  # one.  Example: "errors/missing.html".

  singlePageFallback @10 :Bool;
  # Answers every path that does not exist with `/index.html` and status 200, for applications that route
  # in the browser.  Not together with `errorDocument`.  If absent, not.
}

enum HostingProvider {
  # A backend.

  cloudflarePages @0;
  # Cloudflare Pages.
  localStatic @1;
  # The daemon's own machine.
  s3Static @2;
  # A bucket of any S3-compatible store.
  criomosHost @3;
  # Nix hosts, CriomOS among them.
}

struct CloudflarePages {
  # Settings of Cloudflare Pages.

  account @0 :Text;
  # The name of the account in the operator's settings.  If absent, the default account
  # (`CLOUDFLARE_ACCOUNT_ID`, `CLOUDFLARE_API_TOKEN`).  1 to 63 of `a-z 0-9 . _ -`.

  release @1 :PagesRelease;
  # Who builds.  If absent, `directUpload`.

  compatibilityDate @2 :Text;
  # The Workers runtime's compatibility date for Functions, YYYY-MM-DD.  If absent, left alone.

  compatibilityFlags @3 :List(Text);
  # The Workers runtime's compatibility flags.  If absent, left alone.  At most 50.

  environment @4 :List(EnvironmentVariable);
  # Variables of production deployments.  If absent, left alone.  At most 64.

  previewEnvironment @5 :List(EnvironmentVariable);
  # Variables of preview deployments.  If absent, left alone.  At most 64.

  functions @6 :PagesFunctions;
  # Whether Functions are published.  If absent, `auto`.

  previewDeployments @7 :PagesPreviews;
  # Which other branches of the connected repository Cloudflare builds as previews.  If absent, left
  # alone.  With `gitIntegration` only, as are the next two.

  previewBranches @8 :List(Text);
  # The branches built as previews, `*` for any run of characters, for `custom`.  If absent, left alone.
  # At most 50, of at most 255 characters.  Example: ["release/*"].

  previewBranchExcludes @9 :List(Text);
  # Branches that are not, though `previewBranches` names them.  If absent, left alone.  At most 50, of
  # at most 255 characters.
}

enum PagesPreviews {
  # Which branches of a connected repository become previews.

  unchanged @0;
  # As the project has it.
  all @1;
  # All but the production branch.
  none @2;
  # None.
  custom @3;
  # Those that `previewBranches` names.
}

enum PagesRelease {
  # Who builds.

  directUpload @0;
  # The daemon builds and uploads.
  gitIntegration @1;
  # Cloudflare builds from the connected repository.
}

enum PagesFunctions {
  # Whether Pages Functions are published.

  auto @0;
  # When the site has `functions/` or `_worker.js`.
  off @1;
  # Never.
}

struct LocalStatic {
  # Settings of LocalStatic.

  server @0 :LocalServer;
  # What serves the files.  If absent, `embedded`.

  root @1 :Text;
  # A directory of the daemon's machine under which this site is published for another server to read:
  # absolute, within `local-static.roots` of the settings.  If absent, the daemon's state directory.
  # At most 4,096 bytes.

  keepReleases @2 :UInt16;
  # How many releases are kept for rollback, the current one included.  If absent (0), 5.  2 to 100.
}

enum LocalServer {
  # What serves the files.

  embedded @0;
  # The server in mycelia-spore itself.
  caddy @1;
  # Caddy, by a generated configuration.
  nginx @2;
  # nginx, by a generated configuration.
}

struct S3Static {
  # Settings of S3Static.

  bucket @0 :Text;
  # The bucket.  Required.  3 to 63 of `a-z 0-9 . -`.

  region @1 :Text;
  # The region.  If absent, "us-east-1".  At most 63 bytes.

  endpoint @2 :Text;
  # The address of the service, https (http only to loopback).  If absent, AWS.  Example:
  # "https://s3.eu.example".

  prefix @3 :Text;
  # The key under which the site lies, without slashes at the ends.  If absent, the bucket's root.  At
  # most 512 bytes.

  credential @4 :Text;
  # The name of the credential.  If absent, the default one of the settings.

  cacheRules @5 :List(CacheRule);
  # `Cache-Control` by path, the first match wins.  If absent, "public, max-age=0, must-revalidate".  At
  # most 100.

  indexDocument @6 :Text;
  # The website configuration's index document.  If absent, "index.html".

  errorDocument @7 :Text;
  # The website configuration's error document.  If absent, `hosting.errorDocument`.

  configureWebsite @8 :Bool;
  # Keeps the bucket's website configuration in step.  If absent, it is left alone.
}

struct CacheRule {
  # A `Cache-Control` for some paths.

  path @0 :Text;
  # A path pattern beginning with "/", `*` for any rest.  Required.  Example: "/assets/*".

  cacheControl @1 :Text;
  # The header's value.  Required.  At most 255 bytes.  Example: "public, max-age=31536000, immutable".
}

struct CriomosHost {
  # Settings of CriomosHost.

  targets @0 :List(Text);
  # The hosts, `user@host` or `local` for the daemon's own.  Required.  1 to 32.  Example:
  # "nix-ssh@doris.goldragon.criome".

  keepGenerations @1 :UInt16;
  # How many generations of the site's profile are kept.  If absent (0), 5.  2 to 100.

  healthCheck @2 :HealthCheck;
  # What must answer before a new generation counts as good.  If absent, the site's "/" with status 200.
}

struct HealthCheck {
  # What must answer before a release counts as good.

  path @0 :Text;
  # The path asked for.  If absent, "/".

  expectStatus @1 :UInt16 = 200;
  # The status expected.  If absent, 200.  100 to 599.

  timeoutSeconds @2 :UInt16 = 30;
  # How long to wait in all.  If absent, 30 s.  1 to 600 s.
}

struct HeaderRule {
  # Response headers for some paths.

  path @0 :Text;
  # A path beginning with "/": `*` for any rest, `:name` for one segment.  Required.  Example:
  # "/assets/*".

  set @1 :List(Header);
  # Headers to add.  At most 50.

  unset @2 :List(Text);
  # Names of headers to take away that an earlier rule or the server set.  At most 50.
}

struct Header {
  # A response header.

  name @0 :Text;
  # The field name, a token of RFC 9110 section 5.1.  Required.  Example: "Cache-Control".

  value @1 :Text;
  # The field value: visible ASCII, spaces and tabs.  Required.  At most 2,000 bytes.
}

struct RedirectRule {
  # A redirect.

  from @0 :Text;
  # A path beginning with "/": `*` for any rest, `:name` for one segment.  Required.  Example: "/old/*".

  to @1 :Text;
  # Where it leads: a path beginning with "/" or an https URL; `:splat` and `:name` are filled in.
  # Required.  Example: "/new/:splat".

  status @2 :UInt16;
  # 301, 302, 303, 307 or 308; or 200 to serve the other path under this one.  If absent (0), 302.
}

# ========================================================================================
# DNS

struct DnsConfig {
  # DNS records to keep.

  provider @0 :DnsProvider;
  # Who answers for the zone.  If absent, `cloudflare`.

  zoneId @1 :Text;
  # The zone at the provider: an id or a zone name.  If absent, the zone with the longest name that ends
  # the records' names.  At most 253 bytes.

  records @2 :List(DnsRecord);
  # The records.  If absent, none.  At most 1,000.

  credential @3 :Text;
  # The name of the credential.  If absent, the provider's default one of the settings.

  ownership @4 :DnsOwnership;
  # Which record sets may be changed.  If absent, `marked`.

  deletePolicy @5 :DnsDeletePolicy;
  # What happens to owned record sets that are no longer declared.  If absent, `delete`.
}

enum DnsProvider {
  # Who answers for a zone.

  cloudflare @0;
  # Cloudflare.
  rfc2136 @1;
  # Any server that takes RFC 2136 updates signed with TSIG: BIND, Knot, PowerDNS.
  powerdns @2;
  # PowerDNS by its HTTP API.
  route53 @3;
  # Amazon Route 53.
  none @4;
  # Nobody: the records are only shown, for a person to enter.
}

enum DnsOwnership {
  # Which record sets may be changed.

  marked @0;
  # Those that carry this site's mark, and those that are not there yet.
  adopt @1;
  # Also unmarked ones of the same name and type, which are then marked.
}

enum DnsDeletePolicy {
  # What happens to owned record sets that are no longer declared.

  delete @0;
  # They are deleted, within the operator's change brake.
  keep @1;
  # They stay, and the report names them.
}

struct DnsRecord {
  # One DNS record.  Records of the same name and type form a set and share one TTL.

  name @0 :Text;
  # The record's name: full ("www.spore.example"), or "@" for the zone's own name.  Required.

  type @1 :DnsRecordType;
  # The record's type.  If absent, `a`.

  value @2 :Text;
  # The record's data as in a zone file without the outer quotes.  Required.  Examples: "192.0.2.10",
  # "10 mail.spore.example" for `mx`, "v=spf1 -all" for `txt`.

  ttl @3 :UInt32;
  # How long resolvers may keep it, in seconds.  If absent (0), the provider's default.  30 to 86,400, or
  # 1 for "automatic" at Cloudflare.

  proxied @4 :Bool;
  # Sends visitors through Cloudflare's proxy (`a`, `aaaa` and `cname` at `cloudflare` only).  If absent,
  # not.
}

enum DnsRecordType {
  # The type of a DNS record.

  a @0;
  # An IPv4 address.
  aaaa @1;
  # An IPv6 address.
  cname @2;
  # Another name.
  txt @3;
  # Text.
  mx @4;
  # A mail server: preference and name.
  caa @5;
  # Which authorities may issue certificates: flags, tag and value.
  srv @6;
  # A service: priority, weight, port and name.
  ns @7;
  # A name server for a zone below.
}

# ========================================================================================
# Buying a domain

struct PurchaseConfig {
  # A domain to register.

  provider @0 :Registrar;
  # The registrar.  If absent, `namecheap`.

  domain @1 :Text;
  # The domain.  Required.  A host name of at least two labels, at most 253 bytes.  Example:
  # "spore.example".

  years @2 :UInt8 = 1;
  # For how many years.  If absent, 1.  1 to 10.

  maximumPrice @3 :Money;
  # The most the first period may cost, taxes and fees included.  If absent, nothing is bought and the
  # report gives the price.

  contact @4 :Text;
  # The name of the registrant contact in the operator's settings.  If absent, the default one.

  autoRenew @5 :Bool;
  # Renews by itself at the registrar.  If absent, not.

  credential @6 :Text;
  # The name of the credential.  If absent, the registrar's default one of the settings.
}

enum Registrar {
  # A registrar.

  namecheap @0;
  # Namecheap.
  gandi @1;
  # Gandi.
  cloudflareReg @2;
  # Cloudflare Registrar.
  route53 @3;
  # Amazon Route 53 Domains.
  porkbun @4;
  # Porkbun.
}

struct Money {
  # An amount of money.

  minorUnits @0 :UInt64;
  # The amount in the currency's smallest unit.  Example: 1299 for 12.99 EUR.

  currency @1 :Text;
  # The ISO 4217 code.  Required.  Example: "EUR".
}
