//! What was damaged is noticed, and mended where it can be.

use crate::common::{artifact, block_on, plan};
use crate::place::{Place, blog, damage, index};
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::hosting::HostingBackend;
use mycelia_spore::observed::Look;
use mycelia_spore::plan::{Plan, Policy, Standing};
use std::fs;
use std::os::unix::fs::MetadataExt;

fn text(place: &Place, release: &mycelia_spore::release::ReleaseId, path: &str) -> String {
    fs::read_to_string(place.file(release, path)).unwrap()
}

#[test]
fn a_damaged_file_is_not_carried_into_the_next_release() {
    // Shorter, and of the same length: only its content tells.
    for bad in ["b", "x{}"] {
        let place = Place::new();
        let both = |text: &str| artifact(&[("index.html", text), ("same.css", "b{}")]);
        let one = place.publish(&blog(), &both("one"));
        damage(&place.file(&one, "same.css"), bad);
        let two = place.publish(&blog(), &both("two"));
        assert_eq!(text(&place, &two, "same.css"), "b{}");
        let inode = |release| fs::metadata(place.file(release, "same.css")).unwrap().ino();
        assert_ne!(inode(&one), inode(&two));
    }
}

#[test]
fn a_damaged_live_release_is_mended_by_publishing_it_again() {
    let files = artifact(&[("index.html", "one"), ("a/b.css", "b{}")]);
    let damages: [fn(&Place, &std::path::Path); 3] = [
        |_, path| damage(path, "o"),
        |_, path| fs::remove_file(path).unwrap(),
        |place, _| {
            let manifest = place
                .backend
                .layout()
                .manifest("blog", &place.live().release);
            damage(&manifest, "{}");
        },
    ];
    for damage in damages {
        let place = Place::new();
        let first = place.publish(&blog(), &index("zero"));
        let release = place.publish(&blog(), &files);
        damage(&place, &place.file(&release, "index.html"));
        assert_eq!(place.publish(&blog(), &files), release);
        assert_eq!(text(&place, &release, "index.html"), "one");
        assert_eq!(text(&place, &release, "a/b.css"), "b{}");
        assert_eq!(place.manifest(&release).files.len(), 2);
        let live = place.live();
        assert_eq!((live.release, live.previous), (release, vec![first]));
        assert_eq!(place.releases().len(), 2, "no draft is left");
    }
}

#[test]
fn a_damaged_manifest_is_a_difference() {
    let place = Place::new();
    let release = place.publish(&blog(), &index("one"));
    let policy = Policy::default();
    let plan = || {
        let standing = Standing::default();
        block_on(plan(
            &place.backend,
            &blog(),
            Some(&index("one")),
            &policy,
            &standing,
        ))
    };
    assert_eq!(plan(), Plan::default());
    damage(&place.backend.layout().manifest("blog", &release), "{}");
    assert_eq!(plan().steps.len(), 1);
    assert_eq!(place.publish(&blog(), &index("one")), release);
    assert_eq!(plan(), Plan::default());
}

#[test]
fn a_damaged_release_is_not_gone_back_to() {
    let place = Place::new();
    let one = place.publish(&blog(), &index("one"));
    let two = place.publish(&blog(), &index("two"));
    damage(&place.backend.layout().manifest("blog", &one), "{}");
    let site = blog();
    let error = place
        .perform(&mycelia_spore::plan::HostingAction::Activate {
            key: site.hosting.key,
            settings: site.hosting.settings,
            release: one,
        })
        .unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Rejected);
    assert!(error.message.contains("damaged"), "{error}");
    assert_eq!(place.live().release, two);
}

#[test]
fn a_damaged_pointer_is_told_with_its_path_and_what_to_do() {
    let place = Place::new();
    place.publish(&blog(), &index("one"));
    let path = place.backend.layout().live("blog");
    let other = crate::common::desired(
        "other",
        crate::common::keeping(5),
        crate::common::names(&["other.example"]),
    );
    for (content, what) in [
        ("{\"v\":1", "is damaged"),
        ("", "is damaged"),
        ("[]", "is damaged"),
    ] {
        fs::write(&path, content).unwrap();
        let backend = place.reopened();
        let hosting = backend.canonical(blog().hosting).unwrap();
        let errors = [
            block_on(backend.observe(&hosting, Look::History)).unwrap_err(),
            place.try_publish(&blog(), &index("two")).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind, EdgeErrorKind::Rejected);
            let told = format!("{} {what}", path.display());
            assert!(error.message.contains(&told), "{error}");
            assert!(error.hint.unwrap().contains("move the file away"));
        }
        // Other sites are not concerned.
        let hosting = backend.canonical(other.hosting.clone()).unwrap();
        let seen = block_on(backend.observe(&hosting, Look::History)).unwrap();
        assert_eq!((seen.hosting, seen.taken), (None, Vec::new()));
    }
    // As the hint says.
    fs::remove_file(&path).unwrap();
    place.publish(&blog(), &index("two"));
}

#[test]
fn a_pointer_of_a_later_form_is_left_alone() {
    let place = Place::new();
    place.publish(&blog(), &index("one"));
    let path = place.backend.layout().live("blog");
    let later = fs::read_to_string(&path)
        .unwrap()
        .replace("\"v\":1", "\"v\":2");
    fs::write(&path, &later).unwrap();
    let error = place.try_publish(&blog(), &index("two")).unwrap_err();
    assert!(error.message.contains("has form 2"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), later);
}
