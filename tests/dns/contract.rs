//! What every DNS backend must keep. A new backend passes by one [`Fixture`] and one line below.

use crate::cloudflare::{Fake, Record};
use crate::common::{block_on, site_id};
use crate::pages::reached;
use crate::world::{ZONE, cloudflare, key, name, perform, scope, set, site, told, wanted};
use mycelia_spore::dns::cloudflare::CloudflareDns;
use mycelia_spore::dns::{DnsBackend, DnsScope, memory};
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::model::{DnsOwnership, DnsProvider, Ttl};
use mycelia_spore::observed::{ObservedZone, Ownership};
use mycelia_spore::plan::dns::{Difference, DnsAction, Rules, diff};
use mycelia_spore::records::{Capabilities, RecordData, RecordKey, RecordSet, type_name};
use serde_json::{Value, json};

/// A backend with one zone, `spore.example`, that others write to as well.
trait Fixture {
    /// The backend.
    type Backend: DnsBackend;

    /// With an empty zone.
    fn new() -> Self;
    fn backend(&self) -> &Self::Backend;
    /// Puts a set into the zone, marked as of a site; empty for nobody.
    async fn put(&self, set: RecordSet, owner: &str);
    /// Takes a set out of the zone.
    async fn take(&self, key: &RecordKey);
}

struct Memory(memory::Memory);

impl Fixture for Memory {
    type Backend = memory::Memory;

    fn new() -> Self {
        let backend = memory::Memory::new(Capabilities::of(DnsProvider::Cloudflare));
        backend.add_zone("1", &name(ZONE));
        backend.add_zone("2", &name("below.spore.example"));
        Self(backend)
    }

    fn backend(&self) -> &memory::Memory {
        &self.0
    }

    async fn put(&self, set: RecordSet, owner: &str) {
        self.0.put("1", set, owner);
    }

    async fn take(&self, key: &RecordKey) {
        self.0.take("1", key);
    }
}

struct Cloudflare {
    backend: CloudflareDns,
    fake: Fake,
    _folder: tempfile::TempDir,
}

impl Cloudflare {
    /// Changes the fake's zone as somebody else would.
    fn change(&self, change: impl FnOnce(&mut Vec<Record>)) {
        let mut state = self.fake.state();
        let zone = state.zones.values_mut().find(|zone| zone.name == ZONE);
        change(&mut zone.unwrap().records);
    }
}

impl Fixture for Cloudflare {
    type Backend = CloudflareDns;

    fn new() -> Self {
        let fake = Fake::start();
        fake.add_zone(ZONE);
        fake.add_zone("below.spore.example");
        let folder = tempfile::tempdir().unwrap();
        Self {
            backend: CloudflareDns::new(reached(&fake, &folder)),
            fake,
            _folder: folder,
        }
    }

    fn backend(&self) -> &CloudflareDns {
        &self.backend
    }

    async fn put(&self, set: RecordSet, owner: &str) {
        let zone = self
            .fake
            .state()
            .zones
            .values()
            .find(|it| it.name == ZONE)
            .unwrap()
            .clone();
        self.take(&set.key).await;
        let records = set.data.iter().map(|data| {
            let id = self.fake.state().ids.short();
            let mut body = fake_body(&set, data);
            if !owner.is_empty() {
                body["comment"] = format!("mycelia-spore site={owner}").into();
            }
            Record::new(&zone, id, &body, "2026-11-23T00:00:00Z").unwrap()
        });
        let records: Vec<Record> = records.collect();
        self.change(|there| there.extend(records));
    }

    async fn take(&self, key: &RecordKey) {
        let kind = type_name(key.kind);
        self.change(|records| {
            records.retain(|it| it.name != key.name.as_str() || it.kind != kind);
        });
    }
}

