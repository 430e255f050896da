use super::*;
use crate::model::Parse as _;
use crate::schedule::Class;
use proptest::prelude::*;

fn site(name: &str) -> SiteId {
    SiteId::parse(name).unwrap()
}

fn announcer(on: &[Kind]) -> Announcer {
    Announcer::new(on.to_vec(), Patterns::default(), [])
}

const FAILURE: Notice = Notice::Failure(Class::Transient);

const NOTICES: [Notice; 5] = [
    FAILURE,
    Notice::Recovery,
    Notice::Drift { repaired: false },
    Notice::Drift { repaired: true },
    Notice::Awaiting,
];

const KNOWN: [Known; 4] = [Known::Well, Known::Failing, Known::Drifted, Known::Awaiting];

#[test]
fn each_notice_is_told_by_what_is_known() {
    let kinds = |known: Known| {
        NOTICES.map(|notice| {
            let mut announcer = announcer(&Kind::ALL);
            announcer.note(&site("blog"), known);
            let verdict = announcer.hear(&site("blog"), notice);
            verdict.map(|verdict| verdict.tell.unwrap().name())
        })
    };
    let (failure, recovery) = (Some("failure"), Some("recovery"));
    let (drift, approval) = (Some("drift"), Some("approval"));
    for (known, expected) in [
        (Known::Well, [failure, None, drift, drift, approval]),
        (Known::Failing, [None, recovery, drift, recovery, approval]),
        (
            Known::Drifted,
            [failure, recovery, None, recovery, approval],
        ),
        (Known::Awaiting, [failure, recovery, drift, recovery, None]),
    ] {
        assert_eq!(kinds(known), expected, "{known:?}");
    }
}

#[test]
fn what_is_not_asked_for_is_known_nonetheless() {
    let mut announcer = announcer(&[Kind::Recovery]);
    let blog = site("blog");
    let verdict = announcer.hear(&blog, FAILURE).unwrap();
    assert_eq!(verdict.tell, None);
    announcer.note(&blog, verdict.known);
    let verdict = announcer.hear(&blog, Notice::Recovery).unwrap();
    assert_eq!(verdict.tell, Some(Kind::Recovery));
}

#[test]
fn other_sites_are_not_told_of() {
    let patterns = Patterns::new(vec!["docs-*".into()]);
    let known = [(site("blog"), Known::Failing)];
    let announcer = Announcer::new(Kind::ALL.to_vec(), patterns, known);
    assert_eq!(announcer.troubled().count(), 0);
    assert_eq!(announcer.hear(&site("blog"), FAILURE), None);
    assert_eq!(announcer.see(&site("blog"), Health::Failing), None);
    assert!(announcer.hear(&site("docs-a"), FAILURE).is_some());
}

/// What may happen to one receiver and site.
#[derive(Clone, Debug)]
enum Step {
    Hear(Notice),
    See(Health),
    /// Something is missed.
    Miss,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let healths = [
        Health::Good,
        Health::Failing,
        Health::Drifted,
        Health::Repaired,
        Health::Awaiting,
    ];
    let notice = prop::sample::select(NOTICES.to_vec());
    let step = prop_oneof![
        4 => notice.prop_map(Step::Hear),
        2 => prop::sample::select(healths.to_vec()).prop_map(Step::See),
        2 => Just(Step::Miss),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 0..40)
}

fn some_kinds() -> impl Strategy<Value = Vec<Kind>> {
    prop::sample::subsequence(Kind::ALL.to_vec(), 0..=4)
}

proptest! {
    /// Whatever is heard, seen and missed: no state is told twice in a row, what is told is wanted, and after a
    /// look the receiver knows how the site is.
    #[test]
    fn each_state_is_told_once(on in some_kinds(), steps in steps()) {
        let blog = site("blog");
        let mut announcer = announcer(&on);
        let mut told = Known::Well;
        for step in steps {
            let verdict = match &step {
                Step::Hear(notice) => announcer.hear(&blog, *notice),
                Step::See(health) => announcer.see(&blog, *health),
                Step::Miss => None,
                Step::Restart => {
                    let known = [(blog.clone(), announcer.known(&blog))];
                    announcer = Announcer::new(on.clone(), Patterns::default(), known);
                    None
                }
            };
            if let Some(verdict) = verdict {
                let repair = matches!(step, Step::Hear(Notice::Drift { repaired: true }));
                prop_assert!(verdict.known != told || (repair && told == Known::Well));
                if let Some(kind) = verdict.tell {
                    prop_assert!(on.contains(&kind));
                    prop_assert_eq!(kind == Kind::Recovery, verdict.known == Known::Well && !(repair && told == Known::Well));
                }
                announcer.note(&blog, verdict.known);
                told = verdict.known;
            }
            prop_assert_eq!(announcer.known(&blog), told);
            if let Step::See(health) = step {
                prop_assert_eq!(told, Known::of(health));
            }
        }
    }

    /// What wants everything is told of every change that a look finds.
    #[test]
    fn no_change_is_lost(before in prop::sample::select(KNOWN.to_vec()), now in prop::sample::select(KNOWN.to_vec())) {
        let mut announcer = announcer(&Kind::ALL);
        announcer.note(&site("blog"), before);
        let verdict = announcer.see(&site("blog"), now.health());
        prop_assert_eq!(verdict.is_some(), before != now);
        prop_assert!(verdict.is_none_or(|verdict| verdict.tell.is_some() && verdict.known == now));
    }
}
