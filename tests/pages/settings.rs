//! The settings of projects: only what the message declares is compared and sent.

use crate::common::{artifact, block_on};
use crate::place::{Place, site};
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::model::{
    Date, EnvironmentVariable, HostingSettings, Lines, Parse, RefName, SettingsName, VariableName,
    VariableValue,
};
use mycelia_spore::observed::Look;
use mycelia_spore::plan::{Action, HostingAction, Plan, Policy, Standing};
use std::sync::Arc;

fn files() -> Arc<mycelia_spore::artifact::Artifact> {
    artifact(&[("index.html", "one")])
}

/// A site with these variables of production.
fn with(variables: &[(&str, VariableValue)]) -> DesiredSite {
    let mut site = site("blog", &[]);
    let HostingSettings::CloudflarePages(pages) = &mut site.hosting.settings else {
        unreachable!()
    };
    pages.environment = variables
        .iter()
        .map(|(name, value)| EnvironmentVariable {
            name: VariableName::parse(name).unwrap(),
            value: value.clone(),
        })
        .collect();
    site
}

fn plain(text: &str) -> VariableValue {
    VariableValue::Plain(Lines::parse(text).unwrap())
}

fn credential(name: &str) -> VariableValue {
    VariableValue::Credential(SettingsName::parse(name).unwrap())
}

/// The changes of a project that a plan makes.
fn changes(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter().flat_map(|step| match &step.action {
        Action::Hosting(HostingAction::Configure(configure)) => configure.changes.clone(),
        _ => Vec::new(),
    });
    steps.map(|change| change.to_string()).collect()
}

#[test]
fn what_cloudflare_or_a_person_sets_is_no_difference() {
    block_on(async {
        let place = Place::new();
        let site = with(&[("STAGE", plain("production"))]);
        place.apply(&site, &files()).await;
        let account = place.fake.account().to_owned();
        {
            let mut state = place.fake.state();
            let project = state.project(&account, "blog").ok().unwrap();
            let configs = &mut project.deployment_configs["production"];
            configs["fail_open"] = true.into();
            configs["build_image_major_version"] = 3.into();
            configs["compatibility_date"] = "2026-01-01".into();
            configs["env_vars"]["THEIRS"] =
                serde_json::json!({ "type": "plain_text", "value": "x" });
            project.build_config = serde_json::json!({ "build_caching": true });
        }
        assert_eq!(place.plan(&site, Some(&files())).await, Plan::default());
        // A change of ours leaves theirs.
        let site = with(&[("STAGE", plain("other"))]);
        let plan = place.plan(&site, Some(&files())).await;
        let expected =
            "~ deployment_configs.production.env_vars.STAGE = \"production\" -> \"other\"";
        assert_eq!(changes(&plan), [expected]);
        place.carry_out(&plan).await;
        let project = place.fake.project("blog");
        assert_eq!(project.env_var("production", "STAGE"), Some("other"));
        assert_eq!(project.env_var("production", "THEIRS"), Some("x"));
        assert_eq!(project.deployment_configs["production"]["fail_open"], true);
    });
}

#[test]
fn what_a_person_changed_of_ours_is_put_right() {
    block_on(async {
        let place = Place::new();
        let mut site = with(&[("STAGE", plain("production"))]);
        site.hosting.branches.production = Some(RefName::parse("trunk").unwrap());
        let HostingSettings::CloudflarePages(pages) = &mut site.hosting.settings else {
            unreachable!()
        };
        pages.compatibility_date = Some(Date::parse("2026-11-01").unwrap());
        place.apply(&site, &files()).await;
        let account = place.fake.account().to_owned();
        {
            let mut state = place.fake.state();
            let project = state.project(&account, "blog").ok().unwrap();
            project.production_branch = "trunk2".into();
            let configs = &mut project.deployment_configs;
            configs["preview"]["compatibility_date"] = "2020-01-01".into();
            configs["production"]["env_vars"]["STAGE"]["value"] = "x".into();
        }
        let plan = place.plan(&site, Some(&files())).await;
        let expected = [
            "~ deployment_configs.preview.compatibility_date = \"2020-01-01\" -> \"2026-11-01\"",
            "~ deployment_configs.production.env_vars.STAGE = \"x\" -> \"production\"",
            "~ production_branch = \"trunk2\" -> \"trunk\"",
        ];
        assert_eq!(changes(&plan), expected);
        place.carry_out(&plan).await;
        assert_eq!(place.plan(&site, Some(&files())).await, Plan::default());
    });
}

#[test]
fn a_variable_that_is_declared_no_longer_is_taken_away() {
    block_on(async {
        let place = Place::new();
        let site = with(&[("ONE", plain("1")), ("TWO", plain("2"))]);
        place.apply(&site, &files()).await;
        let site = with(&[("TWO", plain("2"))]);
        // Another machine knows as well which variables are the site's.
        let place = place.restarted();
        let plan = place.plan(&site, Some(&files())).await;
        let gone = "- deployment_configs.production.env_vars.ONE";
        assert_eq!(changes(&plan), [gone]);
        place.carry_out(&plan).await;
        assert_eq!(
            place.fake.project("blog").env_var("production", "ONE"),
            None
        );
        assert_eq!(place.plan(&site, Some(&files())).await, Plan::default());
    });
}

#[test]
fn a_secret_is_sent_when_its_value_changed_and_shown_nowhere() {
    block_on(async {
        let place = Place::new();
        let site = with(&[("API_KEY", credential("api-key"))]);
        let plan = place.plan(&site, Some(&files())).await;
        let secret = "+ deployment_configs.production.env_vars.API_KEY = (secret)";
        assert_eq!(changes(&plan), [secret]);
        place.carry_out(&plan).await;
        let project = place.fake.project("blog");
        assert_eq!(
            project.env_var("production", "API_KEY"),
            Some("mushroom-5ecret")
        );
        // What was sent is remembered; without that memory it is sent again.
        let sent = place.sent(&site);
        let standing = Standing {
            sent,
            ..Standing::default()
        };
        let known = |standing: Standing| {
            let (place, site) = (&place, &site);
            async move {
                let policy = Policy::default();
                let observed = place.observe(site, Look::Passing).await;
                let site = place.canonical(site);
                Plan::between(&site, Some(&files()), &observed, &policy, &standing)
            }
        };
        assert_eq!(known(standing.clone()).await, Plan::default());
        assert_eq!(changes(&known(Standing::default()).await).len(), 1);
        place.write_secret("another");
        let plan = known(standing).await;
        assert_eq!(changes(&plan).len(), 1);
        place.carry_out(&plan).await;
        let project = place.fake.project("blog");
        assert_eq!(project.env_var("production", "API_KEY"), Some("another"));
        assert!(!format!("{plan:?}").contains("another"));
    });
}

#[test]
fn the_address_is_the_one_cloudflare_gave() {
    block_on(async {
        let place = Place::new();
        place.fake.state().taken_subdomains.insert("blog".into());
        let site = site("blog", &[]);
        let applying = place.apply(&site, &files()).await;
        let subdomain = place.fake.project("blog").subdomain;
        assert_ne!(subdomain, "blog.pages.dev");
        assert_eq!(applying.urls, [format!("https://{subdomain}/")]);
        let target = applying.target.unwrap();
        assert_eq!(target.as_str(), subdomain);
    });
}
