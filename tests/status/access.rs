//! Who is answered.

use crate::start;
use crate::world::World;
use insta::assert_snapshot;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

#[test]
fn only_requests_for_this_machine_are_answered_without_a_token() {
    let world = World::new();
    let looked = start(&world, "", &[]);
    assert_eq!(looked.get("/api/v1/status").status, 200);
    let other = looked.ask("GET", "/api/v1/status", &["Host: evil.example"]);
    assert_eq!(other.status, 421, "{}", other.body);
    // These say nothing that another page could want.
    let health = looked.ask("GET", "/healthz", &["Host: evil.example"]);
    assert_eq!(health.status, 200);
}

#[test]
fn a_token_is_asked_for_where_there_is_one() {
    let world = World::new();
    let settings = "token = \"look\"\n[credentials.look]\nenv = \"LOOK\"\n";
    let looked = start(&world, settings, &[("LOOK", "open sesame")]);
    let ask = |lines: &[&str]| looked.ask("GET", "/metrics", lines);
    let refused = ask(&[]);
    assert_eq!(refused.status, 401);
    assert!(
        refused.head.contains("www-authenticate: basic realm="),
        "{}",
        refused.head
    );
    assert_eq!(ask(&["Authorization: Bearer open sesam"]).status, 401);
    assert_eq!(ask(&["Authorization: Bearer open sesame"]).status, 200);
    // "me:open sesame"
    assert_eq!(
        ask(&["Authorization: Basic bWU6b3BlbiBzZXNhbWU="]).status,
        200
    );
    let elsewhere = ["Host: farm.example", "Authorization: Bearer open sesame"];
    assert_eq!(ask(&elsewhere).status, 200);
    assert_eq!(looked.get("/readyz").status, 200);
    let log = std::fs::read_to_string(world.path("log")).unwrap();
    assert!(!log.contains("sesam"), "{log}");
}

#[test]
fn nothing_can_be_changed_and_nothing_else_is_there() {
    let world = World::new();
    let looked = start(&world, "", &[]);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = looked.ask(method, "/", &["Content-Length: 0"]);
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.head.contains("allow: get, head"), "{}", answer.head);
    }
    for path in [
        "/nothing",
        "/api/v1",
        "/api/v1/sites/",
        "/api/v1/sites/no_such",
        "/api/v1/sites/../status",
    ] {
        assert_eq!(looked.get(path).status, 404, "{path}");
    }
    let head = looked.ask("HEAD", "/metrics", &[]);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[test]
fn a_unix_socket_is_for_the_daemon_s_own_user() {
    let world = World::new();
    std::fs::create_dir_all(world.path("spool")).unwrap();
    world.write("settings.toml", "[status]\nlisten = \"unix:look\"\n");
    let arguments = ["--settings", "settings.toml", "--source", "dir:spool"];
    let _running = crate::daemon::Daemon::start(&world, &arguments, &["look"]);
    let mode = std::fs::metadata(world.path("look")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let mut connection = UnixStream::connect(world.path("look")).unwrap();
    let request = "GET /healthz HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    connection.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
}

#[test]
fn what_others_could_read_is_refused_when_the_settings_are_read() {
    let told = |settings: &str| {
        let world = World::new();
        world.write("settings.toml", settings);
        let arguments = ["--settings", "settings.toml", "status"];
        world.spore(&arguments, b"").told()
    };
    assert_snapshot!(told("[status]\nlisten = \"0.0.0.0:9640\"\n"), @"
    exit: 2
    --- err
    error: settings settings.toml, line 2: status.listen: 0.0.0.0:9640 can be reached by others: set status.token to the name of a credential, or listen at 127.0.0.1
    ");
    assert_snapshot!(told("[status]\nlisten = \"localhost\"\n"), @r#"
    exit: 2
    --- err
    error: settings settings.toml, line 2: status.listen: "localhost" is no address to listen at; use "127.0.0.1:9640" or "unix:PATH"
    "#);
    assert_snapshot!(told("[status]\ntoken = \"look\"\n"), @"
    exit: 2
    --- err
    error: settings settings.toml, line 2: status.token: without status.listen nobody asks
    ");
    assert_snapshot!(told("[status]\nlisten = \"[::]:1\"\ntoken = \"look\"\n"), @"
    exit: 2
    --- err
    error: settings settings.toml, line 3: status.token: there is no [credentials.look]
    ");
}
