//! Reading a site's files, finding an earlier build, and getting a commit that was fetched before.

use crate::harness::{Bar, Figure, Result, Row, Table, folder, median, output};
use crate::{publish, site};
use mycelia_spore::artifact::Names;
use mycelia_spore::build::{Builds, BuildsSettings};
use mycelia_spore::desired::{DesiredSite, Recipe};
use mycelia_spore::edge::secret::Credentials;
use mycelia_spore::encode;
use mycelia_spore::model::{SiteId, SporeConfig};
use mycelia_spore::source::{Commit, Protocol, Protocols, Remote, Sources, SourcesSettings};
use mycelia_spore::stream::{Frames, Spore};
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

const FILES: u32 = 5_000;

const ROUNDS: usize = 9;

pub(crate) fn run(table: &mut Table) -> Result<()> {
    let folder = folder()?;
    let folder = folder.path().canonicalize()?;
    digests(&folder, table)?;
    let upstream = Upstream::new(&folder)?;
    earlier(&folder, &upstream, table)?;
    fetched(&folder, &upstream, table)
}

/// Builds with all they keep below a folder.
fn builds(folder: &Path, sources: SourcesSettings) -> Builds {
    let settings = BuildsSettings {
        roots: vec![folder.to_path_buf()],
        ..BuildsSettings::new(folder.join("builds"))
    };
    Builds::new(settings, sources, Credentials::default(), None)
}

/// The configuration of a message, given as YAML.
fn config(yaml: &str) -> Result<Arc<SporeConfig>> {
    let documents = encode::yaml(yaml).map_err(|error| format!("{error:?}"))?;
    let document = documents.first().ok_or("no message")?;
    let bytes = encode::to_message(document).map_err(|faults| format!("{faults:?}"))?;
    let frame = Frames::new(&bytes[..]).next().ok_or("no message")??;
    Ok(Spore::decode(&frame)
        .config
        .map_err(|faults| format!("{faults:?}"))?)
}

/// Its site and its recipe.
fn recipe(config: &SporeConfig) -> Result<(SiteId, Recipe)> {
    let desired = DesiredSite::from_config(config).map_err(|faults| format!("{faults:?}"))?;
    Ok((desired.id, desired.recipe.ok_or("no recipe")?))
}

/// The digests of a directory's files, with the files in the page cache and, as root, without.
fn digests(folder: &Path, table: &mut Table) -> Result<()> {
    let source = folder.join("source");
    let files = publish::generate(&source)?;
    let (id, recipe) = recipe(&*config(&format!(
        "site: {{id: files, kind: docs}}\nrepo: {{provider: directory, path: {}}}\nhosting: {{provider: localStatic}}\n\
         build: {{type: staticPrebuilt}}\n",
        source.display()
    ))?)?;
    let read = || -> Result<()> {
        // What is known of the files from the last time is forgotten: every file is read.
        drop(fs::remove_dir_all(folder.join("builds")));
        let builds = builds(folder, SourcesSettings::new(folder.join("cache")));
        let prepared = builds.prepare(&id, &recipe, Names::default(), jiff::Timestamp::now())?;
        black_box(prepared.build()?);
        Ok(())
    };
    let peer = |program: &str| -> Result<()> {
        output(
            Command::new(program)
                .arg("--")
                .args(&files)
                .current_dir(&source),
        )
        .map(drop)
    };
    let cat = || -> Result<()> {
        let mut cat = Command::new("cat");
        cat.arg("--").args(&files).current_dir(&source);
        cat.stdout(std::process::Stdio::null());
        Ok(cat.status().map(drop)?)
    };
    let has_peer = Command::new("b3sum").arg("--version").output().is_ok();
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(timed(read)?);
        if has_peer {
            theirs.push(timed(|| peer("b3sum"))?);
        }
    }
    table.add(row(
        "digests of 5,000 files of 150 MB; peer: b3sum",
        &own,
        has_peer.then_some(&theirs),
        Bar::Ratio(1.2),
    ));
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        if !forget() {
            println!("NOT MEASURED: the page cache is emptied by root alone");
            return Ok(());
        }
        own.push(timed(read)?);
        forget();
        theirs.push(timed(cat)?);
    }
    let what = "the same from the disk; peer: cat";
    table.add(row(what, &own, Some(&theirs), Bar::None));
    Ok(())
}

