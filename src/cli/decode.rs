//! `decode`: packed messages to JSON.

use super::args::Decode;
use super::exit::{Exit, Failure};
use super::{input, render};
use crate::edge::EdgeError;
use crate::json;
use crate::schema::spore_capnp::spore_config;
use crate::stream::Frames;

pub(super) fn run(args: &Decode) -> Result<Exit, Failure> {
    for frame in Frames::new(input::open(args.input.as_ref())?) {
        let frame = frame?;
        let unreadable =
            |error: String| EdgeError::rejected(format!("message {}: {error}", frame.number));
        let root = frame
            .message
            .get_root::<spore_config::Reader<'_>>()
            .map_err(|error| unreadable(error.to_string()))?;
        let value = json::to_json(root).map_err(|error| unreadable(error.to_string()))?;
        let text = if args.pretty {
            format!("{value:#}\n")
        } else {
            format!("{value}\n")
        };
        render::answer(text.as_bytes())?;
    }
    Ok(Exit::Converged)
}
