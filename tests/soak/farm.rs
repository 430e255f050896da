//! The websites: most on this machine, some at a Cloudflare that has bad days.

use crate::cloudflare::{Fake, Fault, Trouble};
use crate::ledger::{Ledger, Message};
use mycelia_spore::release::{Layout, Live};
use mycelia_spore::schema::spore_capnp::{BuildType, HostingProvider, spore_config};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Of so many sites one is at Cloudflare.
const AWAY: usize = 50;

pub(crate) struct Farm {
    folder: TempDir,
    fake: Fake,
}

impl Farm {
    pub(crate) fn new(sites: usize) -> Self {
        let fake = Fake::start();
        for (trouble, every) in [
            (Trouble::Reset, 23),
            (Trouble::DoneThenLost, 29),
            (Trouble::Truncated, 31),
            (Trouble::SlowStart(Duration::from_millis(30)), 7),
            (Trouble::SlowAnswer(Duration::from_millis(30)), 11),
        ] {
            fake.fault(Fault::new(trouble).every(every));
        }
        fake.fault(Fault::page(503).every(17));
        fake.fault(Fault::throttled(Some(1)).every(211));
        let farm = Self {
            folder: tempfile::tempdir().unwrap(),
            fake,
        };
        assert!(sites > 0);
        fs::create_dir(farm.path("state")).unwrap();
        let settings = "\
            [retry]\nattempts = 1000\nfirst-seconds = 1\nmax-seconds = 1\n\
            [breaker]\nfailures = 20\nopen-seconds = 1\n\
            [drift]\ninterval-seconds = 30\n\
            [cloudflare]\nrequests-per-five-minutes = 1000000\ndeploy-wait-seconds = 60\n";
        fs::write(farm.path("settings.toml"), settings).unwrap();
        farm
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mycelia-spore"));
        command
            .args(["run", "--output=json", "--settings=settings.toml"])
            .args(["--state-dir=state", "--source=fifo:pipe"])
            .args(["--source=unix:socket", "--rpc=unix:calls"])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("CLOUDFLARE_API_TOKEN", self.fake.token())
            .env("CLOUDFLARE_ACCOUNT_ID", self.fake.account())
            .env("CLOUDFLARE_API_BASE_URL", self.fake.url())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }

    fn name(site: usize) -> String {
        format!("site-{site}")
    }

    /// What the page says.
    fn title(site: usize, generation: u64) -> String {
        format!("Site {site}, generation {generation}.")
    }

    const fn is_away(site: usize) -> bool {
        site.is_multiple_of(AWAY)
    }

    /// A message as it goes out.
    pub(crate) fn packed(message: &Message) -> Vec<u8> {
        let mut packed = Vec::new();
        capnp::serialize_packed::write_message(&mut packed, &Self::built(message)).unwrap();
        packed
    }

    /// A message as it is called with.
    pub(crate) fn built(
        message: &Message,
    ) -> capnp::message::Builder<capnp::message::HeapAllocator> {
        let mut built = capnp::message::Builder::new_default();
        let mut config: spore_config::Builder<'_> = built.init_root();
        config.set_schema_version(1);
        config.set_request_id(&message.id);
        config.set_generation(message.generation);
        let mut site = config.reborrow().init_site();
        site.set_id(Self::name(message.site));
        let mut page = site.init_treelink();
        page.set_name(Self::title(message.site, message.generation));
        let mut link = page.init_entries(1).get(0).init_link();
        link.set_title("Notes");
        link.set_url("https://notes.example/");
        config.reborrow().init_build().set_type(BuildType::Treelink);
        config
            .init_hosting()
            .set_provider(if Self::is_away(message.site) {
                HostingProvider::CloudflarePages
            } else {
                HostingProvider::LocalStatic
            });
        built
    }

    /// What visitors of a site see; `None` when there is none.
    fn seen(&self, site: usize) -> Option<String> {
        let name = Self::name(site);
        if Self::is_away(site) {
            let state = self.fake.state();
            let project = state.accounts[self.fake.account()].projects.get(&name)?;
            let live = project.live()?;
            let key = live.manifest.get("/index.html")?;
            let content = &project.assets.get(key)?.content;
            return Some(String::from_utf8(content.to_vec()).unwrap());
        }
        let layout = Layout::new(self.path("state/local-static"));
        let pointer = fs::read(layout.live(&name)).ok()?;
        let live: Live = serde_json::from_slice(&pointer).unwrap();
        let files = layout.files(&name, &live.release);
        Some(fs::read_to_string(files.join("index.html")).unwrap())
    }

    /// Whether a site is as its newest message asks.
    pub(crate) fn is_newest(&self, ledger: &Ledger, site: usize) -> bool {
        let newest = ledger.newest(site);
        newest == 0
            || self
                .seen(site)
                .is_some_and(|page| page.contains(&Self::title(site, newest)))
    }

    /// Every site is as its newest message asks, and Cloudflare was asked nothing that it does not know.
    pub(crate) fn check(&self, ledger: &Ledger) {
        let sites = 0..ledger.sites();
        let wrong: Vec<usize> = sites
            .filter(|site| !self.is_newest(ledger, *site))
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!(self.fake.violations(), Vec::<String>::new());
    }
}
