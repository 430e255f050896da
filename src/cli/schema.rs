//! `schema`: writes the schema files out, for `capnp`, `pycapnp` and all others that read them.

use super::args::Schema;
use super::exit::{Exit, Failure};
use super::render;
use crate::schema::FILES;
use std::fs;
use std::io;
use std::path::Path;

pub(super) fn run(args: &Schema) -> Result<Exit, Failure> {
    let unwritable = || format!("{} cannot be written", args.dir.display());
    let mut missing = Vec::new();
    // All are looked at before the first is written.
    for (name, text) in FILES {
        let path = args.dir.join(name);
        match fs::read_to_string(&path) {
            Ok(there) if there == text => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push((path, text)),
            Ok(_) => return Err(differs(&path)),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(differs(&path)),
            Err(error) => return Err(Failure::io(unwritable())(error)),
        }
    }
    fs::create_dir_all(&args.dir).map_err(Failure::io(unwritable()))?;
    for (path, text) in missing {
        fs::write(&path, text).map_err(Failure::io(unwritable()))?;
        render::answer(format!("{}\n", path.display()).as_bytes())?;
    }
    Ok(Exit::Converged)
}

/// A file of another content, which is not this command's to overwrite.
fn differs(path: &Path) -> Failure {
    Failure::usage(
        format!("{} is there and differs", path.display()),
        "move it away, or name another directory",
    )
}
