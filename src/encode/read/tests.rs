use super::*;
use Document::{Bool, Float, Integer, List, Map, Null, Text};
use std::fmt::Write as _;

fn map<const N: usize>(entries: [(&str, Document); N]) -> Document {
    Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

fn unquoted(written: &str, value: Document) -> Document {
    Document::Unquoted(Box::new(Unquoted {
        written: written.to_owned(),
        value,
    }))
}

fn texts(value: &str) -> Document {
    Text(value.to_owned())
}

#[test]
fn json_is_one_object_or_several_or_an_array() {
    let object = |number| map([("a", Integer(number))]);
    for text in [
        r#"{"a":1}{"a":2}"#,
        "{\"a\":1}\n{\"a\":2}\n",
        r#"[{"a":1},{"a":2}]"#,
    ] {
        assert_eq!(json(text).unwrap(), [object(1), object(2)], "{text}");
    }
    assert_eq!(json(" \n").unwrap(), []);
}

#[test]
fn json_keeps_what_it_says() {
    let text = r#"{"n":null,"b":true,"i":-3,"u":18446744073709551615,"f":1.5,"e":1e3,"t":"x","a":1,"a":2}"#;
    let expected = map([
        ("n", Null),
        ("b", Bool(true)),
        ("i", Integer(-3)),
        ("u", Integer(u64::MAX.into())),
        ("f", Float(1.5)),
        ("e", Float(1e3)),
        ("t", texts("x")),
        ("a", Integer(1)),
        ("a", Integer(2)),
    ]);
    assert_eq!(json(text).unwrap(), [expected]);
}

#[test]
fn yaml_keeps_what_was_written() {
    let cases = [
        ("no", texts("no")),
        ("on", texts("on")),
        ("y", texts("y")),
        ("true", unquoted("true", Bool(true))),
        ("True", unquoted("True", Bool(true))),
        ("\"true\"", texts("true")),
        ("1.10", unquoted("1.10", Float(1.1))),
        ("1e3", unquoted("1e3", Float(1e3))),
        ("0x1F", unquoted("0x1F", Integer(31))),
        ("0o17", unquoted("0o17", Integer(15))),
        ("-7", unquoted("-7", Integer(-7))),
        ("!!str 12", texts("12")),
        ("'12'", texts("12")),
        ("2026-12-01", texts("2026-12-01")),
        ("2026-12-01T08:00:00Z", texts("2026-12-01T08:00:00Z")),
        ("1e999", texts("1e999")),
        (".inf", texts(".inf")),
        ("\".inf\"", texts(".inf")),
        ("~", Null),
        ("", Null),
        ("null", Null),
        ("\"\"", texts("")),
        ("1:30", texts("1:30")),
        ("é 1.10", texts("é 1.10")),
        ("|\n  one\n  two\n", texts("one\ntwo\n")),
        ("[1, a]", List(vec![unquoted("1", Integer(1)), texts("a")])),
    ];
    for (text, expected) in cases {
        // The é shifts characters against bytes.
        let yaml = yaml(&format!("é: é\nkey: {text}"));
        let expected = map([("é", texts("é")), ("key", expected)]);
        assert_eq!(yaml.unwrap(), [expected], "{text}");
    }
    // A leading zero was octal once and is nothing now: it must at least not be lost.
    let Map(entries) = &yaml("key: 007").unwrap()[0] else {
        panic!("an object");
    };
    assert_eq!(entries[0].1.text(), Some("007"));
}

#[test]
fn yaml_streams_anchors_and_merges() {
    let text = "a: &v 1.10\nb: *v\n---\n---\nbase: &m {x: 1, y: 2}\nc:\n  <<: *m\n  y: 3\n";
    let number = |text: &str, value| unquoted(text, Integer(value));
    let documents = yaml(text).unwrap();
    assert_eq!(
        documents[0],
        map([
            ("a", unquoted("1.10", Float(1.1))),
            ("b", unquoted("1.10", Float(1.1)))
        ])
    );
    let Map(entries) = &documents[1] else {
        panic!("an object");
    };
    let Map(merged) = &entries[1].1 else {
        panic!("an object");
    };
    assert_eq!(documents.len(), 2);
    assert!(merged.contains(&("x".into(), number("1", 1))));
    assert!(merged.contains(&("y".into(), number("3", 3))));
}

#[test]
fn yaml_is_bounded() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..12 {
        let part = vec![format!("*a{}", level - 1); 10].join(",");
        writeln!(bomb, "a{level}: &a{level} [{part}]").unwrap();
    }
    assert!(yaml(&bomb).is_err());
    let mut tower = String::from("a0: &a0 [x]\n");
    for level in 1..5000 {
        writeln!(tower, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert!(yaml(&tower).is_err());
    assert!(yaml(&"[".repeat(100_000)).is_err());
    assert!(yaml(&"- ".repeat(100_000)).is_err());
    assert!(json(&"[".repeat(100_000)).is_err());
    assert!(json(&r#"{"a":"#.repeat(100_000)).is_err());
    assert!(toml(&format!("a = {}", "[".repeat(100_000))).is_err());
}

#[test]
fn toml_dates_are_texts() {
    let text = "a = 2026-12-01T08:00:00+01:00\nb = 2026-12-01\nc = 08:00:00\nd = 1\ne = 1.5\n[f]\ng = true\n";
    let expected = map([
        ("a", texts("2026-12-01T08:00:00+01:00")),
        ("b", texts("2026-12-01")),
        ("c", texts("08:00:00")),
        ("d", Integer(1)),
        ("e", Float(1.5)),
        ("f", map([("g", Bool(true))])),
    ]);
    assert_eq!(toml(text).unwrap(), [expected]);
}

#[test]
fn errors_tell_the_place() {
    let json = json("{\n  \"a\": 1,\n  \"b\" 2\n}").unwrap_err();
    let yaml_twice = yaml("a: 1\nb: 2\na: 3\n").unwrap_err();
    let yaml_bad = yaml("a: 1\n  b: [1\n").unwrap_err();
    let toml_twice = toml("a = 1\nb = 2\na = 3\n").unwrap_err();
    let toml_bad = toml("a = 1\nb = é é\n").unwrap_err();
    let bytes = text(b"ab\nc\xff").unwrap_err();
    let all = [json, yaml_twice, yaml_bad, toml_twice, toml_bad, bytes]
        .map(|error| error.to_string())
        .join("\n");
    insta::assert_snapshot!(all, @r"
    line 3, column 7: expected `:`
    line 3, column 1: duplicate mapping key: a
    line 2, column 4: mapping values are not allowed in this context
    line 3, column 1: duplicate key
    line 2, column 5: string values must be quoted, expected literal string
    line 2, column 2: not UTF-8
    ");
}
