// Makes a website of each folder below a directory, by the spool directory of a running daemon, and prints the
// reports.
//
//     npm install
//     mycelia-spore schema schema
//     (cd schema && npx capnp-es spore.capnp -ojs:.)      needs `capnp`
//     mycelia-spore run --source dir:/var/spool/mycelia-spore --source-root /srv/sites
//     node spool.js /srv/sites /var/spool/mycelia-spore
//
// Ends with 1 when a website is not as asked.

import { access, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { folders, packed } from "./publish.js";

/** Where the daemon has put a file, as soon as it has. */
async function place(spool, name) {
  for (;;) {
    for (const folder of ["done", "failed"]) {
      try {
        await access(join(spool, folder, name));
        return folder;
      } catch {
        // Not yet.
      }
    }
    await setTimeout(50);
  }
}

const [sites, spool] = process.argv.slice(2);
if (spool === undefined) {
  console.error("Usage: node spool.js SITES SPOOL");
  process.exit(2);
}
for (const { name: site, path } of folders(sites)) {
  const name = `${Date.now()}-${process.pid}-${site}.bin`;
  // The daemon leaves names with a dot in front alone; renaming shows the file to it whole.
  await writeFile(join(spool, `.${name}`), packed(site, path));
  await rename(join(spool, `.${name}`), join(spool, name));
  const found = await place(spool, name);
  const report = JSON.parse(await readFile(join(spool, found, `${name}.report.json`), "utf8"));
  console.log(report.site, report.outcome, report.error?.message ?? report.urls[0]);
  if (found === "failed") {
    process.exitCode = 1;
  }
}
