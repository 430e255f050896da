//! One message, from its configuration to its report.

use super::attempt::{Attempt, Failure, worst};
use super::event::{Events, Happening};
use super::{invalid, superseded, trace};
use crate::apply::{Applying, Effects, Journal};
use crate::artifact::{Artifact, Names};
use crate::build::{Builds, Built};
use crate::desired::{DesiredDns, DesiredHosting, DesiredSite, Property, Recipe};
use crate::dns::{DnsBackend, DnsBackends, DnsScope};
use crate::edge::{EdgeError, EdgeErrorKind};
use crate::hosting::{Backends, HostingBackend};
use crate::model::{DnsOwnership, Ensure, Fault, HostingProvider, SiteId};
use crate::observed::{Look, ObservedSite, Ownership};
use crate::plan::{Plan, Policy, Standing, Step, Withheld};
use crate::records::Name;
use crate::registrar;
use crate::release::Digest;
use crate::report::{Outcome, Report, StepOutcome, StepReport};
use crate::schema::enumerant_name;
use crate::store::{Cause, HistoryEntry, SiteRecord, SiteState, Store, StoreError};
use crate::stream::Spore;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is done with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is carried out.
    Apply,
    /// It is shown.
    Plan,
}

/// All that is needed to reconcile sites.
#[derive(Debug)]
pub struct Reconciler {
    /// The hosting backends.
    pub backends: Backends,
    /// The DNS backends.
    pub dns: DnsBackends,
    /// What makes artifacts.
    pub builds: Builds,
    /// What was applied before.
    pub store: Store,
    /// What the operator accepts.
    pub policy: Policy,
    /// What is done with a plan.
    pub mode: Mode,
    /// Who learns of what happens.
    pub events: Events,
}

/// How one message is worked on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) mode: Mode,
    /// Whether the site is looked at closely even if the same message was carried out before.
    pub(super) closely: bool,
    /// Whether what belongs to nobody is taken over, whatever the policy says.
    pub(super) adopt: bool,
}

impl Way {
    /// As a message asks for it.
    pub(super) const fn asked(mode: Mode) -> Self {
        Self {
            mode,
            closely: false,
            adopt: false,
        }
    }
}

/// Why a message was not carried out.
pub(super) enum Stop {
    /// The message contradicts itself.
    Invalid(Vec<Fault>),
    /// It is not accepted here.
    Refused(Vec<Fault>),
    /// Something at the edge failed.
    Edge(EdgeError),
}

impl Stop {
    /// Why the site is not as asked; what the message itself is to blame for has its faults.
    pub(super) fn failure(&self) -> Option<Failure> {
        match self {
            Self::Invalid(_) | Self::Refused(_) => None,
            Self::Edge(error) => Some(Failure::from(error)),
        }
    }

    /// What a report says of it.
    pub(super) fn told(self) -> (Outcome, Vec<Fault>) {
        match self {
            Self::Invalid(faults) => (Outcome::Invalid, faults),
            Self::Refused(faults) => (Outcome::Refused, faults),
            Self::Edge(error) => (outcome_of(&error), vec![fault_of(&error)]),
        }
    }
}

impl From<EdgeError> for Stop {
    fn from(error: EdgeError) -> Self {
        Self::Edge(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Edge(state_error(error))
    }
}

/// An error of the state directory, which another attempt may find mended.
pub(super) fn state_error(error: StoreError) -> EdgeError {
    let kind = EdgeErrorKind::Transient { retry_after: None };
    EdgeError::new(kind, "the state directory failed").source(error)
}

impl Reconciler {
    /// The report of a message that was applied before and is still in force, told without a plan: the same
    /// configuration, its page's input and release as they were. `None` when that is not certain.
    pub(super) fn unchanged(&self, spore: &Spore) -> Option<Report> {
        let config = spore.config.as_ref().ok()?;
        let record = self.store.site(&config.site.id)?;
        let now = jiff::Timestamp::now();
        if record.config_digest != spore.digest
            || record.state != SiteState::Live
            || record.provider != HostingProvider::LocalStatic
            || record.next_edge.is_some_and(|edge| edge <= now)
        {
            return None;
        }
        let desired = DesiredSite::from_config(config).ok()?;
        let records = desired
            .dns
            .as_ref()
            .is_some_and(|dns| DnsBackends::keep(dns.provider));
        // Files and records are looked at by a task: there may be many.
        let Some(recipe @ Recipe::Treelink(_)) = &desired.recipe else {
            return None;
        };
        let release = record.release.as_ref()?;
        let fingerprint = self
            .builds
            .prepare(&desired.id, recipe, Names::default(), now)
            .ok()?
            .fingerprint();
        let same = fingerprint.is_some() && fingerprint == record.fingerprint;
        let project = desired.hosting.key.project.as_str();
        if !same
            || records
            || !self.backends.local_static.is_live(project, release)
            || !self.policy.refusals(&desired).is_empty()
        {
            return None;
        }
        let mut report = Report::of(spore, Some(desired.id));
        report.outcome = Outcome::Unchanged;
        report.release = Some(release.clone());
        let hosting = self.backends.canonical(desired.hosting).ok()?;
        report.urls = self.backends.urls(&hosting);
        Some(report)
    }

