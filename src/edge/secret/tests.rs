use super::*;
use crate::model::Parse;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;

const TEXT: &str = "s3cr3t-token";

/// Tells whether a type has a trait: the inherent constant comes before that of the trait for all.
struct Has<T: ?Sized>(PhantomData<T>);

trait Not {
    const DEBUG: bool = false;
    const DISPLAY: bool = false;
    const SERIALIZE: bool = false;
    const EQUAL: bool = false;
}

impl<T: ?Sized> Not for Has<T> {}

impl<T: ?Sized + Debug> Has<T> {
    const DEBUG: bool = true;
}

impl<T: ?Sized + Display> Has<T> {
    const DISPLAY: bool = true;
}

impl<T: ?Sized + serde::Serialize> Has<T> {
    const SERIALIZE: bool = true;
}

impl<T: ?Sized + PartialEq> Has<T> {
    const EQUAL: bool = true;
}

#[test]
fn a_secret_cannot_be_shown() {
    let of_text = [
        Has::<String>::DEBUG,
        Has::<String>::DISPLAY,
        Has::<String>::SERIALIZE,
        Has::<String>::EQUAL,
    ];
    assert_eq!(of_text, [true; 4], "the question works");
    let of_secret = [
        Has::<Secret>::DEBUG,
        Has::<Secret>::DISPLAY,
        Has::<Secret>::SERIALIZE,
        Has::<Secret>::EQUAL,
    ];
    assert_eq!(of_secret, [false; 4]);
}

/// Takes only what overwrites itself.
fn overwritten_on_drop(_: &impl zeroize::ZeroizeOnDrop) {}

#[test]
fn clones_share_one_copy_that_is_overwritten() {
    let secret = Secret::new(TEXT.into());
    let clone = secret.clone();
    assert!(std::ptr::eq(secret.expose(), clone.expose()));
    overwritten_on_drop(&*secret.0);
}

#[test]
fn digests_tell_secrets_apart_within_a_context() {
    let one = Secret::new(TEXT.into());
    let same = Secret::new(TEXT.into());
    let other = Secret::new("other".into());
    let context = "mycelia-spore 2025-01-01 test of secrets";
    assert_eq!(one.digest(context), same.digest(context));
    assert_ne!(one.digest(context), other.digest(context));
    assert_ne!(one.digest(context), one.digest("another context"));
    assert_ne!(one.digest(context), Digest::of(TEXT.as_bytes()));
}

/// What reading a file with this content gives: the secret, or the error with everything below it.
fn read_file(content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, content).unwrap();
    told(SecretPlace::File(path).read(), folder.path())
}

fn told(read: Result<Secret, SecretError>, folder: &Path) -> String {
    let text = match read {
        Ok(secret) => secret.expose().to_owned(),
        Err(error) => EdgeError::rejected("").source(error).full(),
    };
    text.replace(folder.to_str().unwrap(), "FOLDER")
}

#[test]
fn files_are_read_and_checked() {
    let longest = "x".repeat(SECRET_MAX);
    for (content, expected) in [
        (TEXT.as_bytes(), TEXT),
        (b"s3cr3t-token\n", TEXT),
        (b"s3cr3t-token\r\n", TEXT),
        (b"two\nlines\n\n", "two\nlines\n"),
        (b" spaces stay ", " spaces stay "),
        (longest.as_bytes(), &longest),
        (b"", ": file FOLDER/secret is empty"),
        (b"\n", ": file FOLDER/secret is empty"),
        (b"\xff\xfe", ": file FOLDER/secret is not text (UTF-8)"),
        (
            format!("{longest}\n").as_bytes(),
            ": file FOLDER/secret is longer than 65536 bytes",
        ),
    ] {
        assert_eq!(read_file(content), expected);
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| {
        let place = SecretPlace::File(folder.path().join(name));
        told(place.read(), folder.path())
    };
    assert_eq!(
        read("absent"),
        ": file FOLDER/absent cannot be read: No such file or directory (os error 2)"
    );
    assert_eq!(read(""), ": file FOLDER/ is not a regular file");
    // Nobody writes into this pipe: opening it would never end.
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert_eq!(read("pipe"), ": file FOLDER/pipe is not a regular file");
}

#[test]
fn systemd_hands_credentials_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cf"), "s3cr3t-token\n").unwrap();
    let read = |name: &str, set: bool| {
        let directory = set.then(|| folder.path().as_os_str().to_owned());
        let place = SecretPlace::Systemd(name.into());
        let variable = |name: &str| {
            directory
                .clone()
                .filter(|_| name == "CREDENTIALS_DIRECTORY")
        };
        told(place.read_with(variable), folder.path())
    };
    assert_eq!(read("cf", true), TEXT);
    assert_eq!(
        read("cf", false),
        r#": systemd credential "cf" cannot be read: $CREDENTIALS_DIRECTORY is not set"#
    );
    assert_eq!(
        read("absent", true),
        r#": systemd credential "absent" cannot be read: No such file or directory (os error 2)"#
    );
    for name in ["", ".", "..", "../cf", "a/b", "/etc/passwd"] {
        let expected = format!(
            ": systemd credential {name:?} has a name that is not one: it is empty or a path"
        );
        assert_eq!(read(name, true), expected);
    }
}

