//! The daemon that knows 10,000 sites: how soon it is ready, what it takes at rest, what it takes in.

use crate::harness::{Bar, Figure, Result, Row, Table, folder, median};
use crate::message;
use mycelia_spore::model::{Parse, SiteId};
use mycelia_spore::release::Layout;
use mycelia_spore::schema::spore_capnp::HostingProvider;
use mycelia_spore::stream::Target;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const SITES: u64 = 10_000;

/// How often it is started.
const STARTS: usize = 9;

/// How long it is looked at while it rests, after the time that it has to come to rest.
const REST: Duration = Duration::from_secs(60);
const CALM: Duration = Duration::from_secs(3);

/// How often each site is sent again.
const ROUNDS: usize = 5;

/// Publications of one site whose time is taken.
const PUBLICATIONS: usize = 300;

/// Files of that site.
const FILES: usize = 20;

/// Measures the real command.
pub(crate) fn run(table: &mut Table) -> Result<()> {
    let place = Place(folder()?.keep());
    let measured = measure(&place, table);
    fs::remove_dir_all(&place.0)?;
    measured
}

fn measure(place: &Place, table: &mut Table) -> Result<()> {
    fs::write(
        place.path("once"),
        message::packed(0..SITES, message::links)?,
    )?;
    let mut command = place.command(&["run", "--output=json", "once"]);
    let status = command.stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(format!("the sites are not published: {status}").into());
    }
    let mut starts = Vec::new();
    for _ in 1..STARTS {
        let daemon = place.start()?;
        starts.push(daemon.ready.as_secs_f64());
        daemon.end()?;
    }
    let mut daemon = place.start()?;
    starts.push(daemon.ready.as_secs_f64());
    table.add(row(
        "start to ready",
        median(&starts) * 1e3,
        "ms",
        Bar::Most(50.0),
    ));
    rest(&daemon, table)?;
    unchanged(place, &mut daemon, table)?;
    latency(place, &mut daemon, table)?;
    daemon.end()
}

fn row(what: &str, figure: f64, unit: &'static str, bar: Bar) -> Row {
    Row {
        what: format!("daemon of 10,000 sites, {what}").into(),
        own: Figure(figure, unit),
        peer: None,
        bar,
    }
}

/// What it takes while nothing is asked of it. Looks for drift go on.
fn rest(daemon: &Daemon, table: &mut Table) -> Result<()> {
    thread::sleep(CALM);
    let before = daemon.cpu()?;
    thread::sleep(REST);
    let share = (daemon.cpu()? - before) / REST.as_secs_f64() * 100.0;
    table.add(row("processor at rest", share, "%", Bar::Most(0.1)));
    let memory = daemon.memory()?;
    table.add(row("resident memory", memory, "MB", Bar::Most(60.0)));
    Ok(())
}

/// Sends every site again, and counts per second of processor time of all its threads: what one core does.
fn unchanged(place: &Place, daemon: &mut Daemon, table: &mut Table) -> Result<()> {
    let once = fs::read(place.path("once"))?;
    let count = ROUNDS * usize::try_from(SITES)?;
    let (mut writer, _) = place.target().open(false)?;
    let (cpu, begin) = (daemon.cpu()?, Instant::now());
    let sending = thread::spawn(move || {
        for _ in 0..ROUNDS {
            writer.send(&once)?;
        }
        writer.end()
    });
    for _ in 0..count {
        let line = daemon.report()?;
        if !line.contains("\"unchanged\"") {
            return Err(line.into());
        }
    }
    let wall = begin.elapsed().as_secs_f64();
    sending.join().map_err(|_| "sending failed")??;
    let cpu = daemon.cpu()? - cpu;
    let rate = |seconds: f64| count as f64 / seconds;
    let what = "unchanged messages per processor second";
    table.add(row(what, rate(cpu), "/s", Bar::Least(5_000.0)));
    table.add(row("the same on the wall", rate(wall), "/s", Bar::None));
    Ok(())
}

