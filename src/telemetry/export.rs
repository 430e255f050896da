//! Sends what the layer keeps.

use super::protobuf;
use super::span::{Span, Value};
use super::{Recorder, TelemetrySettings};
use crate::edge::EdgeError;
use crate::edge::http::{AGENT, Answer, Budget, Http, HttpError, HttpSettings, LONGEST_WAIT};
use crate::edge::secret::Secret;
use crate::words::count;
use futures_util::future::FutureExt as _;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{sleep, timeout};
use tracing::{Instrument as _, info_span, warn};

/// Spans of this target are those of exporting, and are not exported.
pub(super) const TARGET: &str = module_path!();

/// How many spans are sent at once, and how long the first of them waits for others (trace SDK specification,
/// "Batching processor", `maxExportBatchSize` and `scheduledDelayMillis`).
const BATCH: usize = 512;
const DELAY: Duration = Duration::from_secs(5);

/// How long one attempt may take, answer included (OTLP exporter specification, `OTEL_EXPORTER_OTLP_TIMEOUT`).
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may be, in bytes. It says no more than what was not taken.
const ANSWER_MAX: usize = 64 * 1024;

/// The bounds of the first wait before another attempt, which doubles, and of the longest where the receiver does not
/// ask for more. A wait is between half of its bound and all of it, so that many clients do not come back at once.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_LONGEST: Duration = Duration::from_secs(60);

/// How long the end of the process waits for what is left.
const END: Duration = Duration::from_secs(2);

/// Sends the spans that a [`Recorder`] keeps.
pub struct Exporter {
    settings: TelemetrySettings,
    http: Http,
    spans: Receiver<Span>,
    /// What is being sent.
    batch: Vec<Span>,
    /// How many were lost that the log was not told of.
    lost: Arc<AtomicU64>,
    resource: Vec<(&'static str, Value)>,
    /// The header, once it was read and as long as it is accepted.
    headers: Option<Vec<(String, Secret)>>,
    told: Told,
}

/// What the log was told, which is told once.
#[derive(Default)]
struct Told {
    /// That nothing is exported; forgotten when something is.
    failing: bool,
    /// That spans end faster than they are exported.
    overflow: bool,
    /// That the receiver takes a part of what it is sent.
    rejected: bool,
}

/// Why spans were not taken.
struct Failure {
    reason: String,
    /// Whether another attempt may help, and after which time at the earliest.
    again: Option<Duration>,
}

impl Exporter {
    /// Lets a recorder keep spans from now on. `None` when its spans are exported already.
    #[must_use]
    pub fn new(settings: TelemetrySettings, recorder: &Recorder) -> Option<Self> {
        let (spans, lost) = recorder.begin()?;
        let mut http = HttpSettings::new(AGENT);
        http.connect_timeout = TIMEOUT;
        http.timeout = TIMEOUT;
        // Attempts are made here, where it is known that the process ends.
        http.retry.attempts = 1;
        Some(Self {
            resource: resource(&settings.service_name),
            settings,
            http: Http::new(http),
            spans,
            batch: Vec::new(),
            lost,
            headers: None,
            told: Told::default(),
        })
    }

    /// Sends spans until `shutdown`, and then what is left, which takes 2 s at most. What cannot be sent is tried
    /// again while there is time; the log is told when nothing can be sent, and how many spans were lost.
    pub async fn run(mut self, shutdown: impl Future<Output = ()> + Send) {
        let stopped = shutdown.shared();
        {
            // Whatever the network client may note of these requests is below a span that is not kept.
            let span = info_span!(target: TARGET, "export");
            let mut work = pin!(self.work(stopped.clone()).instrument(span));
            tokio::select! {
                () = &mut work => {}
                () = stopped => drop(timeout(END, &mut work).await),
            }
        }
        let left = self.batch.len() + self.spans.len();
        let lost = self.lost.load(Ordering::Relaxed) + left as u64;
        if lost > 0 {
            warn!("{} not exported", spans(lost));
        }
    }

    /// Asks the receiver once to take no spans at all, which it should (OTLP specification, "Full Success" of
    /// OTLP/HTTP).
    pub(super) async fn knock(&mut self) -> Result<(), EdgeError> {
        let sent = self.send().await;
        sent.map_err(|failure| EdgeError::rejected(failure.reason))
    }

    async fn work(&mut self, stopped: impl Future<Output = ()> + Clone) {
        loop {
            let more = self.gather(&stopped).await;
            if !self.batch.is_empty() {
                self.deliver(&stopped).await;
            }
            if !more {
                return;
            }
        }
    }

