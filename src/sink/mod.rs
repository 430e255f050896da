//! Where reports go: one form for each reader.

mod capnp;
mod json;
mod text;

pub use capnp::{fill, fill_step};
pub use json::value as json;
pub use text::Style;

use crate::report::Report;
use std::io::{self, Write};

/// The form reports are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines for people.
    Text(Style),
    /// One JSON object a line.
    Json,
    /// Packed `SporeReport` messages, back to back.
    Capnp,
}

/// Writes reports in one form. A reader that went away ends the writing, not the work: what was asked for
/// is still done.
pub struct Sink<W> {
    form: Form,
    output: Option<W>,
    also: Option<Also>,
}

/// What else learns of each report.
type Also = Box<dyn FnMut(&Report) + Send>;

impl<W: Write> Sink<W> {
    /// A sink into `output`.
    pub const fn new(form: Form, output: W) -> Self {
        Self {
            form,
            output: Some(output),
            also: None,
        }
    }

    /// The same, with `tell` called for each report before it is written, whether or not anybody reads the
    /// output.
    #[must_use]
    pub fn telling(mut self, tell: impl FnMut(&Report) + Send + 'static) -> Self {
        self.also = Some(Box::new(tell));
        self
    }

    /// Writes one report and hands it on at once.
    ///
    /// # Errors
    /// The output cannot be written, other than because its reader went away.
    pub fn report(&mut self, report: &Report) -> io::Result<()> {
        if let Some(tell) = &mut self.also {
            tell(report);
        }
        let Some(output) = &mut self.output else {
            return Ok(());
        };
        let written = match self.form {
            Form::Text(style) => text::write(output, report, style),
            Form::Json => json::write(output, report),
            Form::Capnp => capnp::write(output, report),
        };
        match written.and_then(|()| output.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                tracing::warn!("nobody reads the reports any more; the work goes on without them");
                self.output = None;
                Ok(())
            }
            written => written,
        }
    }
}
