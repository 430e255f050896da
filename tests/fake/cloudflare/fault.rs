//! Scripted faults.

use super::refusal;
use super::wire::Answer;
use hyper::Method;
use serde_json::json;
use std::time::Duration;

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// Another answer is given; nothing is done.
    Answer(Answer),
    /// The connection is reset before an answer; nothing is done.
    Reset,
    /// It is done, and the answer breaks off in the middle.
    Truncated,
    /// It is begun only after this time; nothing is done when the client hangs up before.
    SlowStart(Duration),
    /// It is done, and the answer comes only after this time.
    SlowAnswer(Duration),
    /// It is done, and the connection is closed without an answer.
    DoneThenLost,
}

/// A fault and the calls that it strikes: all of them unless told otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    trouble: Trouble,
    method: Option<&'static str>,
    /// The parts of the path; `*` stands for any one part, a closing `**` for any number of them.
    path: Option<Vec<String>>,
    when: When,
}

/// Which of the matching calls are struck, counted from 1.
#[derive(Clone, Copy, Debug)]
enum When {
    Always,
    Nth(u32),
    First(u32),
    Every(u32),
}

impl Fault {
    /// A fault that strikes every call.
    pub(crate) fn new(trouble: Trouble) -> Self {
        Self {
            trouble,
            method: None,
            path: None,
            when: When::Always,
        }
    }

    /// 429 in the service's envelope; `retry_after` is in seconds.
    pub(crate) fn throttled(retry_after: Option<u32>) -> Self {
        let message = "Please wait and consider throttling your request speed";
        let mut answer = refusal::Refusal::new(429, 971, message).answer();
        let header = retry_after.map(|seconds| ("retry-after", seconds.to_string()));
        answer.headers.extend(header);
        Self::new(Trouble::Answer(answer))
    }

    /// An error in the service's envelope.
    pub(crate) fn error(status: u16, code: u32, message: &str) -> Self {
        let answer = refusal::Refusal::new(status, code, message).answer();
        Self::new(Trouble::Answer(answer))
    }

    /// An HTML page, as a gateway before the service gives it.
    pub(crate) fn page(status: u16) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>api.cloudflare.com | {status}</title></head>\
             <body><h1>Error {status}</h1></body></html>\n"
        );
        let answer = Answer::text(status, "text/html; charset=UTF-8", page);
        Self::new(Trouble::Answer(answer))
    }

    /// 200 with a body that is JSON and no envelope.
    pub(crate) fn nonsense() -> Self {
        Self::new(Trouble::Answer(Answer::json(200, &json!({ "spores": 7 }))))
    }

    /// The plain text that an upload token too old is refused with.
    pub(crate) fn expired_jwt() -> Self {
        Self::new(Trouble::Answer(refusal::expired_jwt().answer()))
    }

    /// Strikes only calls with this method and path below `/client/v4`. In the path `*` stands for any one
    /// part, and a closing `**` for any number of parts.
    pub(crate) fn on(mut self, method: &'static str, path: &str) -> Self {
        self.method = Some(method);
        self.at(path)
    }

    /// Strikes only calls with this path, whatever the method; see [`Self::on`].
    pub(crate) fn at(mut self, path: &str) -> Self {
        let parts = path.trim_start_matches('/').split('/');
        self.path = Some(parts.map(Into::into).collect());
        self
    }

    /// Strikes only the n-th matching call, counted from 1.
    pub(crate) fn nth(mut self, n: u32) -> Self {
        self.when = When::Nth(n);
        self
    }

    /// Strikes only the first n matching calls.
    pub(crate) fn first(mut self, n: u32) -> Self {
        self.when = When::First(n);
        self
    }

    /// Strikes every n-th matching call: with `every(3)` the 3rd, the 6th and so on.
    pub(crate) fn every(mut self, n: u32) -> Self {
        assert!(n > 0, "every call is every(1)");
        self.when = When::Every(n);
        self
    }

    fn matches(&self, method: &Method, segments: &[String]) -> bool {
        let of_method = self.method.is_none_or(|own| own == method.as_str());
        let of_path = self.path.as_ref().is_none_or(|path| fits(path, segments));
        of_method && of_path
    }
}

fn fits(pattern: &[String], segments: &[String]) -> bool {
    let (open, pattern) = match pattern.split_last() {
        Some((last, rest)) if last == "**" => (true, rest),
        _ => (false, pattern),
    };
    let lengths = pattern.len() == segments.len() || (open && pattern.len() < segments.len());
    let mut pairs = pattern.iter().zip(segments);
    lengths && pairs.all(|(pattern, segment)| pattern == "*" || pattern == segment)
}

/// Which scripted fault: the answer of [`super::Fake::fault`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultId(usize);

struct Scripted {
    id: usize,
    fault: Fault,
    /// Matching calls so far.
    seen: u32,
}

/// The faults to come.
#[derive(Default)]
pub(crate) struct Script {
    faults: Vec<Scripted>,
    /// How often each fault has struck, by its identifier.
    struck: Vec<u32>,
}

impl Script {
    /// Adds a fault behind the others.
    pub(crate) fn add(&mut self, fault: Fault) -> FaultId {
        let id = self.struck.len();
        self.struck.push(0);
        self.faults.push(Scripted { id, fault, seen: 0 });
        FaultId(id)
    }

    /// How often a fault has struck.
    pub(crate) fn struck(&self, fault: FaultId) -> u32 {
        self.struck[fault.0]
    }

    /// Ends all faults; what they did is still known.
    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    /// What goes wrong with a call. Every matching fault counts it; the first that is due strikes.
    pub(crate) fn strike(&mut self, method: &Method, segments: &[String]) -> Option<Trouble> {
        let mut struck = None;
        for scripted in &mut self.faults {
            if !scripted.fault.matches(method, segments) {
                continue;
            }
            scripted.seen += 1;
            let due = match scripted.fault.when {
                When::Always => true,
                When::Nth(n) => scripted.seen == n,
                When::First(n) => scripted.seen <= n,
                When::Every(n) => scripted.seen % n == 0,
            };
            if due && struck.is_none() {
                self.struck[scripted.id] += 1;
                struck = Some(scripted.fault.trouble.clone());
            }
        }
        struck
    }
}
