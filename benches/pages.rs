//! Deploying to Cloudflare Pages, compared with Cloudflare's own client, against the same fake of its API.
//!
//! Both run as processes of their own, and the fake in this one, so that it is on neither's account.

use crate::child::{Child, Usage, measurable};
use crate::cloudflare::{Fake, Rate};
use crate::harness::{Bar, Figure, Result, Row, Table, folder, median};
use crate::message;
use crate::site;
use crate::wrangler::Wrangler;
use mycelia_spore::schema::spore_capnp::HostingProvider;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The sites that are deployed.
const SIZES: [Size; 3] = [
    Size {
        files: 20,
        name: "20 files",
        rounds: 5,
        bars: Bars {
            cpu: Bar::Ratio(0.1),
            memory: Bar::Ratio(0.2),
            ..Bars::NONE
        },
    },
    Size {
        files: 1_000,
        name: "1,000 files",
        rounds: 3,
        bars: Bars {
            wall: Bar::Ratio(0.33),
            ..Bars::NONE
        },
    },
    Size {
        files: 10_000,
        name: "10,000 files",
        rounds: 1,
        bars: Bars::NONE,
    },
];

/// Sites of the stream that changes nothing.
const SITES: u64 = 1_000;

/// Requests in five minutes, for both sides of it: so many that nobody waits, as the first deployment of all
/// sites would. The unchanged ones need a part of the service's own allowance.
const REQUESTS: u32 = 1_000_000;

/// A site.
struct Size {
    files: u32,
    name: &'static str,
    /// How often it is deployed anew.
    rounds: usize,
    bars: Bars,
}

/// What is asked of a deployment's figures.
struct Bars {
    wall: Bar,
    cpu: Bar,
    memory: Bar,
}

impl Bars {
    const NONE: Self = Self {
        wall: Bar::None,
        cpu: Bar::None,
        memory: Bar::None,
    };
}

/// Deployments of one site, in the order in which they are made.
const KINDS: [&str; 3] = ["first", "unchanged", "1 % changed"];

/// One figure of what a run took.
type Part = fn(&Usage) -> f64;

/// What the runs of one kind took.
#[derive(Default)]
struct Runs {
    usages: Vec<Usage>,
    calls: Vec<f64>,
}

impl Runs {
    fn note(&mut self, usage: Usage, calls: usize) {
        self.usages.push(usage);
        self.calls.push(calls as f64);
    }

    /// The middle of one figure of all runs; `None` without runs.
    fn median(&self, figure: Part) -> Option<f64> {
        let figures: Vec<f64> = self.usages.iter().map(figure).collect();
        (!figures.is_empty()).then(|| median(&figures))
    }
}

/// The fake, the programs that use it, and a folder for them.
struct World {
    fake: Fake,
    own: Child,
    peer: Option<Wrangler>,
    folder: PathBuf,
}

/// Deploys sites of three sizes, then many sites that are as asked.
pub(crate) fn run(table: &mut Table) -> Result<()> {
    if !measurable() {
        return Ok(());
    }
    let folder = folder()?;
    let world = World::new(&folder.path().canonicalize()?)?;
    for size in &SIZES {
        world.deploy(size, table)?;
    }
    world.many(table)
}

impl World {
    fn new(folder: &Path) -> Result<Self> {
        let fake = Fake::with(|world| {
            world.settings.rate = Some(Rate {
                calls: REQUESTS,
                window: Duration::from_secs(300),
            });
        });
        let settings = folder.join("settings.toml");
        let allowance = format!("[cloudflare]\nrequests-per-five-minutes = {REQUESTS}\n");
        fs::write(&settings, allowance)?;
        let environment = vec![
            ("SPORE_SETTINGS", settings.display().to_string()),
            ("CLOUDFLARE_API_BASE_URL", fake.url()),
            ("CLOUDFLARE_API_TOKEN", fake.token().into()),
            ("CLOUDFLARE_ACCOUNT_ID", fake.account().into()),
        ];
        let program = vec![env!("CARGO_BIN_EXE_mycelia-spore").into()];
        let own = Child::new(program, environment, folder);
        let peer = Wrangler::find(&fake, folder)?;
        if let Some(peer) = &peer {
            println!("  the peer is wrangler {}", peer.version);
        }
        Ok(Self {
            fake,
            own,
            peer,
            folder: folder.to_path_buf(),
        })
    }