    /// Brings one site into the state a message asks for, or shows what that would take.
    pub async fn reconcile(&self, spore: &Spore) -> Report {
        self.attempt(spore, Way::asked(self.mode)).await.report
    }

    /// The same, telling what follows from how it ended.
    pub(super) async fn attempt(&self, spore: &Spore, way: Way) -> Attempt {
        let ended = |report| Attempt {
            report,
            failure: None,
        };
        let config = match &spore.config {
            Ok(config) => config,
            Err(faults) => return ended(invalid(spore, faults.as_slice())),
        };
        let record = self.store.site(&config.site.id);
        if let Some(record) = &record
            && config.generation != 0
            && config.generation < record.generation
        {
            let why = format!("generation {} was applied already", record.generation);
            return ended(superseded(spore, why));
        }
        let mut report = Report::of(spore, Some(config.site.id.clone()));
        let converged = match DesiredSite::from_config(config) {
            Ok(desired) => {
                self.converge(spore, desired, record.as_deref(), way, &mut report)
                    .await
            }
            Err(faults) => Err(Stop::Invalid(faults.into_vec())),
        };
        if let Err(Stop::Edge(error)) = &converged
            && let Some(record) = self.store.site(&config.site.id)
            && way.mode == Mode::Apply
        {
            self.note_failure(spore, &record, error).await;
        }
        let (failure, ended) = match converged {
            Ok(failure) => (failure, Ok(())),
            Err(stop) => (None, Err(stop)),
        };
        let mut attempt = Attempt::of(report, ended);
        attempt.failure = failure.or(attempt.failure);
        attempt.report.elapsed = spore.arrived.elapsed();
        attempt
    }

