//! Random worlds: what is there, what is asked for, what the operator decided.

use crate::common::{self, artifact, keeping, names, publication};
use mycelia_spore::artifact::Artifact;
use mycelia_spore::desired::{DesiredSite, Names};
use mycelia_spore::hosting::HostingBackend;
use mycelia_spore::hosting::memory::Memory;
use mycelia_spore::model::{Ensure, Parse, ProjectName};
use mycelia_spore::plan::{Policy, Standing};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Few of each, so that worlds often meet.
const SITES: [&str; 3] = ["one", "two", "three"];
const NAMES: [&str; 4] = ["a.example", "b.example", "c.example", "d.example"];
const TEXTS: [&str; 3] = ["x", "y", "z"];

/// All that a plan is made of.
#[derive(Clone, Debug)]
pub(crate) struct World {
    present: Vec<Present>,
    pub(crate) desired: DesiredSite,
    pub(crate) artifact: Option<Arc<Artifact>>,
    pub(crate) policy: Policy,
    pub(crate) standing: Standing,
}

/// A site that is there, and whose mark it carries.
#[derive(Clone, Debug)]
struct Present {
    site: DesiredSite,
    artifact: Arc<Artifact>,
    mark: Option<&'static str>,
}

impl World {
    /// A backend with what is there.
    pub(crate) fn backend(&self) -> Memory {
        let memory = Memory::default();
        for Present {
            site,
            artifact,
            mark,
        } in &self.present
        {
            // A name that another site has is refused, as it would be anywhere.
            if !now(common::observe(&memory, site)).taken.is_empty() {
                continue;
            }
            now(memory.perform(&publication(&memory, site, artifact))).unwrap();
            if let Some(owner) = mark {
                memory.mark(site.hosting.key.project.as_str(), owner);
            }
        }
        memory
    }

    /// The artifact as the reconciler gives it: not for a site that should be absent.
    pub(crate) fn artifact(&self) -> Option<&Arc<Artifact>> {
        let wanted = self.desired.ensure != Ensure::Absent;
        self.artifact.as_ref().filter(|_| wanted)
    }
}

/// The value of a future that never waits, as those of a backend in memory.
pub(crate) fn now<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a backend in memory never waits"),
    }
}

fn some_names() -> impl Strategy<Value = Names> {
    (subsequence(NAMES.to_vec(), 0..=3), any::<bool>()).prop_map(|(some, redirect)| Names {
        redirect_aliases: redirect && some.len() > 1,
        ..names(&some)
    })
}

/// Files: one page, or so many that the change brake looks at them.
fn some_files() -> impl Strategy<Value = Arc<Artifact>> {
    (select(&TEXTS[..]), select(&[1_usize, 12, 40][..])).prop_map(|(text, count)| {
        let paths: Vec<String> = (1..count).map(|number| format!("{number}.html")).collect();
        let more = paths.iter().map(|path| (&**path, text));
        let files: Vec<(&str, &str)> = more.chain([("index.html", text)]).collect();
        artifact(&files)
    })
}

fn some_site() -> impl Strategy<Value = DesiredSite> {
    let ids = (select(&SITES[..]), select(&SITES[..]), 0..4_u8);
    (ids, some_names(), any::<bool>()).prop_map(|((id, other, odd), names, spa)| {
        let mut site = common::desired(id, keeping(5), names);
        // Now and then a project that is named after another site.
        if odd == 0 {
            site.hosting.key.project = ProjectName::parse(other).unwrap();
        }
        site.hosting.rules.single_page_fallback = spa;
        site
    })
}

fn some_present() -> impl Strategy<Value = Present> {
    let mark = prop_oneof![
        4 => Just(None),
        1 => Just(Some("")),
        1 => select(&SITES[..]).prop_map(Some),
    ];
    (some_site(), some_files(), mark).prop_map(|(site, artifact, mark)| Present {
        site,
        artifact,
        mark,
    })
}

fn ensure() -> impl Strategy<Value = Ensure> {
    prop_oneof![
        6 => Just(Ensure::Present),
        2 => Just(Ensure::Absent),
        1 => Just(Ensure::Paused),
    ]
}

fn some_standing() -> impl Strategy<Value = Standing> {
    let held = proptest::option::weighted(0.3, some_files());
    (any::<bool>(), held).prop_map(|(protected, held)| Standing {
        sent: std::collections::BTreeMap::new(),
        protected,
        held: held.map(|files| files.digest()),
    })
}

pub(crate) fn worlds() -> impl Strategy<Value = World> {
    let present = proptest::collection::vec(some_present(), 0..5);
    let policy = (any::<bool>(), 0..=100_u8).prop_map(|(adopt, percent)| Policy {
        adopt,
        max_removed_percent: percent,
        ..Policy::default()
    });
    let asked = (
        some_site(),
        ensure(),
        proptest::option::weighted(0.8, some_files()),
    );
    (present, asked, policy, some_standing()).prop_map(
        |(present, (mut desired, ensure, artifact), policy, standing)| {
            desired.ensure = ensure;
            desired.hosting = Memory::default().canonical(desired.hosting).unwrap();
            World {
                present,
                desired,
                artifact,
                policy,
                standing,
            }
        },
    )
}
