//! Websites and tools that Nix builds, by the real one.

use crate::farm::{Farm, Needs, Registry, farm, message};
use crate::fixture::Fixture;
use serde_json::json;

/// A Nix without a daemon, in whose sandbox the system's shell is to be found.
const NIX_CONFIG: &str = "build-users-group =
substituters =
sandbox-paths = /bin=/usr/bin /lib=/usr/lib /lib64=/usr/lib64 /usr";

fn nix_farm(unchecked: &str) -> Option<Farm> {
    let mut farm = farm(Needs::Nix, Registry::Real, unchecked)?;
    farm.environment = vec![("NIX_CONFIG", NIX_CONFIG)];
    Some(farm)
}

/// A flake without inputs, with one output that a shell line builds.
fn flake(output: &str, line: &str) -> String {
    format!(
        r#"{{
  outputs = {{ self }}: {{
    {output} = derivation {{
      name = "{output}";
      system = builtins.currentSystem or "x86_64-linux";
      builder = "/bin/sh";
      args = [ "-c" "{line}" ];
      source = ./page;
      PATH = "/bin";
    }};
  }};
}}
"#
    )
}

fn project(output: &str, line: &str) -> Fixture {
    Fixture::empty()
        .with("page", "<h1>Lichen</h1>")
        .with("flake.nix", flake(output, line))
}

#[test]
fn an_output_of_the_sources_flake_is_published() {
    let Some(farm) = nix_farm("builds by Nix") else {
        return;
    };
    farm.push(&project(
        "site",
        "mkdir -p $out/www; cp $source $out/www/index.html",
    ));
    let build = json!({ "type": "nixFlake", "flakeAttribute": ".#site", "outputDir": "www" });
    let message = message(build);
    farm.apply(&message);
    assert_eq!(farm.open().page("/"), "<h1>Lichen</h1>");
    assert_eq!(farm.send(&message)["outcome"], "unchanged");
    assert_eq!(farm.rebuilt(), farm.published());
}

#[test]
fn what_nix_says_is_told_when_a_flake_does_not_build() {
    let Some(farm) = nix_farm("builds by Nix that fail") else {
        return;
    };
    farm.push(&project("site", "echo the moss is dry >&2; exit 7"));
    let report = farm.send(&message(
        json!({ "type": "nixFlake", "flakeAttribute": ".#site" }),
    ));
    assert_eq!(report["outcome"], "failed", "{report:#}");
    assert_eq!(report["error"]["path"], "build.flakeAttribute");
    let told = report["error"]["message"].as_str().unwrap();
    assert!(told.contains("the moss is dry"), "{told}");
    let report = farm.send(&message(json!({ "type": "nixFlake" })));
    let told = report["error"]["message"].as_str().unwrap();
    assert!(told.contains("default"), "{told}");
}

#[test]
fn an_input_that_is_not_locked_is_refused() {
    let Some(farm) = nix_farm("flakes without a lock") else {
        return;
    };
    let input = farm.folder().join("input");
    std::fs::create_dir(&input).unwrap();
    std::fs::write(input.join("flake.nix"), "{ outputs = { self }: { }; }").unwrap();
    let site = flake("site", "mkdir $out; cp $source $out/index.html");
    let inputs = format!("{{\n  inputs.other.url = \"path:{}\";", input.display());
    let site = site
        .replacen('{', &inputs, 1)
        .replacen("{ self }", "{ self, other }", 1);
    farm.push(&project("site", "").with("flake.nix", site));
    let report = farm.send(&message(
        json!({ "type": "nixFlake", "flakeAttribute": ".#site" }),
    ));
    assert_eq!(report["outcome"], "failed", "{report:#}");
    let told = report["error"]["message"].as_str().unwrap();
    assert!(told.contains("lock"), "{told}");
}

#[test]
fn hugo_comes_from_the_package_that_the_operator_or_the_site_names() {
    let Some(farm) = nix_farm("hugo from Nix") else {
        return;
    };
    let line = "mkdir -p $out/bin; printf '#!/bin/sh\\nexec /usr/bin/hugo \\\"$@\\\"\\n' > $out/bin/hugo; chmod +x $out/bin/hugo";
    let project = Fixture::named("hugo")
        .with("page", "")
        .with("flake.nix", flake("tool", line));
    farm.push(&project);
    let report = farm.send(&message(json!({ "type": "hugoNix" })));
    assert_eq!(report["outcome"], "refused", "{report:#}");
    let hint = report["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("builds.hugo-package"), "{hint}");
    farm.apply(&message(
        json!({ "type": "hugoNix", "flakeAttribute": ".#tool" }),
    ));
    assert!(farm.open().page("/").contains("Mooring seven"));
    let package = farm.folder().join("package");
    std::fs::create_dir(&package).unwrap();
    std::fs::write(package.join("page"), "").unwrap();
    std::fs::write(package.join("flake.nix"), flake("other", line)).unwrap();
    farm.set(&format!(
        "hugo-package = \"path:{}#other\"\n",
        package.display()
    ));
    let report = farm.send(&message(json!({ "type": "hugoNix" })));
    assert!(report["error"].is_null(), "{report:#}");
    assert!(farm.log().contains("#other"), "{}", farm.log());
}