    async fn converge(
        &self,
        spore: &Spore,
        mut desired: DesiredSite,
        record: Option<&SiteRecord>,
        way: Way,
        report: &mut Report,
    ) -> Result<Option<Failure>, Stop> {
        let policy = self.policy_of(way, &mut desired);
        let refusals = policy.refusals(&desired);
        if !refusals.is_empty() {
            return Err(Stop::Refused(refusals));
        }
        if desired.ensure == Ensure::Paused {
            report.outcome = Outcome::Paused;
            report.release = record.and_then(|record| record.release.clone());
            let after = record_of(spore, &desired, record, &Input::default(), report, false);
            self.keep(spore, record, after, None, way).await?;
            return Ok(None);
        }
        desired.hosting = self.backends.canonical(desired.hosting)?;
        // A preview says nothing of what visitors see, so the record of that is left out of it.
        let preview = desired.hosting.branches.preview.is_some();
        let record = record.filter(|_| !preview);
        if desired.ensure == Ensure::Present {
            registrar::supported(desired.purchase.as_ref())?;
        }
        let look = match record {
            Some(record) if record.config_digest == spore.digest && !way.closely => Look::Passing,
            Some(_) | None => Look::Closely,
        };
        let looking = self.backends.observe(&desired.hosting, look);
        let mut observed = trace::within(trace::observe("hosting"), looking).await?;
        if let Some(scope) = self.dns_scope(&mut desired, &observed, look) {
            let looking = self.dns.observe(&scope);
            observed.zones = trace::within(trace::observe("dns"), looking).await?;
            let refusals = policy.apex_refusals(&desired, &observed.zones);
            if !refusals.is_empty() {
                return Err(Stop::Refused(refusals));
            }
        }
        let moved = record.filter(|record| !at(record, &desired.hosting));
        report.withheld.extend(moved.and_then(left_behind));
        let missed = match record.filter(|record| at(record, &desired.hosting)) {
            Some(record) => {
                self.catch_up(&desired.id, record, observed.hosting.as_ref(), way.mode)
                    .await?
            }
            None => None,
        };
        let record = missed.as_ref().map(|missed| &missed.record).or(record);
        let input = self.input(&desired, record, &observed);
        let input = trace::within(trace::build(), input).await?;
        let standing = record.map_or_else(Standing::default, |record| Standing {
            protected: record.protected,
            held: record.held,
            sent: record.sent.clone(),
        });
        let plan = Plan::between(
            &desired,
            input.artifact.as_ref(),
            &observed,
            &policy,
            &standing,
        );
        report.withheld.extend(plan.withheld.iter().cloned());
        let ours = observed.hosting.as_ref();
        let ours = ours.filter(|found| found.ownership == Ownership::Ours);
        report.release = ours.and_then(|found| found.release.clone());
        report.urls = self.urls(&desired, ours.map_or(&[], |found| &found.urls));
        if way.mode == Mode::Plan {
            report.steps = plan.preview();
            report.outcome = rest(&plan, &desired, Outcome::Planned);
            return Ok(None);
        }
        self.carry_out(spore, &desired, record, &input, &plan, report)
            .await
    }

    /// The operator's policy, as far as it holds for this way of working.
    fn policy_of(&self, way: Way, desired: &mut DesiredSite) -> Cow<'_, Policy> {
        if !way.adopt {
            return Cow::Borrowed(&self.policy);
        }
        if let Some(dns) = &mut desired.dns {
            dns.ownership = DnsOwnership::Adopt;
        }
        Cow::Owned(Policy {
            adopt: true,
            ..self.policy.clone()
        })
    }

