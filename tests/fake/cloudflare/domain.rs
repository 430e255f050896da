//! A custom domain of a project.

use serde_json::{Value, json};

/// When custom domains become active, provided that their DNS is right.
#[derive(Clone, Debug)]
pub(crate) enum DomainClock {
    /// As soon as they are looked at or added.
    AtOnce,
    /// When they have been looked at so many times.
    AfterGets(u32),
    /// When their validation has been asked for again so many times.
    AfterRetries(u32),
    /// Never, for these reasons.
    Never {
        /// Why the certificate is not there.
        validation: Option<String>,
        /// Why the domain is not verified.
        verification: Option<String>,
    },
}

/// A custom domain of a project.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `initializing`, `pending`, `active`, `deactivated`, `blocked` or `error`.
    pub(crate) status: &'static str,
    pub(crate) created_on: String,
    /// The zone of the same account that it lies in; empty when there is none.
    pub(crate) zone: String,
    /// How often it was looked at.
    pub(crate) gets: u32,
    /// How often its validation was asked for again.
    pub(crate) retries: u32,
    pub(crate) validation_error: Option<String>,
    pub(crate) verification_error: Option<String>,
}

/// What is said of a domain that no record leads to the project.
const NO_RECORD: &str = "CNAME record not set";

impl Domain {
    /// Brings the domain forward. `points` tells whether its name leads to the project.
    pub(crate) fn advance(&mut self, clock: &DomainClock, points: bool) {
        if !["initializing", "pending"].contains(&self.status) {
            return;
        }
        if self.gets + self.retries > 0 {
            self.status = "pending";
        }
        self.validation_error = None;
        self.verification_error = (!points).then(|| NO_RECORD.to_owned());
        let due = match clock {
            DomainClock::AtOnce => true,
            DomainClock::AfterGets(gets) => self.gets >= *gets,
            DomainClock::AfterRetries(retries) => self.retries >= *retries,
            DomainClock::Never {
                validation,
                verification,
            } => {
                self.validation_error.clone_from(validation);
                if verification.is_some() {
                    self.verification_error.clone_from(verification);
                }
                false
            }
        };
        if due && points {
            self.status = "active";
        }
    }

    /// The domain as answers show it.
    pub(crate) fn view(&self) -> Value {
        let mut validation = json!({ "method": "http", "status": self.status });
        if self.status == "blocked" {
            validation["status"] = "error".into();
        }
        if let Some(error) = &self.validation_error {
            validation["error_message"] = error.as_str().into();
        }
        let early = self.status == "initializing";
        let mut verification = json!({ "status": if early { "pending" } else { self.status } });
        if let Some(error) = &self.verification_error {
            verification["error_message"] = error.as_str().into();
        }
        json!({
            "id": self.id,
            "domain_id": self.id,
            "name": self.name,
            "status": self.status,
            "certificate_authority": "google",
            "created_on": self.created_on,
            "zone_tag": self.zone,
            "validation_data": validation,
            "verification_data": verification,
        })
    }
}
