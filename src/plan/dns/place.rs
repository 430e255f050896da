//! What to do under one name of a zone.

use super::DnsChange;
use super::Rules;
use super::assign::Want;
use crate::model::{DnsDeletePolicy, DnsOwnership, DnsRecordType, Ttl};
use crate::observed::{ObservedSet, Ownership};
use crate::records::{Content, Name, RecordKey, WantedSet, type_name};

/// The label of names that come and go with certificates (RFC 8555 section 8.4).
const CHALLENGE: &str = "_acme-challenge";

/// All that is known of one name.
#[derive(Debug, Default)]
pub(super) struct Place<'z> {
    /// Whether it is the zone's own name.
    pub(super) apex: bool,
    /// What is wanted.
    pub(super) wanted: Vec<(&'z RecordKey, &'z Want)>,
    /// What is there.
    pub(super) found: Vec<&'z ObservedSet>,
    /// The types of what is there and cannot be looked into.
    pub(super) others: Vec<&'z str>,
}

/// What is to be done under one name.
#[derive(Debug, Default)]
pub(super) struct Decision<'z> {
    /// The changes.
    pub(super) changes: Vec<DnsChange>,
    /// What is wanted and cannot be, and why; also what is perhaps wanted.
    pub(super) refused: Vec<(&'z RecordKey, &'z Want, String)>,
    /// Sets of this site that are no longer wanted and stay.
    pub(super) staying: Vec<(&'z ObservedSet, Staying)>,
}

/// Why a set that is no longer wanted stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Staying {
    /// The message keeps it.
    Kept,
    /// What would take its place cannot be made.
    NotReplaced,
}

impl Staying {
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Kept => "dns.deletePolicy is keep",
            Self::NotReplaced => "what would take its place is withheld",
        }
    }
}

impl<'z> Place<'z> {
    /// Whether a set is one of the zone's own name servers.
    fn delegation(&self, kind: DnsRecordType) -> bool {
        self.apex && kind == DnsRecordType::Ns
    }

    /// The sets that are this site's to delete, wanted or not.
    pub(super) fn owned(&self, name: &Name) -> impl Iterator<Item = &'z ObservedSet> {
        let passing = name.label() == CHALLENGE && self.wanted.is_empty();
        self.found.iter().copied().filter(move |found| {
            found.ownership == Ownership::Ours && !passing && !self.delegation(found.set.key.kind)
        })
    }

    /// Decides what to do.
    pub(super) fn decide(&self, name: &Name, rules: &Rules) -> Decision<'z> {
        let unwanted = |found: &&ObservedSet| {
            let mut wanted = self.wanted.iter();
            !wanted.any(|(key, _)| **key == found.set.key)
        };
        let mut going: Vec<&ObservedSet> = self.owned(name).filter(unwanted).collect();
        let mut staying = Vec::new();
        if rules.delete_policy == DnsDeletePolicy::Keep {
            staying.extend(going.drain(..).map(|found| (found, Staying::Kept)));
        }
        loop {
            let mut decision = self.judge(rules, &going, &staying);
            let needed = |found: &&ObservedSet| {
                let kind = found.set.key.kind;
                let mut refused = decision.refused.iter();
                refused.any(|(key, ..)| rules.capabilities.exclude(key.kind, kind))
            };
            let (kept, gone): (Vec<_>, Vec<_>) = going.iter().copied().partition(needed);
            if kept.is_empty() {
                let deletes = gone
                    .iter()
                    .map(|found| DnsChange::Delete(found.set.clone()));
                decision.changes.extend(deletes);
                decision.staying = staying;
                return decision;
            }
            // Each round keeps at least one set more, so there are few.
            staying.extend(kept.into_iter().map(|found| (found, Staying::NotReplaced)));
            going = gone;
        }
    }

    /// What becomes of each wanted set, if these sets go and those stay.
    fn judge(
        &self,
        rules: &Rules,
        going: &[&ObservedSet],
        staying: &[(&ObservedSet, Staying)],
    ) -> Decision<'z> {
        let mut decision = Decision::default();
        for &(key, want) in &self.wanted {
            let verdict = match want {
                Want::Set(set) => self.verdict(set, rules, going, staying),
                Want::Contradiction(why) => Err((*why).into()),
                Want::Unclear => Err(String::new()),
            };
            match verdict {
                Ok(change) => decision.changes.extend(change),
                Err(reason) => decision.refused.push((key, want, reason)),
            }
        }
        decision
    }

    /// What becomes of a wanted set, or why it cannot be.
    fn verdict(
        &self,
        set: &WantedSet,
        rules: &Rules,
        going: &[&ObservedSet],
        staying: &[(&ObservedSet, Staying)],
    ) -> Result<Option<DnsChange>, String> {
        self.possible(set, rules)?;
        if let Some(found) = self.found.iter().find(|found| found.set.key == set.key) {
            return change(set, found, rules);
        }
        let obstacles = self.found.iter().filter(|found| {
            let kind = found.set.key.kind;
            let goes = going.iter().any(|gone| gone.set.key == found.set.key);
            rules.capabilities.exclude(set.key.kind, kind) && !self.delegation(kind) && !goes
        });
        // What only stays because of others is not the reason to tell.
        if let Some(found) = obstacles.min_by_key(|found| found.ownership == Ownership::Ours) {
            return Err(in_the_way(found, staying));
        }
        let after = filled(set, rules, None);
        Ok(Some(DnsChange::Create(after)))
    }

    /// Whether a set can be in this place at all.
    fn possible(&self, set: &WantedSet, rules: &Rules) -> Result<(), String> {
        let (kind, capabilities) = (set.key.kind, &rules.capabilities);
        if self.delegation(kind) {
            return Err("the name servers of the zone itself are the provider's to keep".into());
        }
        if self.apex && kind == DnsRecordType::Cname && !capabilities.cname_flattening {
            return Err(
                "the zone's own name cannot be a CNAME at this provider: give its addresses as \
                 records of type a and aaaa"
                    .into(),
            );
        }
        if set.proxied && !capabilities.proxying {
            return Err("this provider has no proxy".into());
        }
        if set.ttl == Ttl::Automatic && !capabilities.automatic_ttl {
            return Err("this provider has no automatic ttl".into());
        }
        for other in &self.others {
            if *other == type_name(kind) {
                return Err("there is one with data that this version cannot read".into());
            }
            if capabilities.exclude_unknown(kind) {
                return Err(format!(
                    "there is a record of type {other} of this name, beside which no CNAME can stand"
                ));
            }
        }
        Ok(())
    }
}

