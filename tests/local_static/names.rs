//! Names and projects belong to one site, whoever asks at the same time.

use crate::common::{self, block_on, keeping, names, publication};
use crate::place::{Place, blog, index};
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::edge::{EdgeError, EdgeErrorKind};
use mycelia_spore::hosting::{Applied, HostingBackend};
use mycelia_spore::model::{Parse, ProjectName};
use mycelia_spore::observed::Ownership;
use mycelia_spore::plan::HostingAction;
use std::fs;

fn site(id: &str, at: &[&str]) -> DesiredSite {
    common::desired(id, keeping(5), names(at))
}

/// Performs both publications at once.
fn race(place: &Place, sites: [&DesiredSite; 2]) -> [Result<Applied, EdgeError>; 2] {
    let [one, two] = sites.map(|site| {
        let backend = place.backend.clone();
        let action = publication(&backend, site, &index(site.id.as_str()));
        async move { backend.perform(&action).await }
    });
    block_on(async {
        let (one, two) = (tokio::spawn(one), tokio::spawn(two));
        [one.await.unwrap(), two.await.unwrap()]
    })
}

/// Checks that one was done and the other met a conflict, and gives the place of the one that was done.
fn won(results: &[Result<Applied, EdgeError>; 2]) -> usize {
    let winner = results.iter().position(Result::is_ok).unwrap();
    let error = results[1 - winner].as_ref().unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Conflict, "{error}");
    winner
}

#[test]
fn two_sites_cannot_both_take_a_name() {
    for round in 0..20 {
        let place = Place::new();
        let shared = format!("shared-{round}.example");
        let sites = [
            site("one", &["one.example", &shared]),
            site("two", &[&shared]),
        ];
        let winner = won(&race(&place, [&sites[0], &sites[1]]));
        assert!(place.observe(&sites[winner]).is_some());
        assert_eq!(place.observe(&sites[1 - winner]), None);
    }
}

#[test]
fn two_sites_cannot_both_take_a_project() {
    for _ in 0..20 {
        let place = Place::new();
        let mut sites = [site("one", &["one.example"]), site("two", &["two.example"])];
        for site in &mut sites {
            site.hosting.key.project = ProjectName::parse("shared").unwrap();
        }
        let winner = won(&race(&place, [&sites[0], &sites[1]]));
        let ownership = |site| place.observe(site).unwrap().ownership;
        assert_eq!(ownership(&sites[winner]), Ownership::Ours);
        assert!(matches!(
            ownership(&sites[1 - winner]),
            Ownership::Foreign { .. }
        ));
    }
}

#[test]
fn names_are_known_to_the_next_process() {
    let place = Place::new();
    place.publish(
        &site("one", &["one.example", "shared.example"]),
        &index("one"),
    );
    let backend = place.reopened();
    let two = site("two", &["shared.example"]);
    let seen = block_on(common::observe(&backend, &two));
    assert_eq!(seen.taken.len(), 1);
    assert_eq!(seen.taken[0].owner, "site one");
    let action = publication(&backend, &two, &index("two"));
    let error = block_on(backend.perform(&action)).unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Conflict, "{error}");
    assert!(error.message.contains("shared.example"), "{error}");
}

#[test]
fn a_rename_that_meets_a_conflict_changes_nothing() {
    let place = Place::new();
    place.publish(&site("one", &["one.example"]), &index("one"));
    let two = site("two", &["two.example"]);
    place.publish(&two, &index("two"));
    let error = place
        .perform(&HostingAction::SetNames {
            from: Box::default(),
            key: two.hosting.key.clone(),
            settings: two.hosting.settings.clone(),
            names: names(&["two.example", "one.example"]),
        })
        .unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Conflict);
    assert_eq!(place.observe(&two).unwrap().names, two.hosting.names);
}

#[test]
fn a_publication_that_failed_takes_no_name() {
    let place = Place::new();
    // A folder where the pointer is drafted: it cannot be written.
    let in_the_way = place.backend.layout().live_dir().join(".one.json");
    fs::create_dir_all(&in_the_way).unwrap();
    let one = site("one", &["shared.example"]);
    place.try_publish(&one, &index("one")).unwrap_err();
    assert_eq!(place.observe(&one), None);
    let two = site("two", &["shared.example"]);
    let seen = block_on(common::observe(&place.backend, &two));
    assert_eq!(seen.taken, []);
    place.publish(&two, &index("two"));
}

#[test]
fn a_site_without_a_domain_has_a_local_name_of_its_own() {
    let place = Place::new();
    let one = site("one", &[]);
    place.publish(&one, &index("one"));
    assert_eq!(
        place.observe(&one).unwrap().names,
        names(&["one.localhost"])
    );
    let two = site("two", &["two.example", "one.localhost"]);
    let seen = block_on(common::observe(&place.backend, &two));
    assert_eq!(seen.taken.len(), 1);
}

#[test]
fn addresses_tell_the_scheme_and_the_port() {
    let urls = |backend: &mycelia_spore::hosting::local_static::LocalStatic, site: DesiredSite| {
        backend.urls(&backend.canonical(site.hosting).unwrap())
    };
    let place = Place::new();
    let served = place.backend.clone().served_at(8080);
    assert_eq!(urls(&served, site("a", &[])), ["http://a.localhost:8080/"]);
    assert_eq!(
        urls(&place.backend, site("a", &[])),
        ["http://a.localhost/"]
    );
    let both = site("a", &["a.example", "b.example"]);
    assert_eq!(
        urls(&served, both),
        ["https://a.example/", "https://b.example/"]
    );
    let mut plain = blog();
    plain.hosting.tls = mycelia_spore::model::TlsMode::None;
    assert_eq!(urls(&served, plain), ["http://blog.example/"]);
}
