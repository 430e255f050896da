//! What holds for every difference.

use crate::common::block_on;
use crate::world::{ZONE, name, ownership, perform, rules, set, site, wanted};
use mycelia_spore::dns::{DnsBackend, DnsScope, memory::Memory};
use mycelia_spore::model::{DnsDeletePolicy, DnsOwnership, DnsProvider, DnsRecordType};
use mycelia_spore::observed::{Look, ObservedZone, Ownership};
use mycelia_spore::plan::dns::{ChangeKind, Difference, DnsChange, Rules, diff};
use mycelia_spore::records::{Content, DeclaredSet, Owner, RecordKey, RecordSet, type_name};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Few of each, so that worlds often meet.
const NAMES: [&str; 7] = [
    "spore.example",
    "a.spore.example",
    "b.spore.example",
    "*.spore.example",
    "_acme-challenge.spore.example",
    "below.spore.example",
    "a.below.spore.example",
];
const VALUES: [&str; 12] = [
    "A 192.0.2.1",
    "A 192.0.2.1 | 192.0.2.2",
    "AAAA 2001:db8::1",
    "CNAME blog.pages.dev",
    "CNAME a.example",
    "TXT x",
    "TXT y | z",
    "MX 10 a.spore.example",
    "MX 0 .",
    "CAA 0 issue ca.example",
    "SRV 0 0 80 a.spore.example",
    "NS ns.example",
];
const OWNERS: [&str; 3] = ["ours", "free", "shop"];

