//! Rules that differ have digests that differ: a digest is what tells whether a site is published anew.

use mycelia_spore::desired::Rules;
use mycelia_spore::release::{HeaderRule, RedirectRule};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Words that a careless encoding would confuse.
fn word() -> impl Strategy<Value = String> {
    select(&["a", "b", "ab", "", "unset", "rule", "spa", "301", "/"][..]).prop_map(Into::into)
}

fn some_rules() -> impl Strategy<Value = Rules> {
    let header = (word(), vec((word(), word()), 0..3), vec(word(), 0..3))
        .prop_map(|(path, set, unset)| HeaderRule { path, set, unset });
    let redirect = (word(), word(), select(&[200_u16, 301, 302][..]))
        .prop_map(|(from, to, status)| RedirectRule { from, to, status });
    let document = proptest::option::of(word());
    (
        vec(header, 0..3),
        vec(redirect, 0..3),
        document,
        any::<bool>(),
    )
        .prop_map(
            |(headers, redirects, error_document, single_page_fallback)| Rules {
                headers,
                redirects,
                error_document,
                single_page_fallback,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn digests_are_equal_when_rules_are(one in some_rules(), two in some_rules()) {
        prop_assert_eq!(one.digest() == two.digest(), one == two);
        prop_assert_eq!(one.digest(), one.clone().digest());
    }
}

#[test]
fn a_header_set_is_not_a_header_unset() {
    let rules = |set: &[(&str, &str)], unset: &[&str]| {
        let header = HeaderRule {
            path: "/".into(),
            set: set
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            unset: unset.iter().map(|name| (*name).into()).collect(),
        };
        Rules {
            headers: vec![header],
            ..Rules::default()
        }
        .digest()
    };
    assert_ne!(rules(&[("unset", "x")], &[]), rules(&[], &["x", "unset"]));
}
