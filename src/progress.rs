//! How far something has come that takes long, told to whoever wants to know.

use crate::model::SiteId;
use crate::words;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an upload is not told of after it was, unless it ends: what moves ten times a second seems to move all the
/// time.
const PAUSE: Duration = Duration::from_millis(100);

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A part of a build begins: a line for people.
    Build(String),
    /// Files are sent to a provider.
    Upload(Upload),
}

/// How much of an upload was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// Files that were sent, and how many there are to send.
    pub files: (usize, usize),
    /// The same in bytes.
    pub bytes: (u64, u64),
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(line) => f.write_str(line),
            Self::Upload(Upload { files, bytes }) => write!(
                f,
                "uploading: {} of {}, {} of {}",
                files.0,
                words::count(files.1, "file"),
                words::bytes(bytes.0),
                words::bytes(bytes.1)
            ),
        }
    }
}

/// Who is told, or nobody. Clones tell the same.
#[derive(Clone, Default)]
pub struct Telling(Option<Arc<Told>>);

type Told = dyn Fn(&SiteId, Progress) + Send + Sync;

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Telling").field(&self.0.is_some()).finish()
    }
}

impl Telling {
    /// Calls this. It must not take long: the work waits for it.
    #[must_use]
    pub fn to(told: impl Fn(&SiteId, Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    /// Tells how far a site has come.
    pub fn tell(&self, site: &SiteId, progress: Progress) {
        if let Some(told) = &self.0 {
            told(site, progress);
        }
    }

    /// Begins to tell of an upload of so many files and bytes, and tells that nothing was sent yet.
    #[must_use]
    pub fn upload(&self, site: &SiteId, files: usize, bytes: u64) -> Uploading {
        let upload = Upload {
            files: (0, files),
            bytes: (0, bytes),
        };
        self.tell(site, Progress::Upload(upload));
        Uploading {
            telling: self.clone(),
            site: site.clone(),
            state: Mutex::new((upload, None)),
        }
    }
}

/// An upload that is told of: at its beginning, now and then, and at its end.
#[derive(Debug)]
pub struct Uploading {
    telling: Telling,
    site: SiteId,
    /// What was sent, and when that was told last, its beginning aside.
    state: Mutex<(Upload, Option<Instant>)>,
}

impl Uploading {
    /// Notes that some more was sent.
    pub fn sent(&self, files: usize, bytes: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (upload, told) = &mut *state;
        upload.files.0 += files;
        upload.bytes.0 += bytes;
        let ended = upload.files.0 >= upload.files.1;
        if ended || told.is_none_or(|told| told.elapsed() >= PAUSE) {
            *told = Some(Instant::now());
            // Told while it is locked: others must not overtake it.
            self.telling.tell(&self.site, Progress::Upload(*upload));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Parse as _;

    #[test]
    fn an_upload_is_told_at_its_beginning_and_end_and_seldom_between() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let telling = Telling::to(move |site, progress| {
            listener.lock().unwrap().push(format!("{site} {progress}"));
        });
        let site = SiteId::parse("blog").unwrap();
        telling.tell(&site, Progress::Build("npm ci".into()));
        let uploading = telling.upload(&site, 1000, 5_000_000);
        for _ in 0..1000 {
            uploading.sent(1, 5000);
        }
        let told = told.lock().unwrap();
        assert_eq!(
            told[..2],
            [
                "blog npm ci",
                "blog uploading: 0 of 1000 files, 0 B of 5.0 MB"
            ]
        );
        let last = told.last().unwrap();
        assert_eq!(last, "blog uploading: 1000 of 1000 files, 5.0 MB of 5.0 MB");
        assert!(told.len() < 10, "{told:?}");
    }

    #[test]
    fn nobody_need_be_told() {
        let site = SiteId::parse("blog").unwrap();
        Telling::default().upload(&site, 1, 1).sent(1, 1);
    }
}