    /// Deploys a site of so many files, in turns with the peer.
    fn deploy(&self, size: &Size, table: &mut Table) -> Result<()> {
        let (files, rounds) = (size.files, size.rounds);
        let source = self.folder.join(format!("site-{files}"));
        let mut own: [Runs; 3] = Default::default();
        let mut peer: [Runs; 3] = Default::default();
        for round in 0..rounds {
            site::write(&source, 0..files, round)?;
            let (ours, theirs) = (
                format!("own-{files}-{round}"),
                format!("peer-{files}-{round}"),
            );
            let message = self.folder.join(format!("{ours}.bin"));
            let bytes = message::folder(&ours, &source, HostingProvider::CloudflarePages)?;
            fs::write(&message, bytes)?;
            if let Some(peer) = &self.peer {
                peer.create(&theirs)?;
            }
            for (kind, (own, peer)) in own.iter_mut().zip(&mut peer).enumerate() {
                if KINDS[kind] == "1 % changed" {
                    site::write(&source, 0..files.div_ceil(100), rounds + round)?;
                }
                let (usage, calls) = self.counted(|| self.apply(&message, &ours))?;
                own.note(usage, calls);
                if let Some(client) = &self.peer {
                    let (usage, calls) = self.counted(|| client.deploy(&theirs, &source))?;
                    peer.note(usage, calls);
                }
            }
            self.compare(&ours, &theirs)?;
        }
        fs::remove_dir_all(&source)?;
        for (kind, (own, peer)) in KINDS.iter().zip(own.iter().zip(&peer)) {
            let what = format!("pages, {}, {kind}", size.name);
            rows(table, &what, own, peer, &size.bars);
        }
        Ok(())
    }

    /// Applies a stream of messages as the daemon's command does.
    fn apply(&self, messages: &Path, state: &str) -> Result<Usage> {
        let state = self.folder.join("state").join(state);
        let state: &[&OsStr] = &["--state-dir".as_ref(), state.as_os_str()];
        let roots: &[&OsStr] = &["--source-root".as_ref(), self.folder.as_os_str()];
        let run: &[&OsStr] = &["run".as_ref(), messages.as_os_str()];
        self.own.run([run, state, roots].concat())
    }

    /// What a run took, and how many calls reached the fake.
    fn counted(&self, run: impl FnOnce() -> Result<Usage>) -> Result<(Usage, usize)> {
        self.fake.clear_calls();
        let usage = run()?;
        Ok((usage, self.fake.calls().len()))
    }

    /// Makes sure that both have deployed the same files, and forgets them.
    fn compare(&self, own: &str, peer: &str) -> Result<()> {
        if self.peer.is_some() {
            let (own, peer) = (self.fake.project(own), self.fake.project(peer));
            let live = own.live().ok_or("there is no deployment of ours")?;
            let theirs = peer.live().ok_or("there is no deployment of the peer's")?;
            let same = |(path, hash)| live.manifest.get(path) == Some(hash);
            if theirs.manifest.is_empty() || !theirs.manifest.iter().all(same) {
                return Err("the two deployments differ".into());
            }
        }
        if let Some(violation) = self.fake.violations().first() {
            return Err(format!("the fake complains: {violation}").into());
        }
        let mut state = self.fake.state();
        for account in state.accounts.values_mut() {
            account.projects.clear();
        }
        Ok(())
    }

    /// Deploys many small sites, and sends all of them again.
    fn many(&self, table: &mut Table) -> Result<()> {
        let messages = self.folder.join("many.bin");
        fs::write(&messages, message::packed(0..SITES, message::pages_links)?)?;
        let (first, made) = self.counted(|| self.apply(&messages, "many"))?;
        let (again, calls) = self.counted(|| self.apply(&messages, "many"))?;
        if let Some(change) = self.fake.changes().first() {
            return Err(format!("{change} among calls that were to change nothing").into());
        }
        for (what, usage, calls, bar) in [
            ("unchanged", again, calls, Bar::Most(0.15)),
            ("first", first, made, Bar::None),
        ] {
            table.add(Row {
                what: format!("pages, 1,000 sites, {what}: API calls for each").into(),
                own: Figure(calls as f64 / SITES as f64, "calls"),
                peer: None,
                bar,
            });
            table.add(Row {
                what: format!("pages, 1,000 sites, {what}: processor").into(),
                own: Figure(usage.cpu * 1e3, "ms"),
                peer: None,
                bar: Bar::None,
            });
        }
        Ok(())
    }
}

/// The figures of one kind of deployment.
fn rows(table: &mut Table, what: &str, own: &Runs, peer: &Runs, bars: &Bars) {
    let figures: [(&str, Part, &'static str, Bar); 3] = [
        ("time", |usage| usage.wall * 1e3, "ms", bars.wall),
        ("processor", |usage| usage.cpu * 1e3, "ms", bars.cpu),
        ("memory", |usage| usage.memory, "MB", bars.memory),
    ];
    for (name, figure, unit, bar) in figures {
        table.add(Row {
            what: format!("{what}: {name}").into(),
            own: Figure(own.median(figure).unwrap_or(f64::NAN), unit),
            peer: peer.median(figure).map(|figure| Figure(figure, unit)),
            bar,
        });
    }
    if what.ends_with("unchanged") {
        let calls = |runs: &Runs| Figure(median(&runs.calls), "calls");
        table.add(Row {
            what: format!("{what}: API calls").into(),
            own: calls(own),
            peer: (!peer.calls.is_empty()).then(|| calls(peer)),
            bar: Bar::Most(3.0),
        });
    }
}
