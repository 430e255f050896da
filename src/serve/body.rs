//! The bodies of answers.

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use rustix::buffer::spare_capacity;
use rustix::io::pread;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::{JoinHandle, spawn_blocking};

/// How much of a large file is read and held at a time.
const CHUNK: usize = 128 * 1024;

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Body {
    /// Bytes in memory.
    Memory(Bytes),
    /// Part of a file.
    File(FilePart),
}

/// Part of a file, read chunk by chunk as the client takes it.
#[derive(Debug)]
pub(super) struct FilePart {
    file: Arc<File>,
    rest: Range<u64>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Body {
    /// No bytes.
    pub(super) const fn empty() -> Self {
        Self::Memory(Bytes::new())
    }

    /// These bytes of a file, which must have them.
    pub(super) fn file(file: File, part: Range<u64>) -> Self {
        Self::File(FilePart {
            file: Arc::new(file),
            rest: part,
            reading: None,
        })
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = match self.get_mut() {
            Self::Memory(bytes) if bytes.is_empty() => None,
            Self::Memory(bytes) => Some(Ok(std::mem::take(bytes))),
            Self::File(part) => ready!(part.poll_chunk(context)),
        };
        Poll::Ready(next.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(part) => part.rest.end - part.rest.start,
        })
    }
}

impl FilePart {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let (file, rest) = (&self.file, &self.rest);
        let reading = self.reading.get_or_insert_with(|| {
            let (file, rest) = (Arc::clone(file), rest.clone());
            spawn_blocking(move || read_chunk(&file, &rest))
        });
        let chunk = ready!(Pin::new(reading).poll(context)).unwrap_or_else(|error| {
            // The reader was cancelled: the runtime is shutting down.
            Err(io::Error::other(error))
        });
        self.reading = None;
        if let Ok(bytes) = &chunk {
            self.rest.start += bytes.len() as u64;
        }
        Poll::Ready(Some(chunk))
    }
}

/// Reads the first bytes of a part: at least one, or the file is shorter than it was.
fn read_chunk(file: &File, part: &Range<u64>) -> io::Result<Bytes> {
    let left = usize::try_from(part.end - part.start).unwrap_or(CHUNK);
    let mut chunk = Vec::with_capacity(left.min(CHUNK));
    pread(file, spare_capacity(&mut chunk), part.start)?;
    // An allocation may have more room than was asked for.
    chunk.truncate(left.min(CHUNK));
    if chunk.is_empty() {
        tracing::error!(at = part.start, "a file ended early while it was sent");
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(chunk.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::io::Write;

    #[tokio::test]
    async fn a_part_of_a_file_is_sent_whole() {
        let bytes: Vec<u8> = (0..500_000_u32)
            .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
            .collect();
        for part in [0..0, 0..1, 7..300_000, 0..500_000, 499_999..500_000] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let found = Body::file(file, part.clone())
                .collect()
                .await
                .unwrap()
                .to_bytes();
            let range = usize::try_from(part.start).unwrap()..usize::try_from(part.end).unwrap();
            assert_eq!(found, bytes[range]);
        }
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_an_error() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0; 100]).unwrap();
        assert!(Body::file(file, 0..101).collect().await.is_err());
    }
}
