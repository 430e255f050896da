//! The terminal: lines that stay, and below them what goes on at the moment.

use crate::model::SiteId;
use crate::progress::{Progress, Upload};
use crate::reconcile::{Event, Events, Happening};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::env;
use std::future::Future;
use std::io::{self, IsTerminal as _, Write};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tracing_subscriber::fmt::MakeWriter;

/// What goes on, below all other lines. Set when it is first shown.
static BARS: OnceLock<MultiProgress> = OnceLock::new();

/// How a build looks, and an upload.
const BUILD: &str = "{spinner} {prefix}  {wide_msg} {elapsed}";
const UPLOAD: &str =
    "{spinner} {prefix}  [{bar:24}] {decimal_bytes} of {decimal_total_bytes}, {msg} {elapsed}";

/// How often what goes on moves.
const TICK: Duration = Duration::from_millis(120);

/// Whether there is a terminal that lines can be written over in.
pub(super) fn is_there() -> bool {
    io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Writes lines that stay above what goes on.
fn above<T>(write: impl FnOnce() -> T) -> T {
    match BARS.get() {
        Some(bars) => bars.suspend(write),
        None => write(),
    }
}

/// Standard error, for whole lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        above(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        *self
    }
}

/// Standard output, for what is written a report at a time.
#[derive(Debug, Default)]
pub(super) struct Reports(Vec<u8>);

impl Write for Reports {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.0);
        above(|| {
            let mut output = io::stdout().lock();
            output.write_all(&bytes)?;
            output.flush()
        })
    }
}

/// Shows builds and uploads while they go on, until `shutdown`.
pub(super) fn show<S: Future<Output = ()>>(
    events: &Events,
    shutdown: S,
) -> impl Future<Output = ()> + use<S> {
    let mut told = events.watch();
    let mut shown = Shown {
        all: BARS.get_or_init(MultiProgress::new).clone(),
        bars: HashMap::new(),
    };
    async move {
        tokio::pin!(shutdown);
        loop {
            let event = tokio::select! {
                biased;
                event = told.recv() => event,
                () = &mut shutdown => break,
            };
            match event {
                Ok(event) => shown.take(&event),
                // An end may be among what was missed; what goes on shows by what comes next.
                Err(RecvError::Lagged(_)) => shown.clear(),
                Err(RecvError::Closed) => break,
            }
        }
        shown.clear();
    }
}

/// The lines that are shown.
struct Shown {
    all: MultiProgress,
    bars: HashMap<SiteId, ProgressBar>,
}

impl Shown {
    fn clear(&mut self) {
        for (_, bar) in self.bars.drain() {
            bar.finish_and_clear();
        }
    }

    fn take(&mut self, event: &Event) {
        let Some(site) = &event.site else { return };
        match &event.what {
            Happening::Progress(progress) => self.show(site, progress),
            Happening::Step(_)
            | Happening::Retrying { .. }
            | Happening::Reported(_)
            | Happening::Forgotten => {
                if let Some(bar) = self.bars.remove(site) {
                    bar.finish_and_clear();
                }
            }
            Happening::Accepted { .. }
            | Happening::Started { .. }
            | Happening::Noticed { .. }
            | Happening::Circuit { .. }
            | Happening::Draining => {}
        }
    }

    fn show(&mut self, site: &SiteId, progress: &Progress) {
        let bar = match self.bars.entry(site.clone()) {
            Entry::Occupied(entry) => {
                let bar = entry.into_mut();
                bar.set_style(style(progress));
                bar
            }
            Entry::Vacant(entry) => {
                let bar = ProgressBar::no_length().with_style(style(progress));
                entry.insert(self.all.add(bar.with_prefix(site.to_string())))
            }
        };
        match progress {
            Progress::Build(line) => bar.set_message(line.clone()),
            Progress::Upload(Upload { files, bytes }) => {
                bar.set_length(bytes.1);
                bar.set_message(format!("{} of {} files", files.0, files.1));
                bar.set_position(bytes.0);
            }
        }
        bar.enable_steady_tick(TICK);
    }
}

fn style(progress: &Progress) -> ProgressStyle {
    let template = match progress {
        Progress::Build(_) => BUILD,
        Progress::Upload(_) => UPLOAD,
    };
    let style = ProgressStyle::with_template(template);
    style.map_or_else(
        |_| ProgressStyle::default_spinner(),
        |style| style.progress_chars("=> "),
    )
}