#[test]
fn variables_are_read() {
    let read = |value: Option<&str>| {
        let value = value.map(OsString::from);
        let place = SecretPlace::Environment("TOKEN".into());
        let variable = |name: &str| value.clone().filter(|_| name == "TOKEN");
        told(place.read_with(variable), Path::new("/"))
    };
    assert_eq!(read(Some(TEXT)), TEXT);
    assert_eq!(read(Some("s3cr3t-token\n")), TEXT);
    assert_eq!(read(Some("")), ": environment variable TOKEN is empty");
    assert_eq!(read(None), ": environment variable TOKEN is not set");
    // The real environment is asked: cargo sets this one for tests.
    let place = SecretPlace::Environment("CARGO_MANIFEST_DIR".into());
    let read = place.read().ok().unwrap();
    assert_eq!(read.expose(), env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn open_files_are_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, TEXT).unwrap();
    let warned = |mode| {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .finish();
        let place = SecretPlace::File(path.clone());
        let read = tracing::subscriber::with_default(subscriber, || place.read());
        assert_eq!(read.ok().unwrap().expose(), TEXT);
        log.text()
    };
    assert!(warned(0o644).contains("may be read by everybody"));
    assert!(warned(0o644).contains(path.to_str().unwrap()));
    assert!(!warned(0o644).contains(TEXT));
    assert_eq!(warned(0o640), "");
    assert_eq!(warned(0o600), "");
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn explained(error: &EdgeError) -> String {
    assert_eq!(error.kind, EdgeErrorKind::Unauthorised);
    format!("{}\n{}", error.full(), error.hint.as_deref().unwrap())
}

#[test]
fn credentials_are_found_by_name() {
    let name = |name| SettingsName::parse(name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let places = [
        (name("cloudflare"), SecretPlace::File(path.clone())),
        (name("other"), SecretPlace::Systemd("../other".into())),
        (
            name("unset"),
            SecretPlace::Environment("MYCELIA_SPORE_IS_NOT_SET".into()),
        ),
    ];
    let credentials = Credentials::new(places.into());
    fs::write(&path, "first").unwrap();
    let read = |at| credentials.get(&name(at));
    assert_eq!(read("cloudflare").ok().unwrap().expose(), "first");
    // Changed on disk, and used at once.
    fs::write(&path, "second").unwrap();
    assert_eq!(read("cloudflare").ok().unwrap().expose(), "second");
    insta::assert_snapshot!(explained(&read("unset").err().unwrap()), @r#"
    credential unset cannot be used: environment variable MYCELIA_SPORE_IS_NOT_SET is not set
    check [credentials.unset] in the settings: file = "...", systemd = "..." or env = "..."
    "#);
    insta::assert_snapshot!(explained(&read("absent").err().unwrap()), @r#"
    no credential is named absent
    the operator adds it to the settings: [credentials.absent] with file = "...", systemd = "..." or env = "..."
    "#);
}
