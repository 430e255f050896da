// Makes a website of each folder below a directory.
//
//     npm install
//     mycelia-spore schema schema
//     (cd schema && npx capnp-es spore.capnp -ojs:.)      needs `capnp`
//     node publish.js /srv/sites | mycelia-spore --source-root /srv/sites
//
// One message for each folder goes to standard output, packed and back to back.

import { readdirSync, realpathSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Message } from "capnp-es";
import { BuildType, HostingProvider, RepoProvider, SiteKind, SporeConfig } from "./schema/spore.js";

/** The packed message of one folder of ready-made files. */
export function packed(id, path) {
  const message = new Message();
  const config = message.initRoot(SporeConfig);
  config.schemaVersion = 1;
  config.minReaderVersion = 1;
  const site = config._initSite();
  site.id = id;
  site.kind = SiteKind.DOCS;
  const repo = config._initRepo();
  repo.provider = RepoProvider.DIRECTORY;
  repo.path = path;
  config._initBuild().type = BuildType.STATIC_PREBUILT;
  config._initHosting().provider = HostingProvider.LOCAL_STATIC;
  return new Uint8Array(message.toPackedArrayBuffer());
}

/** Writes all of it: a pipe may take less at a time. */
function write(bytes) {
  for (let from = 0; from < bytes.length; ) {
    from += writeSync(1, bytes, from);
  }
}

/** Names and paths of the folders below a directory. */
export function folders(sites) {
  const found = readdirSync(sites, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const names = found.map(({ name }) => name).sort();
  return names.map((name) => ({ name, path: join(realpathSync(sites), name) }));
}

/** Writes a message for each folder to standard output. */
function main() {
  const sites = process.argv[2];
  if (sites === undefined) {
    console.error("Usage: node publish.js SITES");
    process.exit(2);
  }
  for (const { name, path } of folders(sites)) {
    write(packed(name, path));
  }
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main();
}
