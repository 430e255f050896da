use super::*;

fn secret() -> Secret {
    Secret::new("s3cr3t".into())
}

/// What is wrong with a request, or nothing.
fn fault(request: &Request) -> String {
    match request.check() {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_wrong_is_told() {
    let api = "https://api.example/v4";
    let part = |content_type: &str| Part {
        name: "file".into(),
        file_name: None,
        content_type: Some(content_type.into()),
        content: Bytes::new(),
    };
    // A map whose keys are no texts cannot be JSON.
    let no_json: std::collections::BTreeMap<Vec<u8>, u8> = [(vec![1], 1)].into();
    let faults: Vec<String> = [
        Request::get(api),
        Request::get("api.example/v4?token=s3cr3t"),
        Request::get("ftp://api.example/"),
        Request::get("https://user:s3cr3t@api.example/v4?token=s3cr3t#s3cr3t"),
        Request::post(api).header("two words", "a"),
        Request::post(api).header("x-name", "two\nlines"),
        Request::post(api).secret_header("two words", &secret()),
        Request::post(api).body("two\nlines", "content"),
        Request::post(api).json(&no_json),
        Request::post(api).multipart(vec![part("text/plain"), part("nonsense")]),
        Request::get("http://api.example/").bearer(&secret()),
        Request::get("http://localhost.example/").secret_header("x-auth-key", &secret()),
        Request::get("http://localhost:1/").bearer(&secret()),
        Request::get("http://127.0.0.1:1/").bearer(&secret()),
        Request::get("http://[::1]:1/").bearer(&secret()),
        Request::get("http://api.example/"),
    ]
    .iter()
    .map(fault)
    .collect();
    insta::assert_snapshot!(faults.join("\n"), @r#"

    GET (no address) cannot be sent: the address is wrong: relative URL without a base
    GET ftp://api.example/ cannot be sent: the address is neither http nor https
    GET https://api.example/v4 cannot be sent: the address has a user or a password in it
    POST https://api.example/v4 cannot be sent: "two words" is no name of a header field
    POST https://api.example/v4 cannot be sent: the value of x-name is no header value
    POST https://api.example/v4 cannot be sent: "two words" is no name of a header field
    POST https://api.example/v4 cannot be sent: the value of content-type is no header value
    POST https://api.example/v4 cannot be sent: the body cannot be written as JSON: key must be a string
    POST https://api.example/v4 cannot be sent: the part "file" has a content type that is none
    GET http://api.example/ cannot be sent: a secret is not sent over http: everybody on the way could read it
    GET http://localhost.example/ cannot be sent: a secret is not sent over http: everybody on the way could read it
    "#);
}

#[test]
fn only_post_may_not_be_done_twice() {
    let url = "https://api.example/";
    for (request, repeatable) in [
        (Request::get(url), true),
        (Request::put(url), true),
        (Request::patch(url), true),
        (Request::delete(url), true),
        (Request::post(url), false),
        (Request::post(url).repeatable(true), true),
        (Request::put(url).repeatable(false), false),
    ] {
        assert_eq!(request.repeatable, repeatable, "{}", request.method());
    }
}

#[test]
fn secrets_are_marked_for_the_libraries_below() {
    let value = secret_value("Bearer ", &secret()).unwrap();
    assert!(value.is_sensitive());
    assert_eq!(format!("{value:?}"), "Sensitive");
    assert_eq!(value.as_bytes(), b"Bearer s3cr3t");
    let broken = Secret::new("two\nlines".into());
    let refused = secret_value("Bearer ", &broken).unwrap_err();
    assert!(!format!("{refused:?}").contains("lines"));
}

#[test]
fn names_of_parts_cannot_leave_their_quotes() {
    assert_eq!(escaped("plain/näme.txt"), "plain/näme.txt");
    assert_eq!(
        escaped("a\"; name=\"b\r\nX: y"),
        "a%22; name=%22b%0D%0AX: y"
    );
}
