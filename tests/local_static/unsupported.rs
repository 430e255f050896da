//! Settings that the schema has and this version does not know how to carry out.

use crate::common::block_on;
use crate::place::{Place, blog};
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::hosting::HostingBackend;
use mycelia_spore::model::{
    AbsolutePath, HostingSettings, LocalServer, LocalStatic, Parse, TlsMode,
};
use mycelia_spore::observed::Look;

#[test]
fn what_cannot_be_done_is_told_with_its_field() {
    let with = |edit: fn(&mut LocalStatic)| {
        let mut settings = LocalStatic::default();
        edit(&mut settings);
        HostingSettings::LocalStatic(settings)
    };
    let usual = || with(|_| ());
    let root = |settings: &mut LocalStatic| {
        settings.root = Some(AbsolutePath::parse("/srv/www").unwrap());
    };
    let cases = [
        (
            with(|settings| settings.server = LocalServer::Caddy),
            TlsMode::Provider,
            "hosting.localStatic.server",
        ),
        (
            with(|settings| settings.server = LocalServer::Nginx),
            TlsMode::Provider,
            "hosting.localStatic.server",
        ),
        (with(root), TlsMode::Provider, "hosting.localStatic.root"),
        (usual(), TlsMode::Acme, "domains.tls"),
    ];
    let place = Place::new();
    for (settings, tls, path) in cases {
        let mut site = blog();
        site.hosting.settings = settings;
        site.hosting.tls = tls;
        let hosting = place.backend.canonical(site.hosting).unwrap();
        let error = block_on(place.backend.observe(&hosting, Look::History)).unwrap_err();
        assert_eq!(error.kind, EdgeErrorKind::Unsupported, "{error}");
        assert_eq!(error.path, path);
        assert!(error.hint.is_some());
        assert!(place.tree().is_empty());
    }
    for tls in [TlsMode::Provider, TlsMode::None] {
        let mut site = blog();
        site.hosting.tls = tls;
        let hosting = place.backend.canonical(site.hosting).unwrap();
        block_on(place.backend.observe(&hosting, Look::History)).unwrap();
    }
}