/// A record as somebody else's program would make it.
fn fake_body(set: &RecordSet, data: &RecordData) -> Value {
    let ttl = match set.ttl {
        Ttl::Seconds(seconds) if !set.proxied => seconds,
        Ttl::Seconds(_) | Ttl::Default | Ttl::Automatic => 1,
    };
    let plain = data.plain().to_string();
    let mut body = json!({
        "name": set.key.name.as_str(),
        "type": type_name(set.key.kind),
        "ttl": ttl,
    });
    let words: Vec<&str> = plain.split(' ').collect();
    match data {
        RecordData::Mx { .. } => {
            body["priority"] = words[0].parse::<u16>().unwrap().into();
            body["content"] = words[1].into();
        }
        RecordData::Srv { .. } => {
            let number = |index: usize| words[index].parse::<u16>().unwrap();
            body["data"] = json!({
                "priority": number(0), "weight": number(1), "port": number(2), "target": words[3],
            });
        }
        RecordData::Caa { flags, tag, value } => {
            let value = String::from_utf8(value.clone()).unwrap();
            body["data"] = json!({ "flags": flags, "tag": tag, "value": value });
        }
        RecordData::Txt(_) => body["content"] = data.to_string().into(),
        RecordData::A(_) | RecordData::Aaaa(_) | RecordData::Cname(_) | RecordData::Ns(_) => {
            body["content"] = plain.into();
        }
    }
    if matches!(
        data,
        RecordData::A(_) | RecordData::Aaaa(_) | RecordData::Cname(_)
    ) {
        body["proxied"] = set.proxied.into();
    }
    body
}

macro_rules! contract {
    ($backend:ident: $fixture:ty => $($test:ident,)*) => {
        mod $backend {
            use super::Fixture as _;
            $(
                #[test]
                fn $test() {
                    super::block_on(super::$test(&<$fixture>::new()));
                }
            )*
        }
    };
}

contract!(memory_backend: super::Memory =>
    the_difference_after_a_change_is_empty,
    performing_twice_is_performing_once,
    what_was_made_is_ours_and_foreign_to_others,
    what_was_taken_over_is_ours,
    what_somebody_changed_since_is_a_conflict,
    what_belongs_to_others_is_a_conflict,
    what_somebody_deleted_since_needs_no_deleting,
    an_address_that_is_not_known_is_rejected,
    zones_are_found_by_name_and_by_the_names_wanted,
    a_zone_that_is_not_there_is_left_out,
);
contract!(cloudflare_backend: super::Cloudflare =>
    the_difference_after_a_change_is_empty,
    performing_twice_is_performing_once,
    what_was_made_is_ours_and_foreign_to_others,
    what_was_taken_over_is_ours,
    what_somebody_changed_since_is_a_conflict,
    what_belongs_to_others_is_a_conflict,
    what_somebody_deleted_since_needs_no_deleting,
    an_address_that_is_not_known_is_rejected,
    zones_are_found_by_name_and_by_the_names_wanted,
    a_zone_that_is_not_there_is_left_out,
);

const ASKED: [&str; 9] = [
    "@ TXT v=spf1 -all",
    "@ MX 10 mail.spore.example @600",
    "@ CAA 0 issue \"ca.example; a=b\"",
    "mail.spore.example A 192.0.2.1 | 192.0.2.2 @300",
    "mail.spore.example AAAA 2001:db8::1",
    "_sip._tcp.spore.example SRV 0 5 5060 mail.spore.example",
    "*.spore.example A 192.0.2.3",
    "sub.spore.example NS ns1.example | ns2.example",
    "www.spore.example CNAME HOSTING proxied",
];

async fn zone(it: &impl Fixture) -> ObservedZone {
    let mut zones = it.backend().observe(&scope(ZONE)).await.unwrap();
    assert_eq!(zones.len(), 1);
    zones.remove(0)
}

fn rules(it: &impl Fixture) -> Rules {
    Rules {
        capabilities: Capabilities::of(DnsProvider::Cloudflare),
        max_removed_percent: 100,
        target: Some(name("blog.pages.dev")),
        ..cloudflare()
    }
}

async fn difference(it: &impl Fixture, rules: &Rules, asked: &[&str]) -> Difference {
    let declared: Vec<_> = asked.iter().map(|line| wanted(line)).collect();
    diff(&declared, &[zone(it).await], rules)
}

/// The one action that leads to what is asked for.
async fn action(it: &impl Fixture, rules: &Rules, asked: &[&str]) -> DnsAction {
    let difference = difference(it, rules, asked).await;
    let mut actions = difference.actions(&site(), DnsProvider::Cloudflare, None, None);
    assert_eq!(actions.len(), 1, "{difference:?}");
    actions.remove(0)
}