    pub(super) const fn effects(&self) -> Effects<'_, Backends, DnsBackends> {
        Effects {
            hosting: &self.backends,
            dns: &self.dns,
        }
    }

    /// Where the site's records are and should be; `None` where it has none to keep.
    ///
    /// A message that takes a site down says nothing of its records: those are looked for where the message before
    /// had them, and under the names that the site still has.
    fn dns_scope(
        &self,
        desired: &mut DesiredSite,
        observed: &ObservedSite,
        look: Look,
    ) -> Option<DnsScope> {
        if desired.hosting.branches.preview.is_some() {
            return None;
        }
        let before = match look {
            Look::Passing => None,
            Look::Closely | Look::History => self.last(&desired.id),
        };
        // What is taken down may be what was left behind: the records lead to where the site is now.
        let before = before.filter(|before| {
            desired.ensure != Ensure::Absent
                || (before.hosting.provider() == desired.hosting.provider()
                    && before.hosting.key == desired.hosting.key)
        });
        if desired.ensure == Ensure::Absent {
            let dns = before.as_ref().and_then(|before| before.dns.clone());
            let dns = dns.filter(|dns| DnsBackends::keep(dns.provider));
            let dns = dns.or_else(|| DesiredDns::usual(desired.hosting.provider()))?;
            desired.dns = Some(DesiredDns {
                sets: Vec::new(),
                ..dns
            });
        }
        let dns = desired.dns.as_ref()?;
        let mut names = dns.names();
        let there = observed
            .hosting
            .iter()
            .filter(|it| it.ownership == Ownership::Ours);
        names.extend(there.flat_map(|hosting| hosting.names.all().map(Name::from)));
        names.extend(desired.hosting.names_led().map(Name::from));
        if let Some(before) = &before {
            names.extend(before.dns.iter().flat_map(DesiredDns::names));
            names.extend(before.hosting.names_led().map(Name::from));
        }
        (!names.is_empty() || dns.zone.is_some()).then(|| DnsScope {
            site: desired.id.clone(),
            provider: dns.provider,
            zone: dns.zone.clone(),
            credential: dns.credential.clone(),
            account: desired.hosting.account().cloned(),
            names,
            look,
        })
    }

    /// What the last message of a site asked for, as far as it is kept and can still be read.
    fn last(&self, site: &SiteId) -> Option<DesiredSite> {
        let body = self.store.message(site).ok().flatten()?;
        DesiredSite::from_config(&Spore::kept(&body)?).ok()
    }

    /// Where visitors find the site: by its own names, or where it has none by those of the provider.
    fn urls(&self, desired: &DesiredSite, given: &[String]) -> Vec<String> {
        if desired.ensure != Ensure::Present {
            return Vec::new();
        }
        let own = match desired.hosting.branches.preview {
            None => self.backends.urls(&desired.hosting),
            Some(_) => Vec::new(),
        };
        if own.is_empty() { given.to_vec() } else { own }
    }

    /// The site's files, unless it is certain that what is live was made of the same input and rules.
    async fn input(
        &self,
        desired: &DesiredSite,
        record: Option<&SiteRecord>,
        observed: &ObservedSite,
    ) -> Result<Input, EdgeError> {
        let Some(recipe) = desired.recipe.clone() else {
            return Ok(Input::default());
        };
        let live = observed.hosting.as_ref().filter(|found| {
            found.ownership == Ownership::Ours
                && found.rules == Some(desired.hosting.rules.digest())
                && found.artifact.is_some()
        });
        let known = record
            .filter(|record| live.is_some_and(|live| live.artifact == record.artifact))
            .filter(|record| record.next_edge.is_none())
            .and_then(|record| Some((record.fingerprint?, record.artifact?)));
        let (builds, site) = (self.builds.clone(), desired.id.clone());
        let names = Backends::names(desired.hosting.provider());
        let span = tracing::Span::current();
        let work = move || span.in_scope(|| Input::of(&builds, &site, &recipe, names, known));
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|error| Err(EdgeError::rejected("the build ended early").source(error)))
    }

    async fn carry_out(
        &self,
        spore: &Spore,
        desired: &DesiredSite,
        record: Option<&SiteRecord>,
        input: &Input,
        plan: &Plan,
        report: &mut Report,
    ) -> Result<Option<Failure>, Stop> {
        let mut journal = StoreJournal::new(&self.store, &self.events, &desired.id, spore.seq);
        let applying = plan.apply(&self.effects(), &mut journal).await;
        let changed = !applying.steps.is_empty();
        if applying.hosted {
            report.release.clone_from(&applying.release);
        }
        if !applying.urls.is_empty() {
            report.urls = self.urls(desired, &applying.urls);
        }
        report.faults = applying.errors.iter().map(fault_of).collect();
        report.outcome = match applying.errors.first() {
            Some(error) => outcome_of(error),
            None => rest(plan, desired, Outcome::Applied),
        };
        let failure = worst(&applying.errors);
        if desired.hosting.branches.preview.is_some() {
            report.steps = applying.steps;
            return Ok(failure);
        }
        let after = record_of(spore, desired, record, input, report, changed);
        let history = history(spore, &applying, record, report);
        report.steps = applying.steps;
        let way = Way::asked(Mode::Apply);
        self.keep(spore, record, after, history, way).await?;
        Ok(failure)
    }

    /// Keeps what is known of the site now, if that differs from what was known before.
    async fn keep(
        &self,
        spore: &Spore,
        before: Option<&SiteRecord>,
        after: SiteRecord,
        history: Option<HistoryEntry>,
        way: Way,
    ) -> Result<(), Stop> {
        let Ok(config) = &spore.config else {
            return Ok(());
        };
        if way.mode == Mode::Plan || (before == Some(&after) && history.is_none()) {
            return Ok(());
        }
        let message = Some(spore.canonical.clone());
        self.store
            .commit(&config.site.id, after, message, history)
            .await?;
        Ok(())
    }

    /// Notes that the last message for a known site could not be carried out.
    async fn note_failure(&self, spore: &Spore, record: &SiteRecord, error: &EdgeError) {
        let failed = SiteRecord {
            state: SiteState::Failed,
            config_digest: Digest::from([0; 32]),
            detail: error.full(),
            ..record.clone()
        };
        let way = Way::asked(Mode::Apply);
        if let Err(Stop::Edge(error)) = self.keep(spore, Some(record), failed, None, way).await {
            tracing::error!("{}", error.full());
        }
    }
}

