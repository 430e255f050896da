//! Sites that show when their pages were changed, and by which commit.

use crate::farm::{Needs, Registry, farm, message};
use crate::fixture::Fixture;
use serde_json::json;

fn project() -> Fixture {
    let page = "{{ .Content }}{{ with .GitInfo }}{{ .AbbreviatedHash }}{{ end }}";
    Fixture::empty()
        .with("config.toml", "baseURL = '/'\nenableGitInfo = true\n")
        .with("layouts/index.html", "<h1>Home</h1>")
        .with("layouts/_default/single.html", page)
        .with("content/old.md", "old ")
}

#[test]
fn a_build_sees_as_much_history_as_the_message_asks_for() {
    let Some(farm) = farm(Needs::Hugo, Registry::Real, "history in builds") else {
        return;
    };
    let first = farm.push(&project());
    let second = farm.push(&project().with("content/new.md", "new "));
    let mut message = message(json!({ "type": "hugo" }));
    // By itself a commit has no history, and hugo is told so.
    let report = farm.send(&message);
    assert_eq!(report["outcome"], "failed", "{report:#}");
    assert!(
        farm.log().contains("not a git repository"),
        "{}",
        farm.log()
    );
    for (depth, old) in [(0, &first), (2, &first)] {
        message["repo"]["depth"] = json!(depth);
        let report = farm.send(&message);
        assert!(report["error"].is_null(), "{report:#}");
        let visited = farm.open();
        let (begin_old, begin_new) = (&old[..7], &second[..7]);
        assert!(visited.page("/old/").contains(begin_old), "depth {depth}");
        assert!(visited.page("/new/").contains(begin_new), "depth {depth}");
    }
}

#[test]
fn a_clone_names_neither_the_host_nor_the_cache_and_is_not_published() {
    let Some(farm) = farm(Needs::Hugo, Registry::Real, "history in builds") else {
        return;
    };
    let commit = farm.push(&Fixture::empty().with("index.html", "<h1>one"));
    let shell = "mkdir web; cp index.html web; cat .git/config .git/FETCH_HEAD > web/config.txt; git log --format=%H%n > web/log.txt";
    let build = json!({ "type": "command", "command": [shell], "shell": true, "outputDir": "web" });
    let mut message = message(build);
    message["repo"]["depth"] = json!(0);
    farm.apply(&message);
    let visited = farm.open();
    let log = visited.page("/log.txt");
    assert!(log.starts_with(&commit), "{log}");
    let config = visited.page("/config.txt");
    assert!(
        !config.contains("http") && !config.contains("[remote"),
        "{config}"
    );
}
