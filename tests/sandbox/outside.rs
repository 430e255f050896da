//! What programs see and reach of what is outside.

use crate::bench::{Bench, long_time, running, secret_folder};
use mycelia_spore::edge::sandbox::{Access, Mount};
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::{Command, Stdio};

#[test]
fn a_program_does_its_work_on_what_it_was_given() {
    let Some(mut bench) = Bench::new("the sandbox") else {
        return;
    };
    let (given, _) = secret_folder();
    fs::write(bench.folder().join("in"), "stone").unwrap();
    bench.mounts = vec![Mount::bind(given.path(), "/given", Access::ReadOnly)];
    bench.environment = vec![("COLOUR".into(), "grey".into())];
    let tried = bench.sh(
        "echo \"$COLOUR $(cat in) $(cat /given/secret)\" > out; pwd; id -u; hostname; echo $HOME",
    );
    assert_eq!(tried.well(), "/build\n1000\nbuild\n/home/build\n");
    let out = fs::read_to_string(bench.folder().join("out")).unwrap();
    assert_eq!(out, "grey stone it is a secret\n");
}

#[test]
fn output_comes_while_a_program_runs_and_from_both_streams() {
    let Some(bench) = Bench::new("the sandbox") else {
        return;
    };
    let told = bench.sh("echo one; echo two >&2; exit 3");
    assert!(told.output.contains("one\n") && told.output.contains("two\n"));
    assert_eq!(told.ill(), "/bin/sh failed (exit code 3)");
    let error = bench.sh("exit 255").ill();
    assert_eq!(error, "/bin/sh failed (exit code 255)");
    let killed = bench.sh("kill -SEGV $$").ill();
    assert_eq!(killed, "/bin/sh failed (signal 11)");
}

#[test]
fn nothing_of_the_daemons_environment_is_to_be_seen() {
    let Some(bench) = Bench::new("the sandbox") else {
        return;
    };
    // The test's own environment has PATH and cargo's variables, as the daemon's has tokens.
    let word = "CARGO_PKG_NAME";
    assert!(std::env::var_os(word).is_some());
    let program = format!(
        "cat /proc/*/environ | tr '\\0' '\\n' | grep -c -e {word} -e LD_LIBRARY_PATH; env | sort"
    );
    let told = bench.sh(&program).well();
    let mut lines = told.lines();
    assert_eq!(lines.next(), Some("0"), "{told}");
    let names: Vec<_> = lines
        .filter_map(|line| line.split_once('='))
        .map(|it| it.0)
        .collect();
    let shells = ["HOME", "OLDPWD", "PATH", "PWD", "SHLVL", "TMPDIR", "_"];
    assert!(names.iter().all(|name| shells.contains(name)), "{names:?}");
}

#[test]
fn files_of_the_host_are_not_there() {
    let Some(bench) = Bench::new("the sandbox") else {
        return;
    };
    let (_folder, secret) = secret_folder();
    let tried = bench.sh(&format!(
        "cat {} /root/.ssh/* /home/*/.ssh/* /etc/shadow /run/secrets/* /var/lib/*/* 2>/dev/null | wc -c",
        secret.display()
    ));
    assert_eq!(tried.well().trim(), "0");
    let seen = bench.sh("echo /* /etc/* /home/* /run/* /dev/*").well();
    for hidden in [
        "/root",
        "/var",
        "/srv",
        "/mnt",
        "/etc/shadow",
        "/etc/ssh",
        "/dev/sda",
        "/dev/vda",
        "/sys",
    ] {
        assert!(
            !seen.split_whitespace().any(|path| path == hidden),
            "{hidden} in {seen}"
        );
    }
    let links = format!(
        "ln -s {} here; cat here; ln -s /proc/1/root/var/tmp up; ls up",
        secret.display()
    );
    let tried = bench.sh(&links);
    assert!(!tried.output.contains("secret\n") && !tried.output.contains("it is a secret"));
}

#[test]
fn only_what_was_given_can_be_changed() {
    let Some(mut bench) = Bench::new("the sandbox") else {
        return;
    };
    let (given, secret) = secret_folder();
    bench.mounts = vec![Mount::bind(given.path(), "/given", Access::ReadOnly)];
    for target in [
        "/given/secret",
        "/given/new",
        "/usr/bin/new",
        "/etc/hosts",
        "/new",
        "/dev/new",
        "/proc/sys/kernel/hostname",
    ] {
        let tried = bench.sh(&format!("echo changed > {target}"));
        assert!(tried.ended.is_err(), "{target} was written");
    }
    assert!(bench.sh("mount -o remount,rw /given").ended.is_err());
    assert!(bench.sh("chmod 777 /given/secret").ended.is_err());
    assert_eq!(fs::read_to_string(secret).unwrap(), "it is a secret");
    assert!(
        bench
            .sh("echo x > /tmp/x && echo x > $HOME/x && echo x > /dev/shm/x && echo x > x")
            .ended
            .is_ok()
    );
}

