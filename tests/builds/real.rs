//! Each kind of website from its repository to a visitor, and built a second time to the same bytes.

use crate::farm::{Farm, Needs, Registry, farm, message};
use crate::fixture::Fixture;
use serde_json::{Value, json};

/// A website: its project, how it is built, and what visitors find.
struct Website<'w> {
    fixture: Fixture,
    message: Value,
    pages: &'w [(&'w str, &'w str)],
}

impl<'w> Website<'w> {
    fn new(name: &str, build: Value, pages: &'w [(&'w str, &'w str)]) -> Self {
        Self {
            fixture: Fixture::named(name),
            message: message(build),
            pages,
        }
    }

    /// Publishes it, visits it, and builds it once more.
    fn works(&self, farm: &Farm) {
        farm.push(&self.fixture);
        farm.apply(&self.message);
        let visited = farm.open();
        for (path, text) in self.pages {
            let page = visited.page(path);
            assert!(page.contains(text), "{path} has no {text:?}: {page}");
        }
        assert_eq!(farm.send(&self.message)["outcome"], "unchanged");
        assert_eq!(farm.rebuilt(), farm.published(), "{}", farm.log());
    }
}

#[test]
fn hugo_builds_its_pages_lists_and_data() {
    let Some(farm) = farm(Needs::Hugo, Registry::Real, "a website of hugo") else {
        return;
    };
    let pages = [
        ("/", "Mooring seven is free"),
        ("/notes/tides/", "<td>05:49</td>"),
        ("/tags/repairs/", "The crane is painted"),
        ("/index.json", r#""path":"/notes/crane/""#),
        ("/about/", "hills.png"),
    ];
    Website::new("hugo", json!({ "type": "hugo" }), &pages).works(&farm);
    assert!(
        farm.published()
            .keys()
            .any(|path| path.starts_with("css/main.min."))
    );
}

#[test]
fn astro_builds_its_collection_scripts_and_images_from_a_folder_of_the_repository() {
    let unchecked = "a website of Astro";
    let Some(farm) = farm(Needs::Patience, Registry::Near, unchecked) else {
        return;
    };
    let pages = [
        ("/", "Runner bean"),
        ("/", "https://seeds.example/"),
        ("/seeds/poppy/", "Scatter on bare soil"),
        ("/about/", ".webp"),
    ];
    let mut website = Website::new("astro", json!({ "type": "astroStatic" }), &pages);
    website.fixture = website.fixture.below("web/seeds");
    website.message["repo"]["subdirectory"] = json!("web/seeds");
    website.works(&farm);
}

#[test]
fn next_exports_its_pages_named_after_the_commit() {
    let unchecked = "a website of Next.js";
    let Some(farm) = farm(Needs::Patience, Registry::Near, unchecked) else {
        return;
    };
    let pages = [
        ("/", "Struck"),
        ("/bells/martha/", "The smallest"),
        ("/about/", "Hills above the foundry"),
    ];
    let website = Website::new("next", json!({ "type": "nextStatic" }), &pages);
    website.works(&farm);
    let commit = farm.push(&website.fixture);
    farm.apply(&website.message);
    let manifest = format!("_next/static/{commit}/_buildManifest.js");
    assert!(farm.published().contains_key(&manifest), "{manifest}");
}

#[test]
fn nuxt_generates_its_routes() {
    let unchecked = "a website of Nuxt";
    let Some(farm) = farm(Needs::Patience, Registry::Near, unchecked) else {
        return;
    };
    let pages = [
        ("/", "Along the ridge"),
        ("/paths/moor", "Follow the white posts."),
        ("/paths/mill/_payload.json", "prerenderedAt"),
        ("/about", "hills.png"),
    ];
    Website::new("nuxt", json!({ "type": "nuxtStatic" }), &pages).works(&farm);
}

#[test]
fn npm_installs_from_its_registry_and_runs_a_script() {
    let unchecked = "a website built by npm";
    let Some(farm) = farm(Needs::Node, Registry::Real, unchecked) else {
        return;
    };
    let build = json!({ "type": "command", "command": ["npm", "run", "build"] });
    let pages = [("/", "Salt &amp; bread"), ("/", "<p>text/html</p>")];
    Website::new("npm-plain", build, &pages).works(&farm);
}

#[test]
fn pnpm_installs_from_its_registry_and_runs_a_script() {
    let unchecked = "a website built by pnpm";
    let Some(farm) = farm(Needs::Node, Registry::Real, unchecked) else {
        return;
    };
    let build =
        json!({ "type": "command", "command": ["pnpm", "run", "build"], "outputDir": "public" });
    let pages = [("/", r#"<li id="forty-two">Forty Two is evenly placed"#)];
    Website::new("pnpm", build, &pages).works(&farm);
}

#[test]
fn yarn_installs_from_its_registry_and_runs_a_script() {
    let unchecked = "a website built by yarn";
    let Some(farm) = farm(Needs::Node, Registry::Real, unchecked) else {
        return;
    };
    let build = json!({ "type": "command", "command": ["yarn", "run", "build"] });
    let pages = [("/", "<li>12 minutes</li>")];
    Website::new("yarn", build, &pages).works(&farm);
}