/// What becomes of a set that is there.
fn change(
    set: &WantedSet,
    found: &ObservedSet,
    rules: &Rules,
) -> Result<Option<DnsChange>, String> {
    let adopt = match &found.ownership {
        Ownership::Foreign { owner } => return Err(format!("it belongs to {owner}")),
        _ if set.is(&found.set, rules.target.as_ref()) => return Ok(None),
        Ownership::Ours => false,
        Ownership::Unmarked => match rules.ownership {
            DnsOwnership::Adopt => true,
            DnsOwnership::Marked => {
                return Err(
                    "there is another one that carries no mark: dns.ownership = adopt takes it over"
                        .into(),
                );
            }
        },
    };
    Ok(Some(DnsChange::Update {
        before: found.set.clone(),
        after: filled(set, rules, Some(found.set.ttl)),
        adopt,
    }))
}

/// Why a set beside which the wanted one cannot stand is not moved.
fn in_the_way(found: &ObservedSet, staying: &[(&ObservedSet, Staying)]) -> String {
    let key = &found.set.key;
    let beside = format!("it cannot stand beside {key}, which");
    match &found.ownership {
        Ownership::Foreign { owner } => format!("{beside} belongs to {owner}"),
        Ownership::Unmarked => format!("{beside} carries no mark: delete that one by hand"),
        Ownership::Ours => {
            let why = staying.iter().find(|(stays, _)| stays.set.key == *key);
            match why {
                Some((_, why)) => format!("{beside} stays: {}", why.reason()),
                None => format!("{beside} the message declares as well"),
            }
        }
    }
}

/// A wanted set with all that can be filled in: its TTL (a set keeps the one it has), and the address of the
/// hosting project if that is known.
fn filled(set: &WantedSet, rules: &Rules, before: Option<Ttl>) -> WantedSet {
    let mut after = set.clone();
    after.ttl = match (set.proxied, set.ttl, before) {
        (true, ..) => Ttl::Automatic,
        (false, Ttl::Default, Some(Ttl::Default) | None) => rules.capabilities.default_ttl,
        (false, Ttl::Default, Some(before)) => before,
        (false, given, _) => given,
    };
    if let Some(data) = set.content.resolved(rules.target.as_ref()) {
        after.content = Content::Data(data);
    }
    after
}
