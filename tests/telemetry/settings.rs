//! `[telemetry]` with mistakes in it.

use crate::run;
use crate::world::World;

#[test]
fn mistakes_are_told_with_their_key() {
    let cases = [
        (
            "[telemetry]\nservice-name = \"x\"",
            "telemetry.service-name: without telemetry.otlp nothing is exported",
        ),
        (
            "[telemetry]\nheaders = { a = \"b\" }",
            "telemetry.headers: without telemetry.otlp nothing is exported",
        ),
        (
            "[telemetry]\notlp = \"collector:4318\"",
            "line 2: telemetry.otlp: the address is neither http nor https",
        ),
        (
            "[telemetry]\notlp = \"collector\"",
            "telemetry.otlp: the address is wrong: ",
        ),
        (
            "[telemetry]\notlp = \"https://me:pass@collector\"",
            "telemetry.otlp: the address has a user or a password in it",
        ),
        (
            "[telemetry]\notlp = \"https://collector?key=1\"",
            "telemetry.otlp: the address has a query or a fragment",
        ),
        (
            "[telemetry]\notlp = \"http://127.0.0.1:4318\"\nheaders = { authorization = \"none\" }",
            "line 3: telemetry.headers.authorization: there is no [credentials.none]",
        ),
        (
            "[telemetry]\notlp = \"http://collector:4318\"\nheaders = { authorization = \"c\" }\n\
             [credentials.c]\nenv = \"C\"",
            "telemetry.otlp: a secret is not sent over http: everybody on the way could read it",
        ),
        (
            "[telemetry]\notlp = \"http://127.0.0.1:4318\"\nheaders = { Content-Type = \"c\" }\n\
             [credentials.c]\nenv = \"C\"",
            "the header Content-Type is not to be chosen",
        ),
        (
            "[telemetry]\notlp = \"http://127.0.0.1:4318\"\nheaders = { \"a b\" = \"c\" }\n\
             [credentials.c]\nenv = \"C\"",
            "\"a b\" is no name of a header field",
        ),
        (
            "[telemetry]\notlp = \"http://127.0.0.1:4318\"\nservice-name = \"\"",
            "telemetry.service-name: it is empty",
        ),
        (
            "[telemetry]\nendpoint = \"http://127.0.0.1:4318\"",
            "unknown field `endpoint`",
        ),
    ];
    for (text, expected) in cases {
        let world = World::new();
        world.write("settings.toml", text);
        let ended = run(&world, &[], &[]);
        assert_eq!(ended.code, Some(2), "{text}: {}", ended.told());
        assert!(ended.stderr.contains(expected), "{text}: {}", ended.stderr);
        assert!(!ended.stderr.contains("pass@"), "{}", ended.stderr);
    }
}
