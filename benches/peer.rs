//! The peer of the decode case: a C++ program that makes the same owned copy with the C++ library.

use crate::harness::{Result, output};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The peer, compiled, with the messages it reads.
pub(crate) struct Peer {
    program: PathBuf,
    input: PathBuf,
}

impl Peer {
    /// Compiles the peer below the target folder; `None`, said loudly, where its tools are missing.
    pub(crate) fn compiled(messages: &[u8]) -> Result<Option<Self>> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peer");
        fs::create_dir_all(&folder)?;
        let peer = Self {
            program: folder.join("peer"),
            input: folder.join("messages"),
        };
        if let Err(error) = peer.compile(&folder) {
            println!(
                "PEER MISSING: the C++ program could not be compiled; only our own figures follow."
            );
            println!("It needs capnp, g++ and libcapnp-dev (Debian: capnproto g++ libcapnp-dev).");
            println!("{error}");
            return Ok(None);
        }
        fs::write(&peer.input, messages)?;
        Ok(Some(peer))
    }

    fn compile(&self, folder: &Path) -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let schema = root.join("schema");
        output(
            Command::new("capnp")
                .arg("compile")
                .arg(format!("-oc++:{}", folder.display()))
                .arg(format!("--src-prefix={}", schema.display()))
                .args([schema.join("spore.capnp"), schema.join("rust.capnp")]),
        )?;
        // Flags as for a distribution's release build; the linker's optimisation changed nothing.
        output(
            Command::new("g++")
                .args(["-O2", "-std=c++17", "-I"])
                .args([folder, &root.join("benches/peer.c++")])
                .args([
                    folder.join("spore.capnp.c++"),
                    folder.join("rust.capnp.c++"),
                ])
                .args(["-lcapnp", "-lkj", "-o"])
                .arg(&self.program),
        )?;
        Ok(())
    }

    /// The processor seconds of one pass over all messages.
    pub(crate) fn pass(&self) -> Result<f64> {
        let seconds = output(Command::new(&self.program).arg(&self.input))?;
        Ok(seconds.trim().parse()?)
    }
}
