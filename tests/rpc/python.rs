//! pycapnp on the other side.

use crate::daemon::Daemon;
use crate::start;
use crate::tools::{repository, skipped};
use crate::world::World;
use std::collections::BTreeSet;
use std::env;
use std::process::Command;

#[test]
fn pycapnp_applies_all_sites_at_once_and_reads_each_report() {
    let Some(python) = env::var_os("SPORE_PYTHON") else {
        return skipped("pycapnp", "examples/producers/python/rpc.py");
    };
    let world = World::new();
    for site in ["atlas", "field-notes", "spores"] {
        world.write(&format!("sites/{site}/index.html"), site);
    }
    let schema = world.spore(&["schema", "schema"], b"");
    assert_eq!(schema.code, Some(0), "{}", schema.told());
    let running: Daemon<'_> = start(&world, &[]);
    let script = repository("examples/producers").join("python/rpc.py");
    let run = || {
        let output = Command::new(&python)
            .arg(&script)
            .args(["schema", "sites", "rpc"])
            .current_dir(world.path(""))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let text = String::from_utf8(output.stdout).unwrap();
        let first_two = |line: &str| {
            let mut words = line.split(' ');
            format!("{} {}", words.next().unwrap(), words.next().unwrap())
        };
        text.lines().map(first_two).collect::<BTreeSet<_>>()
    };
    let all = |outcome: &str| {
        ["atlas", "field-notes", "spores"]
            .map(|site| format!("{site} {outcome}"))
            .into()
    };
    assert_eq!(run(), all("applied"));
    assert_eq!(run(), all("unchanged"));
    assert_eq!(running.reports(6).len(), 6);
}
