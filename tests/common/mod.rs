//! What tests of several layers are made of: sites, artifacts, plans and packed messages.
#![allow(
    dead_code,
    reason = "each of the test programs that share this takes its part"
)]

use capnp::message::Builder;
use capnp::serialize_packed;
use mycelia_spore::apply::{Applying, Effects, Journal};
use mycelia_spore::artifact::{Artifact, ArtifactFile, Body};
use mycelia_spore::desired::{
    Branches, DesiredHosting, DesiredSite, HostingKey, Names, Properties, Rules,
};
use mycelia_spore::dns;
use mycelia_spore::edge::EdgeError;
use mycelia_spore::hosting::HostingBackend;
use mycelia_spore::model::{
    DomainName, Ensure, HostingSettings, LocalStatic, Parse, ProjectName, SiteId, TlsMode,
};
use mycelia_spore::observed::{Look, ObservedSite};
use mycelia_spore::plan::{HostingAction, Plan, Policy, Publish, Standing, Step};
use mycelia_spore::records::Capabilities;
use mycelia_spore::release::Digest;
use mycelia_spore::report::StepOutcome;
use mycelia_spore::schema::spore_capnp::{
    BuildType, HostingProvider, RepoProvider, SiteKind, spore_config,
};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// A message's builder.
pub(crate) type Config<'a> = spore_config::Builder<'a>;

/// Runs a future to its end on a runtime with several threads.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

pub(crate) fn site_id(id: &str) -> SiteId {
    SiteId::parse(id).unwrap()
}

pub(crate) fn domain(name: &str) -> DomainName {
    DomainName::parse(name).unwrap()
}

/// These names, the first one primary.
pub(crate) fn names(names: &[&str]) -> Names {
    let mut names = names.iter().map(|name| domain(name));
    Names {
        primary: names.next(),
        aliases: names.collect(),
        redirect_aliases: false,
    }
}

/// The settings of a site at `LocalStatic` that keeps so many releases.
pub(crate) fn keeping(releases: u16) -> HostingSettings {
    HostingSettings::LocalStatic(LocalStatic {
        keep_releases: releases,
        ..LocalStatic::default()
    })
}

/// A site that should be there under these names, in a project of its own name.
pub(crate) fn desired(id: &str, settings: HostingSettings, names: Names) -> DesiredSite {
    DesiredSite {
        id: site_id(id),
        ensure: Ensure::Present,
        protect: false,
        labels: Vec::new(),
        recipe: None,
        hosting: DesiredHosting {
            key: HostingKey {
                site: site_id(id),
                project: ProjectName::parse(id).unwrap(),
            },
            settings,
            names,
            tls: TlsMode::Provider,
            rules: Rules::default(),
            branches: Branches::default(),
            connected: None,
            properties: Properties::new(),
        },
        dns: None,
        purchase: None,
    }
}

/// An artifact of these files.
pub(crate) fn artifact(files: &[(&str, &str)]) -> Arc<Artifact> {
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    Arc::new(Artifact::in_memory(files.collect()))
}

/// Writes files below a folder.
pub(crate) fn write_files(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// The artifact of files that were just written below a folder and are read again when it is published.
pub(crate) fn artifact_in(folder: &Path, files: &[(&str, &str)]) -> Arc<Artifact> {
    write_files(folder, files);
    let files = files.iter().map(|(path, text)| {
        let file = ArtifactFile {
            pages: None,
            size: text.len() as u64,
            digest: Digest::of(text.as_bytes()),
        };
        ((*path).to_owned(), file)
    });
    Arc::new(Artifact::new(
        files.collect(),
        Body::Directory(folder.into()),
    ))
}

/// The publication of an artifact, as a plan asks for it.
pub(crate) fn publication(
    backend: &impl HostingBackend,
    desired: &DesiredSite,
    artifact: &Arc<Artifact>,
) -> HostingAction {
    HostingAction::Publish(Box::new(Publish {
        from: desired.hosting.names.clone(),
        hosting: backend.canonical(desired.hosting.clone()).unwrap(),
        artifact: Arc::clone(artifact),
    }))
}

/// A journal that notes nothing.
pub(crate) struct NoJournal;

impl Journal for NoJournal {
    async fn begin(&mut self, _: &Step) -> Result<(), EdgeError> {
        Ok(())
    }

    async fn finish(&mut self, _: StepOutcome, _: &str) -> Result<(), EdgeError> {
        Ok(())
    }
}

/// What a backend has of a site.
pub(crate) async fn observe(backend: &impl HostingBackend, site: &DesiredSite) -> ObservedSite {
    let hosting = backend.canonical(site.hosting.clone()).unwrap();
    backend.observe(&hosting, Look::History).await.unwrap()
}

/// The plan for a site as it is now.
pub(crate) async fn plan(
    backend: &impl HostingBackend,
    site: &DesiredSite,
    artifact: Option<&Arc<Artifact>>,
    policy: &Policy,
    standing: &Standing,
) -> Plan {
    let mut site = site.clone();
    site.hosting = backend.canonical(site.hosting).unwrap();
    let observed = backend.observe(&site.hosting, Look::History).await.unwrap();
    Plan::between(&site, artifact, &observed, policy, standing)
}

/// Carries out a plan.
pub(crate) async fn apply(backend: &impl HostingBackend, plan: &Plan) -> Applying {
    plan.apply(&effects(backend, &no_dns()), &mut NoJournal)
        .await
}

/// A DNS provider without zones.
pub(crate) fn no_dns() -> dns::memory::Memory {
    dns::memory::Memory::new(Capabilities::STANDARD)
}

/// Backends to carry out a plan with.
pub(crate) const fn effects<'e, H, D>(hosting: &'e H, dns: &'e D) -> Effects<'e, H, D> {
    Effects { hosting, dns }
}

/// A message for a site at `LocalStatic` with a page of links, after an edit.
pub(crate) fn page(id: &str, edit: impl FnOnce(Config<'_>)) -> Vec<u8> {
    pack(|mut config| {
        begin(config.reborrow(), id);
        let page = config.reborrow().get_site().unwrap().init_treelink();
        let mut link = page.init_entries(1).get(0).init_link();
        link.set_title("Notes");
        link.set_url("https://notes.example/");
        edit(config);
    })
}

/// A message for a site at `LocalStatic` whose files lie in a directory, after an edit.
pub(crate) fn files(id: &str, directory: &Path, edit: impl FnOnce(Config<'_>)) -> Vec<u8> {
    pack(|mut config| {
        begin(config.reborrow(), id);
        let mut site = config.reborrow().get_site().unwrap();
        site.set_kind(SiteKind::Blog);
        let mut repo = config.reborrow().init_repo();
        repo.set_provider(RepoProvider::Directory);
        repo.set_path(directory.to_str().unwrap());
        let mut build = config.reborrow().init_build();
        build.set_type(BuildType::StaticPrebuilt);
        edit(config);
    })
}

/// The packed bytes of a message.
pub(crate) fn pack(fill: impl FnOnce(Config<'_>)) -> Vec<u8> {
    let mut message = Builder::new_default();
    fill(message.init_root());
    let mut packed = Vec::new();
    serialize_packed::write_message(&mut packed, &message).unwrap();
    packed
}

fn begin(mut config: Config<'_>, id: &str) {
    config.set_schema_version(1);
    config.reborrow().init_site().set_id(id);
    let mut hosting = config.init_hosting();
    hosting.set_provider(HostingProvider::LocalStatic);
}