#[test]
fn what_listens_on_the_host_is_out_of_reach() {
    let Some(mut bench) = Bench::new("the sandbox") else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let name = format!("spore-test-{}", long_time());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _unix = UnixListener::bind_addr(&address).unwrap();
    let tcp =
        format!("import socket; socket.create_connection(('127.0.0.1', {port}), 5); print('in')");
    let unix = format!(
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('\\0{name}'); print('in')"
    );
    for program in [&tcp, &unix] {
        let tried = bench.python(program);
        assert!(
            tried.output.contains("ConnectionRefusedError"),
            "{}",
            tried.output
        );
    }
    let names = bench.python("import socket; socket.getaddrinfo('example.org', 80)");
    assert!(names.output.contains("gaierror"), "{}", names.output);
    let own = bench.python("import socket; socket.getaddrinfo('localhost', 80); print('found')");
    assert_eq!(own.well(), "found\n");
    // With the network both are there: what was tried above would have worked.
    bench.network = true;
    for program in [&tcp, &unix] {
        assert_eq!(bench.python(program).well(), "in\n");
    }
}

#[test]
fn processes_of_the_host_are_out_of_reach() {
    let Some(bench) = Bench::new("the sandbox") else {
        return;
    };
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    let pid = other.id();
    let tried = bench.sh(&format!(
        "(kill -9 {pid}; ls -d /proc/{pid}) 2>/dev/null; ls /proc | grep -c '^[0-9]'"
    ));
    let count = tried.output.lines().last().unwrap().parse::<u32>().unwrap();
    assert!(count < 10, "{}", tried.output);
    assert_eq!(
        other.try_wait().unwrap(),
        None,
        "the other process still runs"
    );
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn nobody_becomes_more_than_they_are() {
    let Some(bench) = Bench::new("the sandbox") else {
        return;
    };
    let caps = bench
        .sh("grep -e CapEff -e CapPrm -e CapBnd -e NoNewPrivs /proc/self/status")
        .well();
    for line in caps.lines() {
        let (name, value) = line.split_once(":\t").unwrap();
        let expected = if name == "NoNewPrivs" {
            "1"
        } else {
            "0000000000000000"
        };
        assert_eq!(value, expected, "{name}");
    }
    let inner = bench.sh("unshare --user --map-root-user true");
    assert!(inner.ended.is_err(), "a namespace within: {}", inner.output);
    assert!(bench.sh("mknod sda b 8 0").ended.is_err());
    assert!(bench.sh("mount -t tmpfs none /tmp").ended.is_err());
}

#[test]
fn what_detaches_itself_ends_as_well() {
    for bench in [Bench::new("the sandbox"), Some(Bench::open())]
        .into_iter()
        .flatten()
    {
        let time = long_time();
        let script = format!(
            "setsid nohup sleep {time} >/dev/null 2>&1 & setsid sh -c 'trap \"\" TERM HUP INT; sleep {time}; :' & \
             (sleep {time} &) ; sleep 0.2; echo done"
        );
        // One of them holds the output open.
        assert_eq!(bench.sh(&script).well(), "done\n");
        let left = running(&format!("sleep {time}"));
        assert!(left.is_empty(), "{:?}: {left:?}", bench.sandbox.isolation());
    }
}

#[test]
fn a_program_ends_with_the_daemon() {
    let Some(bench) = Bench::new("the sandbox") else {
        return;
    };
    let time = long_time();
    // This test, run again as the daemon that is killed.
    if let Ok(time) = std::env::var("SPORE_TEST_SLEEP") {
        drop(bench.sh(&format!("echo begun; setsid sleep {time}; sleep {time}")));
        return;
    }
    let mut daemon = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "outside::a_program_ends_with_the_daemon",
            "--nocapture",
        ])
        .env("SPORE_TEST_SLEEP", &time)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let words = format!("sleep {time}");
    await_that(|| running(&words).iter().any(|line| line.starts_with("sleep")));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    await_that(|| running(&words).is_empty());
}

fn await_that(holds: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed().as_secs() < 30, "it never came to be");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn standard_input_is_empty() {
    let Some(bench) = Bench::new("the sandbox") else {
        return;
    };
    assert_eq!(bench.sh("cat; echo end").well(), "end\n");
    let mut nothing = String::new();
    // The test harness's own input is none of the program's business.
    drop(std::io::stdin().take(0).read_to_string(&mut nothing));
}
