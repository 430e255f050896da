//! Repositories by https, with a certificate that the program `openssl` makes.

use crate::server::Server;
use crate::tools::on_path;
use crate::world::{World, repo, told, tree};
use mycelia_spore::model::{Parse, RepoPlace, RepoUrl};
use mycelia_spore::source::{Sources, SourcesSettings};
use std::process::Command;

#[test]
fn a_certificate_must_be_trusted() {
    if !on_path("openssl", "fetching by https") {
        return;
    }
    let world = World::new();
    world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    let (certificate, key) = (world.path("certificate.pem"), world.path("key.pem"));
    let made = Command::new("openssl")
        .args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test"
                .split(' '),
        )
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let server = Server::tls(&world.root(), &certificate, &key);
    let mut repo = repo("o/r");
    let url = format!("https://127.0.0.1:{}/o/r.git", server.port);
    repo.place = RepoPlace::Git(RepoUrl::parse(&url).unwrap());

    // As an operator has it who decides nothing but whom to trust.
    let mut settings = SourcesSettings::new(world.cache());
    let error = Sources::new(settings.clone())
        .unwrap()
        .resolve(&repo, None)
        .unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    rejected at repo.url: the repository https://HOST/o/r.git has a certificate that is not trusted
    renew the certificate, or have its authority trusted by the settings
    ");
    settings.certificates = Some(certificate);
    let checkout = world
        .get(&Sources::new(settings).unwrap(), &repo, None)
        .unwrap();
    assert_eq!(tree(&checkout.root)["a"], "1");
}
