//! Turns the schema into Rust: by the `capnp` compiler where it is installed, otherwise from the
//! committed `schema/spore.req`, the compiler's own intermediate form. Plain `cargo build` therefore
//! needs no tool but Rust. `tests/schema.rs` holds the two forms equal.

use std::{env, error::Error, fs, path::Path};

/// The schema files, in the order in which `spore.req` names them.
const FILES: [&str; 3] = [
    "schema/spore.capnp",
    "schema/report.capnp",
    "schema/daemon.capnp",
];

/// The module of the crate that holds the generated ones.
const MODULE: &str = "schema";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=schema");
    println!("cargo:rerun-if-env-changed=SPORE_SCHEMA_FROM_REQ");
    println!("cargo:rerun-if-env-changed=PATH");
    let out = env::var("OUT_DIR")?;
    if env::var_os("SPORE_SCHEMA_FROM_REQ").is_none() && installed("capnp") {
        let mut command = capnpc::CompilerCommand::new();
        command
            .src_prefix("schema")
            .output_path(&out)
            .default_parent_module(vec![MODULE.into()]);
        for file in FILES {
            command.file(file);
        }
        command.run()?;
    } else {
        let request = fs::read("schema/spore.req")?;
        capnpc::codegen::CodeGenerationCommand::new()
            .output_directory(&out)
            .default_parent_module(vec![MODULE.into()])
            .run(&request[..])?;
    }
    Ok(())
}

/// Whether a program of this name lies on `PATH`.
fn installed(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| {
        env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
    })
}
