//! Everything that the fake knows.

use super::access::Token;
use super::builds::Build;
use super::clock::{Clock, Identifiers};
use super::domain::DomainClock;
use super::project::Project;
use super::rate::{Budget, Rate};
use super::record::Record;
use super::refusal::{self, Refusal};
use super::wire::Answer;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How the fake behaves.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How long an upload token is good for.
    pub(crate) jwt_lifetime: Duration,
    /// How many files a deployment may have; told in the upload token.
    pub(crate) files: usize,
    /// When custom domains become active.
    pub(crate) domains: DomainClock,
    /// Whether a domain below one of the fake's zones becomes active only when a record of that zone points
    /// at the project.
    pub(crate) check_dns: bool,
    /// How many custom domains a project may have.
    pub(crate) domains_per_project: usize,
    /// How often an uploaded deployment must be looked at until it is live; 0 for at once.
    pub(crate) deployment_polls: u32,
    /// How deployments of connected repositories are built.
    pub(crate) build: Build,
    /// Whether the service's app may reach the repositories of new projects.
    pub(crate) git_authorised: bool,
    /// How many operations a batch of record changes may have.
    pub(crate) batch_operations: usize,
    /// The rate limit that is held; without one the headers tell the usual one and nothing is refused.
    pub(crate) rate: Option<Rate>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            jwt_lifetime: Duration::from_secs(300),
            files: 20_000,
            domains: DomainClock::AfterGets(2),
            check_dns: true,
            domains_per_project: 100,
            deployment_polls: 0,
            build: Build::default(),
            git_authorised: true,
            batch_operations: 200,
            rate: None,
        }
    }
}

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) name: String,
    /// By name.
    pub(crate) projects: BTreeMap<String, Project>,
}

/// A zone.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) name: String,
    /// `active`, `pending`, `initializing` or `moved`.
    pub(crate) status: &'static str,
    /// Whether the zone's plan is Enterprise, which allows a time to live of 30 seconds.
    pub(crate) enterprise: bool,
    pub(crate) created_on: String,
    /// In the order of their creation.
    pub(crate) records: Vec<Record>,
}

/// Everything that the fake knows.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    /// By identifier.
    pub(crate) accounts: BTreeMap<String, Account>,
    /// By identifier.
    pub(crate) zones: BTreeMap<String, Zone>,
    /// By the secret text.
    pub(crate) tokens: BTreeMap<String, Token>,
    /// Names under `pages.dev` that belong to strangers: a project of such a name gets another subdomain.
    pub(crate) taken_subdomains: BTreeSet<String>,
    /// Custom domains that strangers have on projects of theirs.
    pub(crate) taken_domains: BTreeSet<String>,
    /// What was refused although the service is not known to refuse it.
    pub(crate) violations: Vec<String>,
    pub(crate) clock: Clock,
    pub(crate) ids: Identifiers,
    pub(crate) budget: Budget,
}

impl World {
    /// An empty world.
    pub(crate) fn new() -> Self {
        Self {
            settings: Settings::default(),
            accounts: BTreeMap::new(),
            zones: BTreeMap::new(),
            tokens: BTreeMap::new(),
            taken_subdomains: BTreeSet::new(),
            taken_domains: BTreeSet::new(),
            violations: Vec::new(),
            clock: Clock::default(),
            ids: Identifiers::default(),
            budget: Budget::default(),
        }
    }

    /// Adds an account and returns its identifier.
    pub(crate) fn add_account(&mut self, name: &str) -> String {
        let id = self.ids.short();
        let account = Account {
            id: id.clone(),
            name: name.to_owned(),
            projects: BTreeMap::new(),
        };
        self.accounts.insert(id.clone(), account);
        id
    }

    /// Adds a token and returns its secret text.
    pub(crate) fn add_token(&mut self, mut token: Token) -> String {
        token.id = self.ids.short();
        let secret = format!("fake-{}", self.ids.short());
        self.tokens.insert(secret.clone(), token);
        secret
    }

    /// Adds an active zone without records and returns its identifier.
    pub(crate) fn add_zone(&mut self, account: &str, name: &str) -> String {
        let id = self.ids.short();
        let zone = Zone {
            id: id.clone(),
            account: account.to_owned(),
            name: name.to_owned(),
            status: "active",
            enterprise: false,
            created_on: self.clock.stamp(),
            records: Vec::new(),
        };
        self.zones.insert(id.clone(), zone);
        id
    }

    /// The records of a zone, by the zone's name.
    ///
    /// # Panics
    ///
    /// When there is no such zone.
    pub(crate) fn records(&self, zone: &str) -> &[Record] {
        let found = self.zones.values().find(|it| it.name == zone);
        let found = found.unwrap_or_else(|| panic!("there is no zone {zone}"));
        &found.records
    }

    /// A project.
    pub(crate) fn project(&mut self, account: &str, name: &str) -> Result<&mut Project, Refusal> {
        let account = self.accounts.get_mut(account);
        let project = account.and_then(|account| account.projects.get_mut(name));
        project.ok_or_else(refusal::no_project)
    }

    /// All projects of all accounts.
    pub(crate) fn projects(&self) -> impl Iterator<Item = &Project> {
        let accounts = self.accounts.values();
        accounts.flat_map(|account| account.projects.values())
    }

    /// The zone that a name lies in.
    pub(crate) fn zone_of(&self, name: &str) -> Option<&Zone> {
        let zones = self.zones.values().filter(|zone| zone.holds(name));
        zones.max_by_key(|zone| zone.name.len())
    }

    /// An answer with the headers of the rate limit.
    pub(crate) fn marked(&self, mut answer: Answer) -> Answer {
        let rate = self.settings.rate.unwrap_or_default();
        self.budget
            .mark(rate, self.clock.since_epoch(), &mut answer);
        answer
    }
}

impl Zone {
    /// Whether a name is the zone's or lies below it.
    pub(crate) fn holds(&self, name: &str) -> bool {
        let below = name.strip_suffix(&self.name);
        below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}
