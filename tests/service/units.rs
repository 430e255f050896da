//! The unit files, as systemd's own tools read them.

use crate::tools::{on_path, repository};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The files.
const UNITS: [&str; 2] = ["mycelia-spore.service", "mycelia-spore.socket"];

/// The least that `systemd-analyze security` may say, in tenths: it was 33 when what is left out of the unit, and
/// why, was written down in it.
const EXPOSURE: &str = "35";

/// The settings that the sandbox of builds and what runs in it do not bear; the unit says why.
const LEFT_OUT: [&str; 10] = [
    "IPAddressDeny",
    "MemoryDenyWriteExecute",
    "PrivateNetwork",
    "PrivateUsers",
    "ProcSubset",
    "ProtectControlGroups",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelTunables",
    "RestrictNamespaces",
];

fn unit(name: &str) -> String {
    fs::read_to_string(repository("packaging/systemd").join(name)).unwrap()
}

/// The values of a setting.
fn values<'u>(unit: &'u str, setting: &str) -> Vec<&'u str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(name, _)| *name == setting)
        .map(|(_, value)| value)
        .collect()
}

/// The units as the installed systemd may read them: an older one gets what the comments say for it, and the
/// program is one that is there.
fn installed(folder: &Path) -> Option<Vec<PathBuf>> {
    if !on_path("systemd-analyze", "the unit files by systemd-analyze") {
        return None;
    }
    let version = systemd_analyze(&["--version"], &[]);
    let version = String::from_utf8(version.stdout).unwrap();
    let version: u32 = version.split_whitespace().nth(1)?.parse().ok()?;
    let written = UNITS.map(|name| {
        let mut text = unit(name).replace("/usr/bin/mycelia-spore", "/bin/true");
        if version < 253 {
            let older = "Type=notify\nExecReload=kill -HUP $MAINPID\n";
            text = text.replace("Type=notify-reload\n", older);
        }
        if version < 254 {
            text = text.replace("DelegateSubgroup=daemon\n", "");
        }
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    });
    Some(written.into())
}

fn systemd_analyze(arguments: &[&str], units: &[PathBuf]) -> Output {
    let mut command = Command::new("systemd-analyze");
    command.args(arguments).args(units).output().unwrap()
}

#[test]
fn systemd_understands_every_line() {
    let folder = tempfile::tempdir().unwrap();
    let Some(units) = installed(folder.path()) else {
        return;
    };
    let verified = systemd_analyze(&["verify", "--man=no"], &units);
    assert!(verified.status.success(), "{verified:?}");
    // What it does not understand it only tells.
    let told = String::from_utf8(verified.stderr).unwrap();
    let ours = told.lines().filter(|line| line.contains("mycelia-spore"));
    assert_eq!(ours.count(), 0, "{told}");
}

#[test]
fn the_service_is_hardened() {
    let folder = tempfile::tempdir().unwrap();
    let Some(units) = installed(folder.path()) else {
        return;
    };
    let threshold = format!("--threshold={EXPOSURE}");
    let arguments = ["security", "--offline=true", &threshold];
    let judged = systemd_analyze(&arguments, &units[..1]);
    assert!(judged.status.success(), "{judged:?}");
}

#[test]
fn builds_may_still_make_namespaces() {
    let service = unit(UNITS[0]);
    for setting in LEFT_OUT {
        assert!(values(&service, setting).is_empty(), "{setting}");
        assert!(service.contains(setting), "{setting} is not explained");
    }
    let families = values(&service, "RestrictAddressFamilies");
    assert!(families[0].contains("AF_NETLINK"));
    assert!(values(&service, "SystemCallFilter")[0].contains("@mount"));
}

#[test]
fn the_service_takes_the_socket_that_is_held_for_it() {
    let (service, socket) = (unit(UNITS[0]), unit(UNITS[1]));
    let path = values(&socket, "ListenStream")[0];
    let source = format!("--source unix:{path}");
    assert!(values(&service, "ExecStart")[0].ends_with(&source));
    // A folder that went with the service would take the socket with it.
    assert!(values(&service, "RuntimeDirectory").is_empty());
}