/// All that a difference is made of.
#[derive(Clone, Debug)]
struct World {
    rules: Rules,
    /// Sets that are there, and whose they are.
    there: Vec<(RecordSet, &'static str)>,
    wanted: Vec<DeclaredSet>,
    /// Whether there is a zone below the other.
    below: bool,
}

impl World {
    /// The zones in memory.
    fn backend(&self) -> Memory {
        let backend = Memory::new(self.rules.capabilities);
        backend.add_zone("1", &name(ZONE));
        if self.below {
            backend.add_zone("2", &name("below.spore.example"));
        }
        for (set, owner) in &self.there {
            let below = self.below && set.key.name.is_within(&name("below.spore.example"));
            let owner = match *owner {
                "ours" => "blog",
                "free" => "",
                owner => owner,
            };
            backend.put(if below { "2" } else { "1" }, set.clone(), owner);
        }
        backend
    }
}

fn observe(backend: &Memory) -> Vec<ObservedZone> {
    let names = NAMES.iter().map(|text| name(text)).collect();
    let scope = DnsScope {
        site: site(),
        provider: DnsProvider::Cloudflare,
        zone: None,
        credential: None,
        account: None,
        look: Look::Closely,
        names,
    };
    block_on(backend.observe(&scope)).unwrap()
}

fn line(proxy: bool) -> impl Strategy<Value = String> {
    let ttl = if proxy {
        vec!["", " @60", " @auto"]
    } else {
        vec!["", " @60", " @300"]
    };
    (
        select(&NAMES[..]),
        select(&VALUES[..]),
        select(ttl),
        any::<bool>(),
    )
        .prop_map(move |(owner, value, ttl, proxied)| {
            let proxied =
                proxy && proxied && ["A", "C"].contains(&&value[..1]) && &value[..3] != "CAA";
            format!(
                "{owner} {value}{ttl}{}",
                if proxied { " proxied" } else { "" }
            )
        })
}

/// What can be in a zone together.
fn lawful(rules: &Rules, sets: Vec<(RecordSet, &'static str)>) -> Vec<(RecordSet, &'static str)> {
    let mut lawful: Vec<(RecordSet, &'static str)> = Vec::new();
    for (set, owner) in sets {
        let apex = [ZONE, "below.spore.example"].contains(&set.key.name.as_str());
        let alone =
            apex && set.key.kind == DnsRecordType::Cname && !rules.capabilities.cname_flattening;
        let fits = lawful.iter().all(|(other, _)| {
            let delegation = apex && other.key.kind == DnsRecordType::Ns;
            let excluded = rules.capabilities.exclude(set.key.kind, other.key.kind);
            let same = set.key.name == other.key.name;
            other.key != set.key && !(same && excluded && !delegation)
        });
        if fits && !alone {
            lawful.push((set, owner));
        }
    }
    lawful
}

fn some_rules(provider: DnsProvider) -> impl Strategy<Value = Rules> {
    let target = prop::option::of(Just(name("blog.pages.dev")));
    (any::<[bool; 3]>(), 0..=100_u8, target).prop_map(
        move |([zone_given, adopt, keep], max_removed_percent, target)| Rules {
            zone_given,
            ownership: if adopt {
                DnsOwnership::Adopt
            } else {
                DnsOwnership::Marked
            },
            delete_policy: if keep {
                DnsDeletePolicy::Keep
            } else {
                DnsDeletePolicy::Delete
            },
            max_removed_percent,
            target,
            ..rules(provider)
        },
    )
}

fn worlds() -> impl Strategy<Value = World> {
    select(vec![DnsProvider::Cloudflare, DnsProvider::Rfc2136]).prop_flat_map(|provider| {
        let proxy = provider == DnsProvider::Cloudflare;
        let there = prop::collection::vec((line(proxy), select(&OWNERS[..])), 0..40);
        // Often as it is, seldom from scratch.
        let more = prop::collection::vec(line(proxy), 0..8);
        let others = subsequence(
            vec![
                "@ TXT x",
                "@ NS ns.example",
                "x.other.example TXT x",
                "@ CNAME HOSTING",
                "a.spore.example CNAME HOSTING",
                "b.spore.example CNAME HOSTING",
            ],
            0..3,
        );
        (
            some_rules(provider),
            there,
            more,
            others,
            any::<u64>(),
            any::<bool>(),
        )
            .prop_map(|(rules, there, more, others, kept, below)| {
                let there = there.into_iter().map(|(line, owner)| (set(&line), owner));
                let there = lawful(&rules, there.collect());
                let lines = more.iter().map(|line| wanted(line));
                let lines = lines.chain(others.iter().map(|line| wanted(line)));
                let mut declared: Vec<DeclaredSet> = lines.collect();
                for (index, (set, _)) in there.iter().enumerate() {
                    if kept >> (index % 64) & 1 == 1 {
                        let mut one = wanted("@ TXT x");
                        one.owner = Owner::At(set.key.name.clone());
                        (one.kind, one.ttl, one.proxied) = (set.key.kind, set.ttl, set.proxied);
                        one.content = Content::Data(set.data.clone());
                        declared.push(one);
                    }
                }
                World {
                    rules,
                    there,
                    wanted: declared,
                    below,
                }
            })
    })
}

/// Whether one of the zones holds a declared set, or one with more data that was declared apart.
fn holds(zones: &[ObservedZone], declared: &DeclaredSet, rules: &Rules) -> bool {
    let sets = zones.iter().flat_map(|zone| {
        let wanted = declared.within(&zone.name);
        zone.sets
            .iter()
            .map(move |found| (wanted.clone(), &found.set))
    });
    let mut sets = sets.filter(|(wanted, found)| wanted.key == found.key);
    sets.any(|(mut wanted, found)| {
        if let Content::Data(data) = &wanted.content
            && data.is_subset(&found.data)
        {
            wanted.content = Content::Data(found.data.clone());
        }
        wanted.is(found, rules.target.as_ref())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn after_a_difference_was_carried_out_nothing_is_left_to_do(mut world in worlds()) {
        let backend = world.backend();
        let first = diff(&world.wanted, &observe(&backend), &world.rules);
        let target = name("blog.pages.dev");
        if let Err(error) = block_on(perform(&backend, &first, &target)) {
            prop_assert!(false, "{}: {:?}", error, first);
        }
        world.rules.target = Some(target);
        let zones = observe(&backend);
        let second = diff(&world.wanted, &zones, &world.rules);
        prop_assert_eq!(&second.zones, &[]);
        // What is not withheld is as wanted.
        for declared in &world.wanted {
            let told = first.withheld.iter().any(|withheld| {
                let braked = withheld.action.starts_with("change ");
                let named = |zone: &ObservedZone| {
                    let key = declared.within(&zone.name).key.to_string();
                    withheld.action.starts_with(&format!("set {key}"))
                };
                let apex = declared.owner == Owner::Apex || declared.content == Content::HostingTarget;
                let own = format!("set {} {}", declared.owner, type_name(declared.kind));
                braked || withheld.action.starts_with(&own) || (apex && zones.iter().any(named))
            });
            prop_assert!(told || holds(&zones, declared, &world.rules), "{:?}", declared);
        }
    }

    #[test]
    fn what_is_not_ours_is_never_touched(world in worlds()) {
        let backend = world.backend();
        let first = diff(&world.wanted, &observe(&backend), &world.rules);
        for zone in &first.zones {
            for change in &zone.changes {
                let there = world.there.iter().find(|(set, _)| set.key == *change.key());
                let owner = there.map(|(_, owner)| ownership(owner));
                let adopting = world.rules.ownership == DnsOwnership::Adopt;
                let allowed = match (change.kind(), owner) {
                    (ChangeKind::Create, None)
                    | (ChangeKind::Update | ChangeKind::Delete, Some(Ownership::Ours)) => true,
                    (ChangeKind::Update, Some(Ownership::Unmarked)) => adopting,
                    _ => false,
                };
                prop_assert!(allowed, "{}", change);
                // Nor are a zone's own name servers.
                let servers = change.key().kind == DnsRecordType::Ns && change.key().name == zone.name;
                prop_assert!(!servers, "{}", change);
            }
        }
        let _ = block_on(perform(&backend, &first, &name("blog.pages.dev")));
        let after: Vec<_> = backend.sets("1").into_iter().chain(backend.sets("2")).collect();
        for (set, _) in world.there.iter().filter(|(_, owner)| *owner == "shop") {
            prop_assert!(after.contains(&(set.clone(), "shop".into())), "{}", set);
        }
    }

    #[test]
    fn nothing_is_deleted_that_is_kept_declared_or_beyond_the_brake(world in worlds()) {
        let zones = observe(&world.backend());
        let difference = diff(&world.wanted, &zones, &world.rules);
        for zone in &difference.zones {
            let deleted: Vec<_> = zone
                .changes
                .iter()
                .filter(|change| change.kind() == ChangeKind::Delete)
                .map(DnsChange::key)
                .collect();
            let found = zones.iter().find(|found| found.id == zone.id).unwrap();
            let named = |key: &RecordKey| {
                world.wanted.iter().any(|set| set.owner.name() == Some(&key.name))
            };
            let owned = found.sets.iter().filter(|found| {
                let key = &found.set.key;
                let server = key.kind == DnsRecordType::Ns && key.name == zone.name;
                let passing = key.name.label() == "_acme-challenge" && !named(key);
                found.ownership == Ownership::Ours && !server && !passing
            });
            let owned = owned.count();
            let allowed = owned * usize::from(world.rules.max_removed_percent);
            prop_assert!(owned < 10 || deleted.len() * 100 <= allowed, "{:?}", deleted);
            prop_assert!(deleted.is_empty() || world.rules.delete_policy == DnsDeletePolicy::Delete);
            for key in deleted {
                let declared = world.wanted.iter().any(|declared| {
                    let name = declared.owner.name();
                    let data = matches!(declared.content, Content::Data(_));
                    data && declared.kind == key.kind && name == Some(&key.name)
                });
                prop_assert!(!declared, "{}", key);
                prop_assert!(named(key) || key.name.label() != "_acme-challenge");
            }
        }
    }

    #[test]
    fn the_order_of_the_inputs_does_not_matter(
        (world, shuffled) in worlds().prop_flat_map(|world| {
            let sets = Just(world.wanted.clone()).prop_shuffle();
            (Just(world), sets)
        }),
        seed in any::<usize>(),
    ) {
        let mut zones = observe(&world.backend());
        let first = diff(&world.wanted, &zones, &world.rules);
        zones.reverse();
        for zone in &mut zones {
            let middle = seed % zone.sets.len().max(1);
            zone.sets.rotate_left(middle);
        }
        prop_assert_eq!(diff(&shuffled, &zones, &world.rules), first);
    }
}

#[test]
fn a_large_zone_without_changes_has_none() {
    let lines: Vec<String> = (0..10_000)
        .map(|index| format!("n{index}.spore.example TXT value-{index} | second @60"))
        .collect();
    let declared: Vec<DeclaredSet> = lines.iter().map(|line| wanted(line)).collect();
    let found = lines
        .iter()
        .map(|line| crate::world::found(&format!("ours {line}")));
    let zone = ObservedZone::of("1".into(), name(ZONE), found);
    let difference = diff(&declared, &[zone], &rules(DnsProvider::Rfc2136));
    assert_eq!(difference, Difference::default());
}
