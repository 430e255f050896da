//! Small files in memory, by the digest of their bytes: sites that share a file share its place.

use crate::release::Digest;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// What an entry takes beyond its bytes: the key twice and the bookkeeping.
const OVERHEAD: usize = 160;

/// A cache of a bounded number of bytes. What was used since it was last looked at is given a
/// second chance before it is put out (the CLOCK policy), so that a hit needs no exclusive lock.
#[derive(Debug)]
pub(super) struct Cache {
    capacity: usize,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Digest, Entry>,
    /// The keys of the entries, the next to be looked at first.
    queue: VecDeque<Digest>,
    used: usize,
}

#[derive(Debug)]
struct Entry {
    bytes: Bytes,
    touched: AtomicBool,
}

impl Cache {
    /// An empty cache of at most so many bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            inner: RwLock::default(),
        }
    }

    /// The bytes of this digest, if they are held.
    pub(super) fn get(&self, key: &Digest) -> Option<Bytes> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let entry = inner.entries.get(key)?;
        entry.touched.store(true, Ordering::Relaxed);
        Some(entry.bytes.clone())
    }

    /// Holds these bytes, putting others out if there is no room.
    pub(super) fn insert(&self, key: Digest, bytes: Bytes) {
        let cost = bytes.len() + OVERHEAD;
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if cost > self.capacity || inner.entries.contains_key(&key) {
            return;
        }
        while inner.used + cost > self.capacity {
            inner.evict();
        }
        inner.used += cost;
        inner.queue.push_back(key);
        let touched = AtomicBool::new(false);
        inner.entries.insert(key, Entry { bytes, touched });
    }
}

impl Inner {
    /// Puts out the first entry that was not used since it was last looked at.
    fn evict(&mut self) {
        while let Some(key) = self.queue.pop_front() {
            let entry = self.entries.get_mut(&key);
            if entry.is_some_and(|entry| std::mem::take(entry.touched.get_mut())) {
                self.queue.push_back(key);
                continue;
            }
            if let Some(entry) = self.entries.remove(&key) {
                self.used -= entry.bytes.len() + OVERHEAD;
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> Digest {
        Digest::of(&[n])
    }

    fn held(cache: &Cache) -> Vec<u8> {
        let inner = cache.inner.read().unwrap();
        assert_eq!(inner.queue.len(), inner.entries.len());
        assert!(inner.used <= cache.capacity);
        (0..20)
            .filter(|n| inner.entries.contains_key(&key(*n)))
            .collect()
    }

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let cache = Cache::new(3 * (100 + OVERHEAD));
        for n in 0..3 {
            cache.insert(key(n), Bytes::from(vec![n; 100]));
        }
        assert_eq!(cache.get(&key(0)).unwrap(), vec![0; 100]);
        cache.insert(key(3), Bytes::from(vec![3; 100]));
        assert_eq!(held(&cache), [0, 2, 3]);
        cache.insert(key(4), Bytes::from(vec![4; 100]));
        assert_eq!(held(&cache), [0, 3, 4]);
        assert!(cache.get(&key(1)).is_none());
    }

    #[test]
    fn what_is_too_large_is_not_held() {
        let cache = Cache::new(200);
        cache.insert(key(1), Bytes::from(vec![0; 201]));
        assert!(held(&cache).is_empty());
        for n in 0..20 {
            cache.insert(key(n), Bytes::from(vec![0; usize::from(n)]));
            cache.insert(key(n), Bytes::from(vec![0; usize::from(n)]));
        }
        assert_eq!(held(&cache), [19]);
    }
}
