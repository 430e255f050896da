//! What is filled in where a message says nothing.

use crate::common::{domain, files, page};
use crate::contradictions::desired;
use mycelia_spore::desired::{Recipe, TreelinkRecipe};
use mycelia_spore::model::{AliasPolicy, TlsMode};
use std::path::Path;

fn recipe(packed: &[u8]) -> TreelinkRecipe {
    match desired(packed).unwrap().recipe {
        Some(Recipe::Treelink(recipe)) => *recipe,
        other => panic!("a page of links: {other:?}"),
    }
}

#[test]
fn a_page_has_the_id_as_title_english_as_language_and_a_local_address() {
    let recipe = recipe(&page("links", |_| ()));
    assert_eq!(recipe.title, "links");
    assert_eq!(recipe.language, "en");
    assert_eq!(recipe.description, "");
    assert_eq!(recipe.base_url, "http://links.localhost");
}

#[test]
fn a_page_has_what_the_message_gives() {
    let recipe = recipe(&page("links", |mut config| {
        let mut site = config.reborrow().get_site().unwrap();
        site.set_title("Links of Li");
        site.set_language("pt-BR");
        site.set_description("All of them.");
        config.init_domains().set_primary("li.example");
    }));
    assert_eq!(recipe.title, "Links of Li");
    assert_eq!(recipe.language, "pt-BR");
    assert_eq!(recipe.description, "All of them.");
    assert_eq!(recipe.base_url, "https://li.example");
}

#[test]
fn the_scheme_follows_tls() {
    for (tls, expected) in [
        (TlsMode::Provider, "https://li.example"),
        (TlsMode::Acme, "https://li.example"),
        (TlsMode::None, "http://li.example"),
    ] {
        let recipe = recipe(&page("links", |config| {
            let mut domains = config.init_domains();
            domains.set_primary("li.example");
            domains.set_tls(tls);
        }));
        assert_eq!(recipe.base_url, expected);
    }
}

#[test]
fn the_project_is_the_site_unless_named() {
    let key = |packed: &[u8]| desired(packed).unwrap().hosting.key;
    assert_eq!(key(&page("links", |_| ())).project.as_str(), "links");
    let named = key(&page("links", |config| {
        config.get_hosting().unwrap().set_project_name("other");
    }));
    assert_eq!(named.project.as_str(), "other");
    assert_eq!(named.site.as_str(), "links");
}

#[test]
fn aliases_are_redirected_only_where_there_are_some() {
    for (aliases, expected) in [(&[][..], false), (&["b.example", "a.example"], true)] {
        let packed = page("links", |config| {
            let mut domains = config.init_domains();
            domains.set_primary("c.example");
            domains.set_alias_policy(AliasPolicy::Redirect);
            let mut list = domains.init_aliases(u32::try_from(aliases.len()).unwrap());
            for (index, alias) in (0..).zip(aliases) {
                list.set(index, alias);
            }
        });
        let names = desired(&packed).unwrap().hosting.names;
        assert_eq!(names.redirect_aliases, expected);
        let aliases: Vec<_> = aliases.iter().map(|name| domain(name)).collect();
        assert_eq!(names.aliases, aliases);
        assert_eq!(names.all().next(), Some(&domain("c.example")));
    }
}

#[test]
fn a_directory_is_the_path_then_the_part_then_the_output() {
    let directory = |packed: &[u8]| match desired(packed).unwrap().recipe {
        Some(Recipe::Prebuilt(directory)) => {
            let below: Vec<&str> = directory.below.iter().map(AsRef::as_ref).collect();
            [&[directory.base.as_str()][..], &below].concat().join(" ")
        }
        other => panic!("a directory: {other:?}"),
    };
    let root = Path::new("/srv/blog");
    assert_eq!(directory(&files("blog", root, |_| ())), "/srv/blog");
    let whole = files("blog", root, |mut config| {
        let mut repo = config.reborrow().get_repo().unwrap();
        repo.set_subdirectory("site");
        config.get_build().unwrap().set_output_dir("public");
    });
    assert_eq!(directory(&whole), "/srv/blog site public");
}
