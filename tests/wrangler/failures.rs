//! How failures of the client are told.

use crate::world::{World, told};
use crate::{deploy, write};
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::hosting::cloudflare_pages::wrangler::{BundleOptions, Deploy, Wrangler};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const TRANSIENT: EdgeErrorKind = EdgeErrorKind::Transient { retry_after: None };

#[test]
fn it_is_found_by_its_path_or_on_the_path() {
    let world = World::new("");
    assert_eq!(world.client().version().to_string(), "4.86.0");
    let error = Wrangler::find(Some(&world.path("none"))).unwrap_err();
    insta::assert_snapshot!(told(&world, &error), @"
    rejected
    hosting.cloudflarePages.functions: WORLD/none is not installed
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings
    ");
    let error = Wrangler::find(Some(Path::new("no-such-wrangler"))).unwrap_err();
    assert_eq!(error.message, "no-such-wrangler is not installed");
    fs::write(world.path("plain"), "").unwrap();
    let error = Wrangler::find(Some(&world.path("plain"))).unwrap_err();
    insta::assert_snapshot!(told(&world, &error), @"
    rejected
    hosting.cloudflarePages.functions: WORLD/plain cannot be run: Permission denied (os error 13)
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings
    ");
}

#[test]
fn what_cannot_be_used_is_told() {
    let mut all = String::new();
    for version in [
        "echo; echo ' ⛅️ wrangler 3.114.17'; echo -----",
        "echo unknown",
        "echo 'node is too old' >&2; exit 1",
        "exec /usr/bin/env no-such-node",
    ] {
        let world = World::of_version(version, "");
        let error = world.find().unwrap_err();
        assert_eq!(error.kind, EdgeErrorKind::Rejected);
        all.push_str(&told(&world, &error));
        all.push_str("\n\n");
    }
    insta::assert_snapshot!(all, @"
    rejected
    hosting.cloudflarePages.functions: WORLD/wrangler is wrangler 3.114.17; 4.0.0 or newer is needed
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings

    rejected
    hosting.cloudflarePages.functions: WORLD/wrangler does not tell its version
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings

    rejected
    hosting.cloudflarePages.functions: WORLD/wrangler failed (exit status: 1): node is too old
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings

    rejected
    hosting.cloudflarePages.functions: WORLD/wrangler cannot be run for want of Node.js: /usr/bin/env: 'no-such-node': No such file or directory
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings
    ");
}

#[test]
fn failures_carry_all_that_it_said() {
    let script = "printf '\\033[31m✘ \\033[1mone\\033[0m\\n\\n    two\\n' >&2; echo '🪵  Logs were written to \"/x\"' >&2; exit 3";
    let world = World::new(script);
    insta::assert_snapshot!(told(&world, &world.bundle_error()), @"
    rejected
    hosting.cloudflarePages.functions: wrangler 4.86.0 pages functions build failed (exit status: 3): ✘ one

        two
    -
    ");
    insta::assert_snapshot!(told(&world, &world.deploy_error()), @"
    rejected
    : wrangler 4.86.0 pages deploy failed (exit status: 3): ✘ one

        two
    -
    ");
}

#[test]
fn the_kind_of_a_failed_deployment_is_what_its_record_says() {
    for (entry, kind) in [
        (
            r#""code":10000,"message":"A request failed.""#,
            EdgeErrorKind::Unauthorised,
        ),
        (r#""code":8000000,"message":"A request failed.""#, TRANSIENT),
        (r#""code":10046,"message":"A request failed.""#, TRANSIENT),
        (
            r#""code":8000007,"message":"A request failed.""#,
            EdgeErrorKind::Rejected,
        ),
        (r#""message":"fetch failed""#, TRANSIENT),
        (
            r#""message":"Received a malformed response from the API""#,
            TRANSIENT,
        ),
        (
            r#""message":"Error: Pages only supports files up to 25 MiB in size""#,
            EdgeErrorKind::Rejected,
        ),
    ] {
        let script = format!(
            r#"echo '{{"type":"command-failed",{entry}}}' >"$WRANGLER_OUTPUT_FILE_PATH"
               echo "said with $CLOUDFLARE_API_TOKEN" >&2; exit 1"#
        );
        let error = World::new(&script).deploy_error();
        assert_eq!(error.kind, kind, "{entry}");
        assert!(error.full().ends_with("said with ***"), "{}", error.full());
    }
}

#[test]
fn a_record_that_is_missing_or_garbage_is_told() {
    let mut all = String::new();
    for script in [
        "",
        "echo '{\"type\":\"wrangler-session\"}' >\"$WRANGLER_OUTPUT_FILE_PATH\"",
        "printf '\\n\\377garbage' >\"$WRANGLER_OUTPUT_FILE_PATH\"",
    ] {
        let world = World::new(script);
        all.push_str(&told(&world, &world.deploy_error()));
        all.push_str("\n\n");
    }
    insta::assert_snapshot!(all, @"
    rejected
    : wrangler 4.86.0 ended well, but names no deployment
    whether there is a deployment is shown in Cloudflare's dashboard

    rejected
    : wrangler 4.86.0 ended well, but names no deployment
    whether there is a deployment is shown in Cloudflare's dashboard

    rejected
    : wrangler 4.86.0 ended well, but what it did cannot be read: line 2 of the client's record is not as expected: expected value at line 1 column 1
    whether there is a deployment is shown in Cloudflare's dashboard
    ");
    let world = World::new("printf garbage >\"$WRANGLER_OUTPUT_FILE_PATH\"; echo said >&2; exit 1");
    assert!(world.deploy_error().full().ends_with(": said"));
}

#[test]
fn a_bundle_that_is_missing_is_told() {
    let world = World::new("exit 0");
    insta::assert_snapshot!(told(&world, &world.bundle_error()), @"
    rejected
    hosting.cloudflarePages.functions: wrangler 4.86.0 wrote no _worker.bundle
    -
    ");
}

#[test]
fn functions_without_a_handler_are_none() {
    let world = World::new("exit 156");
    let bundle = world
        .client()
        .bundle(&world.source(), &BundleOptions::default());
    assert_eq!(bundle.unwrap(), None);
}

#[test]
fn routes_that_cloudflare_would_refuse_are_told_before_anything_is_run() {
    let world = World::new("touch \"${0%/*}/ran\"");
    write(
        &world.path("site"),
        &[("_routes.json", r#"{"version":1,"include":[],"exclude":[]}"#)],
    );
    insta::assert_snapshot!(told(&world, &world.bundle_error()), @"
    rejected
    hosting.cloudflarePages.functions: the site's _routes.json is not valid: it includes nothing
    its form is described at https://developers.cloudflare.com/pages/functions/routing/#create-a-_routesjson-file
    ");
    let deploying = told(&world, &world.deploy_error());
    assert_eq!(deploying, told(&world, &world.bundle_error()));
    assert!(!world.path("ran").exists());
}

#[test]
fn what_hangs_is_ended_with_all_that_it_started() {
    // What it starts says so and then waits for ever, with the pipe to this test open.
    let world = World::new(
        "mkfifo \"$TMPDIR/never\"; echo begun >&2; cat \"$TMPDIR/never\" & cat \"$TMPDIR/never\"",
    );
    let client = world.client();
    let begun = Instant::now();
    let timeout = Duration::from_secs(2);
    let options = BundleOptions {
        timeout,
        ..BundleOptions::default()
    };
    let error = client.bundle(&world.source(), &options).unwrap_err();
    assert_eq!(error.kind, TRANSIENT);
    insta::assert_snapshot!(error.full(), @"wrangler 4.86.0 pages functions build took longer than 2 s and was ended: begun");
    let site = world.path("site");
    let error = client
        .deploy(&Deploy {
            timeout,
            ..deploy(&site)
        })
        .unwrap_err();
    assert_eq!(error.kind, TRANSIENT);
    insta::assert_snapshot!(error.full(), @"wrangler 4.86.0 pages deploy took longer than 2 s and was ended: begun");
    assert!(begun.elapsed() < Duration::from_secs(60));
}
