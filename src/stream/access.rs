//! Who may change which site.

use super::Peer;
use crate::model::{Fault, SiteId};
use crate::plan::Patterns;

/// Which sites the users of a socket may change. The socket's mode says who may connect at all; without any
/// rule each of those may change every site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access(Vec<Rule>);

/// What some may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Who.
    pub who: Who,
    /// The sites that they may change.
    pub sites: Patterns,
}

/// Users of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Processes of this user.
    User(u32),
    /// Processes whose effective group this is.
    Group(u32),
}

impl Who {
    const fn is(self, peer: Peer) -> bool {
        match self {
            Self::User(uid) => uid == peer.uid,
            Self::Group(gid) => gid == peer.gid,
        }
    }
}

impl Access {
    /// These rules. What one of them allows is allowed.
    #[must_use]
    pub const fn new(rules: Vec<Rule>) -> Self {
        Self(rules)
    }

    /// Whether this process may change this site. The superuser needs a rule as everyone does.
    #[must_use]
    pub fn allows(&self, peer: Peer, site: &SiteId) -> bool {
        let allows = |rule: &Rule| rule.who.is(peer) && rule.sites.accept(site.as_str());
        self.0.is_empty() || self.0.iter().any(allows)
    }

    /// What the report says of a message whose sender may not change the site; `None` when it may.
    #[must_use]
    pub fn refusal(&self, peer: Peer, site: &SiteId) -> Option<Fault> {
        (!self.allows(peer, site)).then(|| Fault {
            code: "access-denied",
            path: "site.id".into(),
            message: format!(
                "user {} (group {}) may not change site {site}",
                peer.uid, peer.gid
            ),
            hint: Some("the operator's settings decide: streams.access".into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Parse;

    #[test]
    fn rules_add_up() {
        let site = |id| SiteId::parse(id).unwrap();
        let peer = |uid, gid| Peer {
            uid,
            gid,
            pid: None,
        };
        let rule = |who, pattern: &str| Rule {
            who,
            sites: Patterns::new(vec![pattern.into()]),
        };
        let access = Access::new(vec![
            rule(Who::User(7), "blog-*"),
            rule(Who::Group(9), "docs"),
        ]);
        for (uid, gid, id, allowed) in [
            (7, 1, "blog-a", true),
            (7, 1, "docs", false),
            (7, 9, "docs", true),
            (1, 9, "docs", true),
            (9, 7, "docs", false),
            (0, 0, "docs", false),
        ] {
            assert_eq!(access.allows(peer(uid, gid), &site(id)), allowed);
            let refusal = access.refusal(peer(uid, gid), &site(id));
            assert_eq!(refusal.is_none(), allowed, "{uid} {gid} {id}");
        }
        assert!(Access::default().allows(peer(1, 1), &site("docs")));
        let told = access.refusal(peer(1, 2), &site("docs")).unwrap();
        assert_eq!(
            told.to_string(),
            "site.id: user 1 (group 2) may not change site docs"
        );
    }
}