/// Empties the page cache; whether that is allowed.
fn forget() -> bool {
    rustix::fs::sync();
    fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

/// A repository with one commit of a site.
struct Upstream {
    root: PathBuf,
    commit: String,
}

impl Upstream {
    fn new(folder: &Path) -> Result<Self> {
        let (work, root) = (folder.join("work"), folder.join("upstream"));
        site::write(&work, 0..FILES, 0)?;
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.args([
                "-c",
                "user.name=bench",
                "-c",
                "user.email=bench@spore.example",
            ]);
            output(git.args(arguments).current_dir(&work))
        };
        git(&["init", "--quiet", "--initial-branch=main"])?;
        git(&["add", "--all"])?;
        git(&["commit", "--quiet", "--message=one"])?;
        let commit = git(&["rev-parse", "HEAD"])?.trim().to_owned();
        let bare = root.join("o/site.git");
        let bare = bare.to_str().ok_or("no path")?;
        git(&["clone", "--quiet", "--bare", ".", bare])?;
        fs::remove_dir_all(&work)?;
        Ok(Self { root, commit })
    }

    fn settings(&self, cache: PathBuf) -> Result<SourcesSettings> {
        Ok(SourcesSettings {
            github: Remote::parse(&format!("file://{}", self.root.display()))?,
            protocols: Protocols::HTTPS.and(Protocol::File),
            ..SourcesSettings::new(cache)
        })
    }

    fn config(&self) -> Result<Arc<SporeConfig>> {
        config(&format!(
            "site: {{id: files, kind: docs}}\nrepo: {{provider: github, slug: o/site, revision: {}}}\n\
             hosting: {{provider: localStatic}}\nbuild: {{type: staticPrebuilt}}\n",
            self.commit
        ))
    }
}

/// A message whose source was built before: from the message to the artifact.
fn earlier(folder: &Path, upstream: &Upstream, table: &mut Table) -> Result<()> {
    let (id, recipe) = recipe(&*upstream.config()?)?;
    let builds = builds(folder, upstream.settings(folder.join("cache"))?);
    let mut times = Vec::new();
    for round in 0..=ROUNDS {
        let begin = Instant::now();
        let prepared = builds.prepare(&id, &recipe, Names::default(), jiff::Timestamp::now())?;
        let built = prepared.build()?;
        let time = begin.elapsed().as_secs_f64();
        if built.artifact.files().len() != FILES as usize {
            return Err("not all files are there".into());
        }
        if round > 0 {
            times.push(time);
        }
    }
    let millis = median(&times) * 1e3;
    table.add(Row {
        what: "an earlier build of 5,000 files is found".into(),
        own: Figure(millis, "ms"),
        peer: None,
        bar: Bar::Most(10.0),
    });
    Ok(())
}

/// A commit that is in the cache is written out; the peer asks the host and writes it out.
fn fetched(folder: &Path, upstream: &Upstream, table: &mut Table) -> Result<()> {
    let sources = Sources::new(upstream.settings(folder.join("cache"))?)?;
    let config = upstream.config()?;
    let repo = config.repo.as_ref().ok_or("no source")?;
    let url = format!("file://{}/o/site.git", upstream.root.display());
    let bare = folder.join("peer.git");
    let bare = bare.to_str().ok_or("no path")?;
    output(Command::new("git").args(["init", "--quiet", "--bare", bare]))?;
    let (ours, theirs) = (folder.join("ours"), folder.join("theirs"));
    let own = || -> Result<()> {
        let commit: Commit = sources.resolve(repo, None)?;
        sources.check_out(repo, &commit, None, &ours)?;
        Ok(())
    };
    let refs = format!("{}:refs/bench/one", upstream.commit);
    let peer = || -> Result<()> {
        fs::create_dir(&theirs)?;
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.env("GIT_DIR", bare).env("GIT_WORK_TREE", &theirs);
            output(git.args(arguments).current_dir(&theirs)).map(drop)
        };
        git(&["fetch", "--quiet", "--depth=1", "--no-tags", &url, &refs])?;
        git(&["read-tree", &upstream.commit])?;
        git(&["checkout-index", "--all"])
    };
    let (mut own_times, mut their_times) = (Vec::new(), Vec::new());
    for _ in 0..=ROUNDS {
        // Neither pays for what the other left to be written.
        rustix::fs::sync();
        own_times.push(timed(own)?);
        rustix::fs::sync();
        their_times.push(timed(peer)?);
        fs::remove_dir_all(&ours)?;
        fs::remove_dir_all(&theirs)?;
    }
    // The first of each fetched it.
    table.add(row(
        "a commit of 5,000 files fetched before; peer: git fetch, checkout-index",
        &own_times[1..],
        Some(&their_times[1..]),
        Bar::None,
    ));
    Ok(())
}

/// The seconds that something takes.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed().as_secs_f64())
}

fn row(what: &'static str, own: &[f64], peer: Option<&[f64]>, bar: Bar) -> Row {
    let figure = |times: &[f64]| Figure(median(times) * 1e3, "ms");
    Row {
        what: what.into(),
        own: figure(own),
        peer: peer.map(figure),
        bar,
    }
}