/// Whether a record is about a website at this backend and under this name.
fn at(record: &SiteRecord, hosting: &DesiredHosting) -> bool {
    record.provider == hosting.provider() && record.project == hosting.key.project
}

/// What a person should know of a site that was published elsewhere before: it is still there.
fn left_behind(record: &SiteRecord) -> Option<Withheld> {
    let provider = enumerant_name(record.provider);
    let project = &record.project;
    record.release.as_ref().map(|_| Withheld {
        action: format!("remove {project} at {provider}"),
        reason: "the site was published there before and still is; a message that says so, with \
                 lifecycle.ensure = absent, takes it down"
            .into(),
        refused: false,
    })
}

/// What is kept of the site after this message.
fn record_of(
    spore: &Spore,
    desired: &DesiredSite,
    before: Option<&SiteRecord>,
    input: &Input,
    report: &Report,
    changed: bool,
) -> SiteRecord {
    let good = report.converged();
    let before_generation = before.map_or(0, |record| record.generation);
    let generation = spore
        .config
        .as_ref()
        .map_or(0, |config| config.generation)
        .max(before_generation);
    let artifact = input.digest.or(before.and_then(|record| record.artifact));
    let applied_at = before
        .filter(|_| !changed)
        .map_or_else(jiff::Timestamp::now, |record| record.applied_at);
    // A message sent again does not bring back a protection that the operator lifted.
    let new = before.is_none_or(|record| record.config_digest != spore.digest);
    let held = before.and_then(|record| record.held);
    SiteRecord {
        provider: desired.hosting.provider(),
        project: desired.hosting.key.project.clone(),
        config_digest: if good {
            spore.digest
        } else {
            Digest::from([0; 32])
        },
        fingerprint: input.fingerprint.filter(|_| good),
        artifact,
        release: report.release.clone(),
        generation,
        applied_at,
        next_edge: input.next_edge,
        protected: (desired.protect && new) || before.is_some_and(|record| record.protected),
        held: held.filter(|held| Some(*held) == artifact),
        sent: match before {
            _ if good => sent(&desired.hosting),
            Some(before) => before.sent.clone(),
            None => BTreeMap::new(),
        },
        state: match (report.outcome, desired.ensure) {
            (Outcome::Failed, _) => SiteState::Failed,
            (Outcome::Paused, _) => SiteState::Paused,
            (_, Ensure::Absent) if good => SiteState::Absent,
            // What was refused leaves the site as it was.
            _ if report.release.is_some() => SiteState::Live,
            _ => SiteState::Failed,
        },
        primary: primary(&desired.hosting),
        labels: desired
            .labels
            .iter()
            .map(|label| (label.key.to_string(), label.value.to_string()))
            .collect(),
        detail: report
            .faults
            .first()
            .map(ToString::to_string)
            .or_else(|| report.withheld.first().map(|item| item.reason.clone()))
            .unwrap_or_default(),
    }
}

/// Digests of the secret settings that the project has been given.
fn sent(hosting: &DesiredHosting) -> BTreeMap<String, Digest> {
    let secret = |(name, value): (&String, &Property)| match value {
        Property::Secret(digest) => Some((name.clone(), *digest)),
        Property::Plain(_) | Property::Hidden => None,
    };
    hosting.properties.iter().filter_map(secret).collect()
}

/// What a message's recipe yielded.
#[derive(Default)]
struct Input {
    /// The files; `None` when they are known to be those that are live.
    artifact: Option<Arc<Artifact>>,
    /// The digest of the files, in either case.
    digest: Option<Digest>,
    fingerprint: Option<Digest>,
    next_edge: Option<jiff::Timestamp>,
}

