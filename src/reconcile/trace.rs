//! The spans of the work on a site: `site`, and within it `observe`, `build` and those of the plan's steps
//! ([`crate::apply`]). Their names are few, and what differs is in their fields.

use super::attempt::Attempt;
use crate::edge::EdgeError;
use crate::model::SiteId;
use crate::report::Cause;
use crate::schema::enumerant_name;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span, info_span};

/// One thing done for a site: the attempt of this number at a message, an order or a look.
pub(super) fn site(site: &SiteId, cause: Cause, request_id: &str, attempt: u32) -> Span {
    info_span!(
        "site",
        %site,
        cause = %enumerant_name(cause),
        request_id = (!request_id.is_empty()).then_some(request_id),
        attempt,
        outcome = Empty,
        error = Empty,
    )
}

/// Notes how it ended.
pub(super) fn ended(span: &Span, attempt: &Attempt) {
    span.record("outcome", display(enumerant_name(attempt.report.outcome)));
    if let Some(failure) = &attempt.failure {
        span.record("error", failure.problem.message.as_str());
    }
}

/// Looking at what is there.
pub(super) fn observe(what: &'static str) -> Span {
    info_span!("observe", %what, error = Empty)
}

/// Making the files, or finding out that they are made already.
pub(super) fn build() -> Span {
    info_span!("build", error = Empty)
}

/// Does something within a span, which has the error if there is one.
pub(super) async fn within<T>(
    span: Span,
    work: impl Future<Output = Result<T, EdgeError>>,
) -> Result<T, EdgeError> {
    let done = work.instrument(span.clone()).await;
    if let Err(error) = &done {
        span.record("error", error.full());
    }
    done
}