async fn apply(it: &impl Fixture, rules: &Rules, asked: &[&str]) {
    let difference = difference(it, rules, asked).await;
    let target = name("blog.pages.dev");
    perform(it.backend(), &difference, &target).await.unwrap();
}

async fn the_difference_after_a_change_is_empty(it: &impl Fixture) {
    let rules = rules(it);
    // All is made; something is changed, goes and takes a place; all goes.
    let mut changed = ASKED;
    (changed[1], changed[3]) = (
        "@ MX 20 mail.spore.example",
        "mail.spore.example A 192.0.2.9 @60",
    );
    changed[8] = "www.spore.example A 192.0.2.1";
    let fewer: [&str; 3] = [changed[0], changed[4], changed[8]];
    for asked in [&ASKED[..], &changed, &fewer, &[]] {
        apply(it, &rules, asked).await;
        assert_eq!(told(&difference(it, &rules, asked).await), [""; 0]);
        assert_eq!(zone(it).await.sets.len(), asked.len());
    }
}

async fn performing_twice_is_performing_once(it: &impl Fixture) {
    let rules = rules(it);
    for asked in [&ASKED[..], &ASKED[4..], &[]] {
        let action = action(it, &rules, asked).await;
        it.backend().perform(&action).await.unwrap();
        let once = zone(it).await;
        it.backend().perform(&action).await.unwrap();
        assert_eq!(zone(it).await, once);
    }
}

async fn what_was_made_is_ours_and_foreign_to_others(it: &impl Fixture) {
    apply(it, &rules(it), &ASKED).await;
    let ours = zone(it).await.sets;
    assert!(ours.iter().all(|found| found.ownership == Ownership::Ours));
    let scope = DnsScope {
        site: site_id("shop"),
        ..scope(ZONE)
    };
    let theirs = it.backend().observe(&scope).await.unwrap().remove(0).sets;
    assert_eq!(theirs.len(), ours.len());
    for found in theirs {
        let Ownership::Foreign { owner } = found.ownership else {
            panic!("{found:?}")
        };
        assert!(owner.contains("blog"), "{owner}");
    }
}

async fn what_was_taken_over_is_ours(it: &impl Fixture) {
    it.put(set("www.spore.example A 192.0.2.9 @60"), "").await;
    assert_eq!(zone(it).await.sets[0].ownership, Ownership::Unmarked);
    let rules = Rules {
        ownership: DnsOwnership::Adopt,
        ..rules(it)
    };
    apply(it, &rules, &["www.spore.example A 192.0.2.1"]).await;
    let [found] = &zone(it).await.sets[..] else {
        panic!()
    };
    assert_eq!(found.ownership, Ownership::Ours);
    assert_eq!(found.set, set("www.spore.example A 192.0.2.1 @60"));
}

/// A change is planned, then somebody puts a set in its place: nothing is changed.
async fn raced(it: &impl Fixture, asked: &[&str], line: &str, owner: &str) {
    let action = action(it, &rules(it), asked).await;
    it.put(set(line), owner).await;
    let before = zone(it).await;
    let error = it.backend().perform(&action).await.unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Conflict, "{error}");
    assert_eq!(zone(it).await, before);
}

async fn what_somebody_changed_since_is_a_conflict(it: &impl Fixture) {
    let [old, new] = [
        "www.spore.example A 192.0.2.1 @60",
        "www.spore.example A 192.0.2.2 @60",
    ];
    let theirs = "www.spore.example A 192.0.2.9 @60";
    // It was to be made, changed, deleted.
    raced(it, &[new], theirs, "").await;
    it.put(set(old), "blog").await;
    raced(it, &[new], theirs, "blog").await;
    it.put(set(old), "blog").await;
    raced(it, &[], theirs, "blog").await;
    it.put(set(old), "blog").await;
    raced(it, &[], "www.spore.example A 192.0.2.1 @90", "blog").await;
    // It was to be changed and is gone.
    it.put(set(old), "blog").await;
    let action = action(it, &rules(it), &[new]).await;
    it.take(&key("www.spore.example A")).await;
    let error = it.backend().perform(&action).await.unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Conflict, "{error}");
    assert_eq!(zone(it).await.sets, []);
}

