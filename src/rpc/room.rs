//! A bound on the calls of one connection that are under way.

use futures_util::io::AsyncRead;
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Calls of one connection that may be under way at once. Each may hold a configuration of 1 MiB.
const CALLS: usize = 64;

/// Watches that one connection may have.
pub(super) const WATCHES: usize = 16;

/// How many calls are under way.
#[derive(Debug, Default)]
pub(super) struct Room {
    taken: Cell<usize>,
    watches: Cell<usize>,
    /// Who waits for a free place, or for all of them.
    waiting: RefCell<Vec<Waker>>,
}

/// A call's place, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Rc<Room>);

/// A watch, counted until it is dropped. It takes no place, as it may last for months.
#[derive(Debug)]
pub(super) struct Watching(Rc<Room>);

impl Room {
    /// A place for one more call. It is there in any case: what was read already is answered.
    pub(super) fn enter(self: &Rc<Self>) -> Place {
        self.taken.set(self.taken.get() + 1);
        Place(Rc::clone(self))
    }

    /// One watch more; `None` where there are too many.
    pub(super) fn watch(self: &Rc<Self>) -> Option<Watching> {
        let more = self.watches.get() + 1;
        (more <= WATCHES).then(|| {
            self.watches.set(more);
            Watching(Rc::clone(self))
        })
    }

    /// Resolves when nothing is under way.
    pub(super) async fn empty(&self) {
        let empty = || self.taken.get() + self.watches.get() == 0;
        std::future::poll_fn(|context| self.until(empty(), context)).await;
    }

    fn until(&self, holds: bool, context: &Context<'_>) -> Poll<()> {
        if holds {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Room {
    fn wake(&self) {
        for waker in self.waiting.take() {
            waker.wake();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.set(self.0.taken.get() - 1);
        self.0.wake();
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.watches.set(self.0.watches.get() - 1);
        self.0.wake();
    }
}

/// Reads on only while there is room, so that who sends faster than is answered is slowed by its socket.
#[derive(Debug)]
pub(super) struct Gate<R> {
    input: R,
    room: Rc<Room>,
}

impl<R> Gate<R> {
    pub(super) const fn new(input: R, room: Rc<Room>) -> Self {
        Self { input, room }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Gate<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.room.until(self.room.taken.get() < CALLS, context) {
            Poll::Ready(()) => Pin::new(&mut self.input).poll_read(context, buffer),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::io::{AsyncReadExt, Cursor};

    #[test]
    fn nothing_is_read_while_there_is_no_room() {
        let room = Rc::new(Room::default());
        let mut gate = Gate::new(Cursor::new(b"ab".to_vec()), Rc::clone(&room));
        let mut places: Vec<Place> = (1..CALLS).map(|_| room.enter()).collect();
        let mut byte = [0];
        assert_eq!(gate.read(&mut byte).now_or_never().unwrap().unwrap(), 1);
        places.push(room.enter());
        assert!(gate.read(&mut byte).now_or_never().is_none());
        assert!(room.empty().now_or_never().is_none());
        places.pop();
        assert_eq!(gate.read(&mut byte).now_or_never().unwrap().unwrap(), 1);
        assert_eq!(byte, *b"b");
        places.clear();
        let watches: Vec<_> = (0..WATCHES).map(|_| room.watch().unwrap()).collect();
        assert!(room.watch().is_none());
        assert!(room.empty().now_or_never().is_none());
        drop(watches);
        assert!(room.empty().now_or_never().is_some());
    }
}