    /// Waits for the next batch. Tells whether there may be another.
    async fn gather(&mut self, stopped: &(impl Future<Output = ()> + Clone)) -> bool {
        let (spans, batch) = (&mut self.spans, &mut self.batch);
        let all = async {
            let first = spans.recv_many(batch, BATCH).await;
            let others = async {
                while batch.len() < BATCH && spans.recv_many(batch, BATCH - batch.len()).await > 0 {
                }
            };
            // That time is up says that there are no others.
            drop(timeout(DELAY, others).await);
            first > 0
        };
        tokio::select! {
            more = all => more,
            () = stopped.clone() => {
                while self.batch.len() < BATCH && let Ok(span) = self.spans.try_recv() {
                    self.batch.push(span);
                }
                !self.spans.is_empty()
            }
        }
    }

    /// Sends the batch until it is taken, is lost, or there is no more time.
    async fn deliver(&mut self, stopped: &(impl Future<Output = ()> + Clone)) {
        let mut wait = RETRY_FIRST;
        while let Err(Failure { reason, again }) = self.send().await {
            self.fails(&reason);
            let ends = stopped.clone().now_or_never().is_some();
            let Some(asked) = again.filter(|_| !ends) else {
                self.lose(self.batch.len() as u64);
                break;
            };
            let own = wait.mul_f64(f64::midpoint(1.0, fastrand::f64()));
            tokio::select! {
                () = sleep(own.max(asked.min(LONGEST_WAIT))) => wait = RETRY_LONGEST.min(2 * wait),
                () = stopped.clone() => {}
            }
        }
        self.batch.clear();
    }

    /// Sends the batch once.
    async fn send(&mut self) -> Result<(), Failure> {
        let headers = self.headers()?;
        let request = self
            .settings
            .request(headers.iter().map(|(name, it)| (name, it)));
        let request = request
            .body(
                "application/x-protobuf",
                protobuf::request(&self.resource, &self.batch),
            )
            .answer_max(ANSWER_MAX);
        match self.http.send(&request, &Budget::unlimited()).await {
            Ok(answer) if answer.is_success() => {
                self.succeeds(&answer);
                Ok(())
            }
            Ok(answer) => Err(self.refused(&answer)),
            Err(error) => Err(Failure {
                again: match error {
                    HttpError::NotSent { .. } | HttpError::Unknown { .. } => Some(Duration::ZERO),
                    HttpError::Invalid { .. } => None,
                },
                reason: error.to_string(),
            }),
        }
    }

    /// The header, read where it is kept.
    fn headers(&mut self) -> Result<Vec<(String, Secret)>, Failure> {
        if let Some(headers) = &self.headers {
            return Ok(headers.clone());
        }
        let settings = &self.settings;
        let read = settings.headers.iter().map(|(name, credential)| {
            let secret = settings.credentials.get(credential);
            // Mended without a restart.
            let failure = |error: EdgeError| Failure {
                reason: error.full(),
                again: Some(Duration::ZERO),
            };
            Ok((name.clone(), secret.map_err(failure)?))
        });
        let read: Vec<_> = read.collect::<Result<_, _>>()?;
        Ok(self.headers.insert(read).clone())
    }

    /// What an answer other than success means (OTLP specification, "Retryable Response Codes").
    fn refused(&mut self, answer: &Answer) -> Failure {
        // It may be another by now.
        self.headers = None;
        let again = matches!(answer.status, 429 | 502..=504);
        Failure {
            reason: format!("{} answered {}", self.settings.otlp, answer.status),
            again: again.then(|| answer.retry_after().unwrap_or_default()),
        }
    }

    /// Notes that nothing is exported.
    fn fails(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.told.failing, true) {
            warn!("traces cannot be exported: {reason}");
        }
    }

    /// Notes that a batch was taken, and what of it was not.
    fn succeeds(&mut self, answer: &Answer) {
        let before = self.lost.load(Ordering::Relaxed);
        if std::mem::take(&mut self.told.failing) {
            self.lost.fetch_sub(before, Ordering::Relaxed);
            warn!(
                "traces are exported again; {} lost meanwhile",
                spans(before)
            );
        } else if before > 0 && !std::mem::replace(&mut self.told.overflow, true) {
            warn!("spans end faster than they are exported, and are lost");
        }
        if let Some((rejected, why)) = protobuf::rejected(&answer.body) {
            self.lose(rejected);
            if !std::mem::replace(&mut self.told.rejected, true) {
                warn!("the receiver of traces did not take {rejected} of them: {why:?}");
            }
        }
    }

    fn lose(&self, spans: u64) {
        self.lost.fetch_add(spans, Ordering::Relaxed);
    }
}

fn spans(number: u64) -> String {
    let verb = if number == 1 { "was" } else { "were" };
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    format!("{} {verb}", count(number, "span"))
}

/// Whose spans these are (semantic conventions, "Service" and "Host").
fn resource(service: &str) -> Vec<(&'static str, Value)> {
    let version = env!("CARGO_PKG_VERSION");
    let mut resource = vec![
        ("service.name", Value::Text(service.into())),
        ("service.version", Value::Text(version.into())),
    ];
    // What uname(2) calls the node name.
    if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        resource.push(("host.name", Value::Text(host.trim_end().into())));
    }
    resource
}