impl Input {
    /// Builds a recipe, unless its input has the fingerprint that the known artifact was made of.
    fn of(
        builds: &Builds,
        site: &SiteId,
        recipe: &Recipe,
        names: Names,
        known: Option<(Digest, Digest)>,
    ) -> Result<Self, EdgeError> {
        let prepared = builds.prepare(site, recipe, names, jiff::Timestamp::now())?;
        let fingerprint = prepared.fingerprint();
        if let Some((seen, digest)) = known
            && !matches!(recipe, Recipe::Treelink(_))
            && fingerprint == Some(seen)
        {
            return Ok(Self {
                artifact: None,
                digest: Some(digest),
                fingerprint,
                next_edge: None,
            });
        }
        let Built {
            artifact,
            next_edge,
        } = prepared.build()?;
        Ok(Self {
            digest: Some(artifact.digest()),
            artifact: Some(Arc::new(artifact)),
            fingerprint,
            next_edge,
        })
    }
}

fn primary(hosting: &DesiredHosting) -> String {
    hosting
        .names
        .primary
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// The outcome of a plan that met no error: `changed` when it has steps.
fn rest(plan: &Plan, desired: &DesiredSite, changed: Outcome) -> Outcome {
    if plan.refuses() {
        Outcome::Refused
    } else if desired.ensure == Ensure::Absent && (plan.is_empty() || changed == Outcome::Applied) {
        Outcome::Absent
    } else if plan.is_empty() {
        Outcome::Unchanged
    } else {
        changed
    }
}

fn outcome_of(error: &EdgeError) -> Outcome {
    match error.kind {
        EdgeErrorKind::Unsupported | EdgeErrorKind::Forbidden => Outcome::Refused,
        EdgeErrorKind::Transient { .. }
        | EdgeErrorKind::Unauthorised
        | EdgeErrorKind::Conflict
        | EdgeErrorKind::Rejected => Outcome::Failed,
    }
}

fn fault_of(error: &EdgeError) -> Fault {
    Fault {
        code: error.kind.code(),
        path: error.path.into(),
        message: error.full(),
        hint: error.hint.clone(),
    }
}

/// The line of history of a message that changed what visitors see.
fn history(
    spore: &Spore,
    applying: &Applying,
    record: Option<&SiteRecord>,
    report: &Report,
) -> Option<HistoryEntry> {
    let done = |step: &&StepReport| {
        let releases = ["remove", "publish", "build"].contains(&step.action.as_str());
        releases && step.outcome == StepOutcome::Done
    };
    let (cause, detail) = match applying.steps.iter().rfind(done) {
        Some(step) if step.action == "remove" => (Cause::Remove, &*step.detail),
        Some(step) => (Cause::Apply, &*step.detail),
        // A run that ended before it could note the site's first release.
        None if record.is_none() && report.release.is_some() => (Cause::Apply, "found so"),
        _ => return None,
    };
    Some(HistoryEntry {
        release: report.release.clone(),
        at: jiff::Timestamp::now(),
        seq: spore.seq,
        cause,
        detail: detail.into(),
    })
}

/// The journal kept in the state directory.
pub(super) struct StoreJournal<'s> {
    store: &'s Store,
    events: &'s Events,
    site: &'s SiteId,
    seq: u64,
    step: Option<crate::store::StepId>,
    /// The step begun last, as its end is told.
    told: (String, String),
}

impl<'s> StoreJournal<'s> {
    /// The journal of one message's steps.
    pub(super) const fn new(
        store: &'s Store,
        events: &'s Events,
        site: &'s SiteId,
        seq: u64,
    ) -> Self {
        Self {
            store,
            events,
            site,
            seq,
            step: None,
            told: (String::new(), String::new()),
        }
    }
}

impl Journal for StoreJournal<'_> {
    async fn begin(&mut self, step: &Step) -> Result<(), EdgeError> {
        let (verb, target) = (step.action.verb(), step.action.target());
        let begun = self.store.begin(self.site, self.seq, verb, &target).await;
        self.step = Some(begun.map_err(state_error)?);
        self.told = (verb.into(), target);
        Ok(())
    }

    async fn finish(&mut self, outcome: StepOutcome, detail: &str) -> Result<(), EdgeError> {
        let Some(step) = self.step.take() else {
            return Ok(());
        };
        let done = outcome == StepOutcome::Done;
        let (action, target) = std::mem::take(&mut self.told);
        let step_report = StepReport {
            action,
            target,
            outcome,
            detail: detail.into(),
        };
        self.events
            .tell(Some(self.site), Happening::Step(step_report));
        let noted = self.store.finish(step, done, detail).await;
        noted.map_err(state_error)
    }
}
