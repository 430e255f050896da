use super::*;

fn shell(script: &str) -> Command {
    Command::new("/bin/sh").args(["-c", script])
}

#[test]
fn output_and_input_are_whole() {
    let big = vec![b'x'; 1 << 20];
    let output = shell("cat; echo said >&2")
        .stdin(big.clone())
        .run()
        .unwrap();
    assert_eq!(output.stdout, big);
    assert_eq!(output.stderr, "said\n");
}

#[test]
fn sees_only_what_it_is_given() {
    let output = shell("env").env("GIVEN", "1").run().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split('=').next())
        // The shell sets these itself.
        .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["GIVEN", "PATH"]);
}

#[test]
fn failure_carries_the_status_and_all_of_stderr() {
    let error = shell("echo one >&2; echo two >&2; exit 3")
        .run()
        .unwrap_err();
    let told = "/bin/sh failed (exit status: 3): one\ntwo";
    assert_eq!(error.to_string(), told);
}

#[test]
fn what_takes_too_long_is_ended_with_what_it_started() {
    let begun = Instant::now();
    let error = shell("echo begun >&2; sleep 300 & sleep 300")
        .timeout(Duration::from_millis(200))
        .run()
        .unwrap_err();
    assert!(matches!(&error, ProcessError::TimedOut { stderr, .. } if stderr == "begun\n"));
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_child_left_behind_does_not_hold_the_result_up() {
    let begun = Instant::now();
    let error = shell("sleep 300 & exit 4").run().unwrap_err();
    assert!(matches!(&error, ProcessError::Failed { status, .. } if status.code() == Some(4)));
    assert!(begun.elapsed() < Duration::from_secs(50));
}

#[test]
fn closing_its_output_is_not_ending() {
    let error = shell("exec >&- 2>&-; sleep 0.1; exit 5").run().unwrap_err();
    assert!(matches!(&error, ProcessError::Failed { status, .. } if status.code() == Some(5)));
}

#[test]
fn too_much_output_is_refused() {
    let error = shell("while :; do echo yes; done")
        .stdout_max(10_000)
        .run()
        .unwrap_err();
    insta::assert_snapshot!(error, @"/bin/sh wrote more than 10000 bytes and was ended");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_grows_too_long_ends_its_writer() {
    let folder = tempfile::tempdir().unwrap();
    // The limit is set before input arrives, and holds for the child that writes.
    let script = "read go; head -c 100000 /dev/zero | (cat >long; echo $? >&2)";
    let output = shell(script)
        .current_dir(folder.path())
        .file_max(10_000)
        .stdin("go\n")
        .run()
        .unwrap();
    assert_ne!(output.stderr.lines().last(), Some("0"));
    let len = std::fs::metadata(folder.path().join("long")).unwrap().len();
    assert_eq!(len, 10_000);
}

#[test]
fn of_long_errors_the_end_is_kept() {
    let script = "i=0; while [ $i -lt 20000 ]; do echo 012345678901234567890123456789 >&2; \
                  i=$((i+1)); done; echo last >&2; exit 1";
    match shell(script).run().unwrap_err() {
        ProcessError::Failed { stderr, .. } => {
            assert_eq!(stderr.len(), STDERR_KEPT);
            assert!(stderr.ends_with("\nlast\n"));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_missing_is_named() {
    let error = Command::new("no-such-program")
        .hint("apt-get install it")
        .run()
        .unwrap_err();
    insta::assert_snapshot!(error, @"no-such-program is not installed (apt-get install it)");
    let error = Command::new("sh").current_dir("/no/such/folder").run();
    assert!(matches!(error, Err(ProcessError::Io { .. })));
}
