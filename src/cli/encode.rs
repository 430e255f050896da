//! `encode`: text to packed messages, checked whole before one byte goes out.

use super::args::{Encode, EncodeFormat};
use super::exit::{Exit, Failure};
use super::render;
use crate::authoring::{self, Format};
use std::io::{self, IsTerminal};

pub(super) fn run(args: &Encode) -> Result<Exit, Failure> {
    if io::stdout().is_terminal() {
        return Err(Failure::usage(
            "packed messages are bytes, and standard output is a terminal",
            "send them on: mycelia-spore encode site.yaml | mycelia-spore, or > config.bin",
        ));
    }
    let format = args.format.map(|format| match format {
        EncodeFormat::Json => Format::Json,
        EncodeFormat::Yaml => Format::Yaml,
        EncodeFormat::Toml => Format::Toml,
    });
    let mut bytes = Vec::new();
    for file in &args.files {
        for message in authoring::encode_file(file, format)? {
            bytes.extend(message.packed);
        }
    }
    render::answer(&bytes)?;
    Ok(Exit::Converged)
}