async fn what_belongs_to_others_is_a_conflict(it: &impl Fixture) {
    let old = "www.spore.example A 192.0.2.1 @60";
    it.put(set(old), "blog").await;
    raced(it, &["www.spore.example A 192.0.2.2"], old, "shop").await;
    it.put(set(old), "blog").await;
    raced(it, &[], old, "shop").await;
    it.put(set(old), "blog").await;
    raced(it, &[], old, "").await;
    // Not even what is as it should be.
    it.take(&key("www.spore.example A")).await;
    raced(it, &[old], old, "shop").await;
}

async fn what_somebody_deleted_since_needs_no_deleting(it: &impl Fixture) {
    it.put(set("www.spore.example A 192.0.2.1 @60"), "blog")
        .await;
    let action = action(it, &rules(it), &[]).await;
    it.take(&key("www.spore.example A")).await;
    it.backend().perform(&action).await.unwrap();
}

async fn an_address_that_is_not_known_is_rejected(it: &impl Fixture) {
    let rules = Rules {
        target: None,
        ..rules(it)
    };
    let action = action(it, &rules, &ASKED[8..]).await;
    let error = it.backend().perform(&action).await.unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Rejected, "{error}");
    assert_eq!(zone(it).await.sets, []);
}

async fn zones_are_found_by_name_and_by_the_names_wanted(it: &impl Fixture) {
    let by_names = |names: &[&str]| DnsScope {
        zone: None,
        names: names.iter().map(|text| name(text)).collect(),
        ..scope(ZONE)
    };
    let found = |scope: DnsScope| async move {
        let zones = it.backend().observe(&scope).await.unwrap();
        zones
            .into_iter()
            .map(|zone| zone.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        found(scope("below.spore.example")).await,
        ["below.spore.example"]
    );
    assert_eq!(found(by_names(&["a.spore.example"])).await, [ZONE]);
    assert_eq!(
        found(by_names(&["a.below.spore.example"])).await,
        ["below.spore.example"]
    );
    let both = by_names(&["a.below.spore.example", "spore.example", "other.example"]);
    let mut both = found(both).await;
    both.sort();
    assert_eq!(both, ["below.spore.example", ZONE]);
    let first = it.backend().observe(&scope(ZONE)).await.unwrap().remove(0);
    assert_eq!(first.name, name(ZONE));
}

async fn a_zone_that_is_not_there_is_left_out(it: &impl Fixture) {
    assert_eq!(
        it.backend().observe(&scope("other.example")).await.unwrap(),
        []
    );
}

#[test]
fn zones_in_memory_are_found_by_id_and_refuse_what_name_servers_refuse() {
    use mycelia_spore::model::Parse;
    use mycelia_spore::plan::dns::DnsChange;
    use mycelia_spore::records::{ZoneId, ZoneRef};
    let it = memory::Memory::new(Capabilities::STANDARD);
    it.add_zone("1", &name(ZONE));
    it.put("1", set("www.spore.example A 192.0.2.1 @60"), "shop");
    let by_id = |id| DnsScope {
        zone: Some(ZoneRef::Id(ZoneId::parse(id).unwrap())),
        ..scope(ZONE)
    };
    assert_eq!(block_on(it.observe(&by_id("1"))).unwrap().len(), 1);
    assert_eq!(block_on(it.observe(&by_id("2"))).unwrap(), []);
    let before = it.sets("1");
    let refused = [
        "@ CNAME a.example @60",
        "www.spore.example CNAME a.example @60",
        "a.spore.example CNAME a.example | b.example @60",
        "other.example A 192.0.2.1 @60",
    ];
    for line in refused {
        let fine = DnsChange::Create(set("fine.spore.example A 192.0.2.1 @60").into());
        let action = DnsAction {
            site: site(),
            provider: DnsProvider::Rfc2136,
            credential: None,
            account: None,
            zone_id: "1".into(),
            zone: name(ZONE),
            changes: vec![fine, DnsChange::Create(set(line).into())],
        };
        let error = block_on(it.perform(&action)).unwrap_err();
        assert_eq!(error.kind, EdgeErrorKind::Rejected, "{line}");
        assert_eq!(it.sets("1"), before);
    }
}
