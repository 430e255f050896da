//! Publishing a site of many files, compared with copying and digesting them by `cp` and `b3sum`.

use crate::harness::{Bar, Figure, Random, Result, Row, Table, folder, median, output};
use crate::{message, reconcile};
use mycelia_spore::report::Outcome;
use mycelia_spore::schema::spore_capnp::HostingProvider;
use mycelia_spore::stream::{Frames, Spore};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const FILES: u32 = 5_000;

const BYTES: f64 = 150e6;

const ROUNDS: usize = 7;

/// Publishes the same site again and again, in turns with the peers.
pub(crate) fn run(table: &mut Table) -> Result<()> {
    let folder = folder()?;
    let source = folder.path().join("source");
    let files = generate(&source)?;
    let source = source.canonicalize()?;
    let has_peer = Command::new("b3sum").arg("--version").output().is_ok();
    if !has_peer {
        println!("PEER MISSING: b3sum is not installed; only our own figure follows.");
    }
    let (mut own, mut copied, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(timed(folder.path(), |target| publish(&source, target))?);
        if has_peer {
            let copy = |target: &Path| copy(&source, target, &files);
            copied.push(timed(folder.path(), copy)?);
            settled.push(timed(folder.path(), |target| {
                copy(target)?;
                Ok(rustix::fs::syncfs(fs::File::open(target)?)?)
            })?);
        }
    }
    let peer = |times: &[f64]| has_peer.then(|| Figure(median(times), "s"));
    table.add(Row {
        what: "publish 5,000 files of 150 MB; peer: cp -r and b3sum".into(),
        own: Figure(median(&own), "s"),
        peer: peer(&copied),
        bar: Bar::Ratio(1.5),
    });
    table.add(Row {
        what: "the same; peer: cp -r, b3sum and sync".into(),
        own: Figure(median(&own), "s"),
        peer: peer(&settled),
        bar: Bar::None,
    });
    Ok(())
}

/// The seconds that work in a fresh folder takes, from a state in which nothing waits to be written.
fn timed(folder: &Path, work: impl FnOnce(&Path) -> Result<()>) -> Result<f64> {
    let target = folder.join("target");
    fs::create_dir(&target)?;
    rustix::fs::sync();
    let begin = Instant::now();
    work(&target)?;
    let time = begin.elapsed();
    fs::remove_dir_all(&target)?;
    Ok(time.as_secs_f64())
}

/// From the message to the live site, as the daemon does it for the first time.
fn publish(source: &Path, target: &Path) -> Result<()> {
    let bytes = message::folder("many-files", source, HostingProvider::LocalStatic)?;
    let mut frames = Frames::new(&bytes[..]);
    let spore = Spore::decode(&frames.next().ok_or("no message")??);
    let reconciler = reconcile::reconciler(target, vec![source.to_path_buf()])?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(reconciler.reconcile(&spore));
    if report.outcome == Outcome::Applied {
        Ok(())
    } else {
        Err(format!("not applied: {report:?}").into())
    }
}

/// The peer: a copy, and the digests of its files.
fn copy(source: &Path, target: &Path, files: &[PathBuf]) -> Result<()> {
    let copy = target.join("copy");
    output(Command::new("cp").arg("-r").args([source, &copy]))?;
    output(
        Command::new("b3sum")
            .arg("--")
            .args(files)
            .current_dir(copy),
    )?;
    Ok(())
}

/// Writes a site whose file sizes fall off exponentially, as those of real sites do, and gives the paths of
/// its files. It is the same in every run.
pub(crate) fn generate(source: &Path) -> Result<Vec<PathBuf>> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut files = Vec::new();
    for number in 0..FILES {
        let path = match number {
            0 => PathBuf::from("index.html"),
            _ => PathBuf::from(format!("part-{:02}/page-{number:04}.html", number % 50)),
        };
        let size = -(1.0 - random.unit()).ln() * BYTES / f64::from(FILES);
        let words = (size / 8.0).round();
        let mut bytes = Vec::new();
        while (bytes.len() as f64) < words * 8.0 {
            bytes.extend(random.next().to_le_bytes());
        }
        let place = source.join(&path);
        fs::create_dir_all(place.parent().unwrap_or(source))?;
        fs::write(place, bytes)?;
        files.push(path);
    }
    Ok(files)
}