/// The time from a message to the moment at which a visitor would get its release.
fn latency(place: &Place, daemon: &mut Daemon, table: &mut Table) -> Result<()> {
    let source = place.path("source");
    fs::create_dir_all(source.join("deep"))?;
    fs::write(source.join("index.html"), "home")?;
    for file in 1..FILES {
        fs::write(
            source.join(format!("deep/page-{file}.html")),
            "x".repeat(1000 * file),
        )?;
    }
    let id = SiteId::parse("small").map_err(|defect| defect.message)?;
    let packed = message::folder(id.as_str(), &source, HostingProvider::LocalStatic)?;
    let pointer = Layout::new(place.path("state/local-static")).live(id.as_str());
    let (mut writer, _) = place.target().open(false)?;
    let mut times = Vec::new();
    for edition in 0..PUBLICATIONS {
        let file = source.join(format!("deep/page-{}.html", 1 + edition % (FILES - 1)));
        fs::write(file, format!("{edition} {}", "y".repeat(5000)))?;
        let before = fs::read(&pointer).unwrap_or_default();
        let begin = Instant::now();
        writer.send(&packed)?;
        while fs::read(&pointer).unwrap_or_default() == before {
            if begin.elapsed() > Duration::from_secs(10) {
                return Err("a release does not come".into());
            }
            thread::sleep(Duration::from_micros(50));
        }
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        let line = daemon.report()?;
        if !line.contains("\"applied\"") {
            return Err(line.into());
        }
    }
    times.sort_by(f64::total_cmp);
    let nth = |part: usize| times[times.len() * part / 100];
    let what = "message to visible release of 20 files, p50";
    table.add(row(what, nth(50), "ms", Bar::Most(15.0)));
    table.add(row("the same, p99", nth(99), "ms", Bar::Most(60.0)));
    Ok(())
}

/// A folder with state and sources.
struct Place(PathBuf);

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn target(&self) -> Target {
        Target::Unix(self.path("socket"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mycelia-spore"));
        command
            .args(arguments)
            .arg("--state-dir=state")
            .arg("--source-root=source")
            .current_dir(&self.0)
            .stdin(Stdio::null());
        command
    }

    /// Starts the daemon and waits until it says that it is ready.
    fn start(&self) -> Result<Daemon> {
        let address = self.path("notify");
        drop(fs::remove_file(&address));
        let manager = UnixDatagram::bind(&address)?;
        manager.set_read_timeout(Some(Duration::from_secs(30)))?;
        let arguments = ["run", "--output=json", "--source=unix:socket"];
        let mut command = self.command(&arguments);
        command
            .env("NOTIFY_SOCKET", &address)
            .stdout(Stdio::piped());
        let begin = Instant::now();
        let mut child = command.spawn()?;
        let mut buffer = [0; 4096];
        loop {
            let length = manager.recv(&mut buffer)?;
            if buffer[..length].starts_with(b"READY=1") {
                break;
            }
        }
        let ready = begin.elapsed();
        let reports = child.stdout.take().ok_or("no standard output")?;
        Ok(Daemon {
            child,
            ready,
            reports: BufReader::new(reports),
            _manager: manager,
        })
    }
}

/// A daemon that runs.
struct Daemon {
    child: Child,
    ready: Duration,
    reports: BufReader<ChildStdout>,
    /// It is told of the end, too.
    _manager: UnixDatagram,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended already where all went well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Daemon {
    fn report(&mut self) -> Result<String> {
        let mut line = String::new();
        self.reports.read_line(&mut line)?;
        Ok(line)
    }

    /// A file of what the kernel knows of it.
    fn proc(&self, name: &str) -> Result<String> {
        let path = Path::new("/proc").join(self.child.id().to_string());
        Ok(fs::read_to_string(path.join(name))?)
    }

    /// Processor seconds of all its threads, those that ended too: fields 14 and 15 of `stat` (proc(5)), in ticks.
    fn cpu(&self) -> Result<f64> {
        let stat = self.proc("stat")?;
        let (_, rest) = stat.rsplit_once(')').ok_or("no stat")?;
        let mut ticks = 0_u64;
        for field in rest.split_whitespace().skip(11).take(2) {
            ticks += field.parse::<u64>()?;
        }
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Memory in MB of 1,000,000 bytes.
    fn memory(&self) -> Result<f64> {
        let status = self.proc("status")?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: f64 = kilobytes.ok_or("no VmRSS")?.parse()?;
        Ok(kilobytes * 1024.0 / 1e6)
    }

    fn end(mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }
}
