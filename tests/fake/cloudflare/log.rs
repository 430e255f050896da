//! What was asked of the fake.

use hyper::Method;
use std::fmt;

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    id: u64,
    pub(crate) method: Method,
    /// Below `/client/v4`, without the query.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// The length of the request's body in bytes.
    pub(crate) bytes: usize,
    /// `None` while there is no answer, and when there will never be one.
    pub(crate) status: Option<u16>,
}

impl Call {
    /// Whether the call is one that may change something.
    pub(crate) fn is_change(&self) -> bool {
        self.method != Method::GET && self.method != Method::HEAD
    }
}

/// `METHOD PATH STATUS`, with a dash for an answer that was not given.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.method, self.path)?;
        match self.status {
            Some(status) => write!(f, "{status}"),
            None => f.write_str("-"),
        }
    }
}

/// The calls so far.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) calls: Vec<Call>,
    pub(crate) connections: usize,
    pub(crate) peak: usize,
    begun: u64,
    pub(crate) running: usize,
}

impl Log {
    /// Notes a call, and returns by what to note its answer.
    pub(crate) fn begin(&mut self, mut call: Call) -> u64 {
        self.begun += 1;
        self.running += 1;
        self.peak = self.peak.max(self.running);
        call.id = self.begun;
        self.calls.push(call);
        self.begun
    }

    /// Notes a call's answer.
    pub(crate) fn answered(&mut self, id: u64, status: u16) {
        let mut calls = self.calls.iter_mut().rev();
        if let Some(call) = calls.find(|call| call.id == id) {
            call.status = Some(status);
        }
    }

    /// Notes that a call is over, with an answer or without.
    pub(crate) fn end(&mut self) {
        self.running -= 1;
    }

    /// Forgets all calls but those that are running.
    pub(crate) fn clear(&mut self) {
        self.calls.clear();
        self.peak = self.running;
    }
}

impl Call {
    /// A call that has just arrived.
    pub(crate) fn new(
        method: Method,
        path: String,
        query: Vec<(String, String)>,
        bytes: usize,
    ) -> Self {
        Self {
            id: 0,
            method,
            path,
            query,
            bytes,
            status: None,
        }
    }
}
