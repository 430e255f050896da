//! Machines on which nothing can be kept apart.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// What the real program tells about a build, with this search path.
fn told(path: &OsStr) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("site")).unwrap();
    fs::write(folder.path().join("site/index.html"), "hello").unwrap();
    let message = serde_json::json!({
        "site": {"id": "blog", "kind": "blog"},
        "repo": {"provider": "directory", "path": folder.path().join("site")},
        "build": {"type": "command", "command": ["true"]},
        "hosting": {"provider": "localStatic"},
    });
    let document = mycelia_spore::encode::yaml(&message.to_string())
        .unwrap()
        .remove(0);
    let message = folder.path().join("message.bin");
    fs::write(
        &message,
        mycelia_spore::encode::to_message(&document).unwrap(),
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mycelia-spore"))
        .args(["run", "--output=text", "--state-dir"])
        .arg(folder.path().join("state"))
        .arg("--source-root")
        .arg(folder.path())
        .arg(&message)
        .env_clear()
        .env("PATH", path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        !folder
            .path()
            .join("state/local-static/live/blog.json")
            .exists()
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().skip(1);
    lines.map(str::trim).collect::<Vec<_>>().join("\n")
}

#[test]
fn without_bubblewrap_nothing_is_built() {
    let nothing = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(told(nothing.path().as_os_str()), @r#"
    build.type: bubblewrap (bwrap) is not installed, which keeps builds apart [unsupported]
    hint: install bubblewrap; or set builds.sandbox = "none" in the settings, after which builds see and do all that the daemon can
    "#);
}

#[test]
fn without_namespaces_nothing_is_built() {
    let programs = tempfile::tempdir().unwrap();
    let path = programs.path().join("bwrap");
    // What bubblewrap 0.8 writes where the kernel forbids it.
    let says = "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.";
    fs::write(&path, format!("#!/bin/sh\necho '{says}' >&2\nexit 1\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let mut search = OsString::from(programs.path());
    search.push(":/usr/bin:/bin");
    insta::assert_snapshot!(told(&search), @r#"
    build.type: bubblewrap cannot make namespaces here: bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces. [unsupported]
    hint: allow user namespaces (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces, the service's RestrictNamespaces); or set builds.sandbox = "none" in the settings, after which builds see and do all that the daemon can
    "#);
}
