//! `send`: hands messages to a running daemon and, when asked to, waits for what became of them.

use super::args::{Global, Send};
use super::exit::{Exit, Failure};
use super::{input, render};
use crate::authoring::{self, Format};
use crate::sink::Sink;
use crate::stream::{self, Replies, Target, Writer};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

/// What is sent of one file.
enum Input {
    /// Messages that were encoded of a text.
    Encoded(Vec<Vec<u8>>),
    /// A packed stream, read as it is sent.
    Stream(PathBuf),
}

pub(super) fn run(global: &Global, args: &Send) -> Result<Exit, Failure> {
    if args.wait && matches!(args.to, Target::Fifo(_)) {
        return Err(Failure::usage(
            "a fifo has no way back for reports",
            "leave --wait out, or send to unix:PATH",
        ));
    }
    // Texts are encoded and checked before one byte goes out.
    let inputs = args.files.iter().map(|file| Input::open(file));
    let inputs: Vec<Input> = inputs.collect::<Result<_, _>>()?;
    let (writer, replies) = args.to.open(args.wait)?;
    match replies {
        None => send(inputs, writer).1.map(|()| Exit::Converged),
        Some(replies) => {
            let sink = Sink::new(render::form(global, args.output), io::stdout());
            wait(inputs, writer, replies, sink)
        }
    }
}

impl Input {
    fn open(file: &str) -> Result<Self, Failure> {
        let path = Path::new(file);
        let is_text = Format::of(path).is_some() || file.contains(".capnp:");
        if !is_text {
            return Ok(Self::Stream(path.into()));
        }
        let messages = authoring::encode_file(file, None)?;
        Ok(Self::Encoded(
            messages.into_iter().map(|it| it.packed).collect(),
        ))
    }
}

/// Sends all messages: how many were, and what stopped it.
fn send(inputs: Vec<Input>, mut writer: Writer) -> (u64, Result<(), Failure>) {
    let mut sent = 0;
    let mut each = |message: &[u8]| {
        writer.send(message)?;
        sent += 1;
        Ok::<_, Failure>(())
    };
    let all = || {
        for input in inputs {
            match input {
                Input::Encoded(messages) => messages.iter().try_for_each(|it| each(it))?,
                Input::Stream(path) => {
                    for message in stream::recorded(input::open(Some(&path))?) {
                        each(&message?)?;
                    }
                }
            }
        }
        Ok(())
    };
    let ended = all();
    // Of what was sent the reports are waited for, whatever came then.
    let told = writer.end().map_err(Failure::from);
    (sent, ended.and(told))
}

/// Sends on a thread of its own, so that reports are read meanwhile: a daemon whose reports nobody takes
/// reads no further messages.
fn wait(
    inputs: Vec<Input>,
    writer: Writer,
    replies: Replies,
    mut sink: Sink<io::Stdout>,
) -> Result<Exit, Failure> {
    let sending = thread::Builder::new().name("send".into());
    let sending = sending
        .spawn(move || send(inputs, writer))
        .map_err(Failure::io("no thread for sending"))?;
    let mut exit = Exit::Converged;
    let (mut reports, mut broken) = (0, None);
    for reply in replies {
        match reply {
            Err(error) => {
                broken = Some(error);
                break;
            }
            Ok(report) => {
                reports += 1;
                if !report.converged() {
                    exit = Exit::Failed;
                }
                let written = sink.report(&report);
                written.map_err(Failure::io("reports cannot be written"))?;
            }
        }
    }
    let panicked = |_| Failure::io("sending failed")(io::Error::other("its thread ended early"));
    let (messages, sent) = sending.join().map_err(panicked)?;
    match (broken, sent) {
        (Some(error), _) => Err(error.into()),
        // A daemon that went away is told of by what it did not answer.
        (None, Ok(()) | Err(Failure::Send(_))) if reports < messages => {
            Err(Failure::Unanswered { reports, messages })
        }
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Ok(exit),
    }
}
