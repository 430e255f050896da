//! Files that a repository keeps elsewhere, fetched by the real `git-lfs`.

use crate::server::{Reply, Request, Server, basic};
use crate::tools::on_path;
use crate::world::{World, repo, secret, told, tree};
use mycelia_spore::model::Repo;
use mycelia_spore::source::{Limits, Sources};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

/// Something that is larger than a pointer.
static CONTENT: LazyLock<String> = LazyLock::new(|| "a picture ".repeat(500));

fn with_lfs() -> Repo {
    Repo {
        lfs: true,
        ..repo("o/r")
    }
}

fn oid(content: &str) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(content) {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

fn pointer(content: &str) -> String {
    let (oid, size) = (oid(content), content.len());
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n")
}

/// The two questions of Git LFS: where an object is, and the object.
fn answer(request: &Request, content: &str) -> Reply {
    let host = request.header("host").unwrap_or_default();
    if request.path == format!("/objects/{}", oid(&CONTENT)) {
        return Reply::Whole(200, Vec::new(), content.into());
    }
    if request.path != "/o/r.git/info/lfs/objects/batch" {
        return Reply::Git;
    }
    let asked: Value = serde_json::from_slice(&request.body).unwrap();
    let objects = asked["objects"].as_array().unwrap().iter().map(|object| {
        let href = format!("http://{host}/objects/{}", object["oid"].as_str().unwrap());
        json!({"oid": object["oid"], "size": object["size"], "actions": {"download": {"href": href}}})
    });
    let kind = ("Content-Type".into(), "application/vnd.git-lfs+json".into());
    let body = json!({"transfer": "basic", "objects": objects.collect::<Vec<_>>()});
    Reply::Whole(200, vec![kind], body.to_string().into_bytes())
}

fn upstream(world: &World) {
    // The tree's own word on where to ask is not heard.
    let elsewhere = "[lfs]\n\turl = http://127.0.0.1:1/\n\tfetchexclude = *\n";
    world.upstream("o/r").commit(
        "main",
        &[
            (
                "100644",
                ".gitattributes",
                "*.png filter=lfs diff=lfs merge=lfs -text\n",
            ),
            ("100644", ".lfsconfig", elsewhere),
            ("100644", "a.png", &pointer(&CONTENT)),
            ("100755", "d/b.png", &pointer(&CONTENT)),
            ("100644", "c.txt", "1"),
        ],
    );
}

#[test]
fn objects_stand_where_their_pointers_stood() {
    if !on_path("git-lfs", "fetching Git LFS objects") {
        return;
    }
    let world = World::new();
    upstream(&world);
    let server = Server::start(&world.root(), |request| {
        if request.header("authorization") == Some(&basic("x-access-token", "token")) {
            answer(request, &CONTENT)
        } else {
            Reply::unauthorised()
        }
    });
    let sources = world.sources(&server);
    let token = secret("token");
    let checkout = world.get(&sources, &with_lfs(), Some(&token)).unwrap();
    let files = tree(&checkout.root);
    assert_eq!(
        (&*files["a.png"], &*files["d/b.png"], &*files["c.txt"]),
        (&**CONTENT, &**CONTENT, "1")
    );
    let small: usize = [".gitattributes", ".lfsconfig", "c.txt"]
        .iter()
        .map(|name| files[*name].len())
        .sum();
    assert_eq!(checkout.bytes, (small + 2 * CONTENT.len()) as u64);
    let mode = std::fs::metadata(checkout.root.join("d/b.png"))
        .unwrap()
        .permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o111,
        0o111
    );

    // Unless they are asked for, the pointers stay.
    let checkout = world.get(&sources, &repo("o/r"), Some(&token)).unwrap();
    assert_eq!(tree(&checkout.root)["a.png"], pointer(&CONTENT));

    // What was fetched once is there without a connection.
    let mut pinned = with_lfs();
    pinned.revision = Some(checkout.commit);
    drop(server);
    let checkout = world.get(&sources, &pinned, Some(&token)).unwrap();
    assert_eq!(tree(&checkout.root)["a.png"], *CONTENT);
}

#[test]
fn objects_that_are_wrong_or_too_large_are_refused() {
    if !on_path("git-lfs", "Git LFS objects that are wrong") {
        return;
    }
    let world = World::new();
    upstream(&world);
    let wrong = Arc::new(AtomicBool::new(true));
    let is_wrong = Arc::clone(&wrong);
    let server = Server::start(&world.root(), move |request| {
        let other = CONTENT.replace('a', "b");
        answer(
            request,
            if is_wrong.load(Ordering::SeqCst) {
                &other
            } else {
                &CONTENT
            },
        )
    });
    let sources = world.sources(&server);
    let error = world.get(&sources, &with_lfs(), None).unwrap_err();
    assert_eq!(error.path, "repo.lfs", "{}", error.full());
    wrong.store(false, Ordering::SeqCst);
    world.get(&sources, &with_lfs(), None).unwrap();

    // An object that went bad in the cache is noticed, and fetched again the next time.
    let objects = walkdir::WalkDir::new(world.cache().join("git"))
        .into_iter()
        .flatten();
    let object = objects
        .into_iter()
        .find(|entry| entry.file_name().to_string_lossy() == oid(&CONTENT));
    std::fs::write(object.unwrap().path(), "bad").unwrap();
    let error = world.get(&sources, &with_lfs(), None).unwrap_err();
    assert!(error.message.ends_with("is damaged"), "{}", error.full());
    world.get(&sources, &with_lfs(), None).unwrap();

    let mut settings = world.settings(&server.address());
    settings.limits = Limits {
        checkout_bytes: 2000,
        ..Limits::default()
    };
    let error = world
        .get(&Sources::new(settings).unwrap(), &with_lfs(), None)
        .unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    rejected at repo.lfs: the LFS objects have 10000 bytes, more than is allowed
    -
    ");
}

#[test]
fn a_redirect_of_lfs_does_not_take_the_token_with_it() {
    if !on_path("git-lfs", "redirects of Git LFS") {
        return;
    }
    let world = World::new();
    upstream(&world);
    let trap = Server::start(&world.root(), |request| answer(request, &CONTENT));
    let address = trap.address();
    let server = Server::start(&world.root(), move |request| {
        if request.header("authorization").is_none() {
            Reply::unauthorised()
        } else if request.path.contains("/info/lfs/") {
            let to = ("Location".to_owned(), format!("{address}{}", request.path));
            Reply::Whole(307, vec![to], Vec::new())
        } else {
            Reply::Git
        }
    });
    let result = world.get(&world.sources(&server), &with_lfs(), Some(&secret("token")));
    assert_eq!(result.unwrap_err().path, "repo.lfs");
    let log = trap.log();
    let with_token = log.iter().filter(|it| it.header("authorization").is_some());
    assert_eq!(with_token.count(), 0);
}
