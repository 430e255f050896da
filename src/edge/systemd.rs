//! The service manager: what it is told (`sd_notify(3)`) and what it hands over (`sd_listen_fds(3)`).
//!
//! Both need nothing but the environment, so that the same program runs without systemd: then nobody is told, and
//! nothing is handed over. No program started from here gets these variables.

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use rustix::time::{ClockId, clock_gettime};
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::Path;
use std::time::Duration;
use thiserror::Error;

/// How long telling may take: the manager reads what it is told unless it hangs itself.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The longest status that is told, in characters: it is shown in one line.
const STATUS: usize = 200;

/// Why the service manager cannot be worked with.
#[derive(Debug, Error)]
pub enum SystemdError {
    /// A variable does not hold what the manual says.
    #[error("${name} is {value:?}, which is not {expected}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it should.
        expected: &'static str,
    },
    /// A descriptor that was handed over is no socket that listens.
    #[error(
        "descriptor {number} ({name}), handed over by the service manager, is no socket that listens"
    )]
    NoListener {
        /// Its number.
        number: usize,
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Something that the service manager is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'a> {
    /// Starting, or taking in settings, has ended.
    Ready,
    /// Settings are taken in; [`Ready`](Self::Ready) follows.
    Reloading,
    /// The end has begun.
    Stopping,
    /// All is well. Told in time, the watchdog stays quiet.
    Watchdog,
    /// What is done, for people.
    Status(&'a str),
}

/// The service manager, if there is one.
#[derive(Clone, Debug, Default)]
pub struct Manager {
    address: Option<SocketAddr>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// The one that started this process; a silent one when none did.
    ///
    /// # Errors
    /// `$NOTIFY_SOCKET` or `$WATCHDOG_USEC` is not as `sd_notify(3)` and `sd_watchdog_enabled(3)` say.
    pub fn from_env() -> Result<Self, SystemdError> {
        Self::of(|name| env::var_os(name))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, SystemdError> {
        let Some(address) = variable("NOTIFY_SOCKET").filter(|text| !text.is_empty()) else {
            return Ok(Self::default());
        };
        let number = |name| parsed(name, variable(name), "a number");
        let mine = match number("WATCHDOG_PID")? {
            Some(pid) => pid == u64::from(std::process::id()),
            None => true,
        };
        let watchdog = number("WATCHDOG_USEC")?.filter(|usec| mine && *usec > 0);
        Self::at(&address, watchdog.map(Duration::from_micros))
    }

    /// The one that listens at an address: a path, or a name in the abstract namespace of unix(7) after `@`. It
    /// wants to hear of the watchdog this often.
    ///
    /// # Errors
    /// The address is neither.
    pub fn at(address: &OsStr, watchdog: Option<Duration>) -> Result<Self, SystemdError> {
        let place = match address.as_bytes() {
            [b'@', name @ ..] => abstract_name(name),
            [b'/', ..] => SocketAddr::from_pathname(Path::new(address)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        };
        let place = place.map_err(|_| SystemdError::Variable {
            name: "NOTIFY_SOCKET",
            value: address.to_string_lossy().into_owned(),
            expected: "an absolute path or a name after @",
        })?;
        Ok(Self {
            address: Some(place),
            watchdog,
        })
    }

    /// Whether anybody is told anything.
    #[must_use]
    pub const fn listens(&self) -> bool {
        self.address.is_some()
    }

    /// How often [`State::Watchdog`] must be told at least; `None` when nobody waits for it.
    #[must_use]
    pub const fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Tells all this at once. That it fails is in the log: the service goes on without its manager.
    pub fn tell(&self, states: &[State<'_>]) {
        let Some(address) = &self.address else {
            return;
        };
        let lines: Vec<String> = states.iter().map(State::line).collect();
        if let Err(error) = send(address, lines.join("\n").as_bytes()) {
            tracing::warn!("the service manager cannot be told: {error}");
        }
    }
}

/// Sends from a socket of its own, as one that was kept would not outlive a manager that begins anew.
fn send(address: &SocketAddr, message: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    socket.send_to_addr(message, address).map(drop)
}

#[cfg(target_os = "linux")]
fn abstract_name(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

impl State<'_> {
    /// The assignments of `sd_notify(3)`.
    fn line(&self) -> String {
        match self {
            Self::Ready => "READY=1".into(),
            // Without the time of its sending the manager refuses it (systemd.service(5), "Type=notify-reload").
            Self::Reloading => {
                let now = clock_gettime(ClockId::Monotonic);
                let usec = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
                format!("RELOADING=1\nMONOTONIC_USEC={usec}")
            }
            Self::Stopping => "STOPPING=1".into(),
            Self::Watchdog => "WATCHDOG=1".into(),
            Self::Status(text) => {
                let line = text.chars().take(STATUS);
                let line: String = line
                    .map(|it| if it.is_control() { ' ' } else { it })
                    .collect();
                format!("STATUS={line}")
            }
        }
    }
}

/// A number in a variable; `None` when it is not set.
fn parsed(
    name: &'static str,
    value: Option<OsString>,
    expected: &'static str,
) -> Result<Option<u64>, SystemdError> {
    let Some(value) = value else {
        return Ok(None);
    };
    let number = value.to_str().and_then(|text| text.parse().ok());
    let wrong = || SystemdError::Variable {
        name,
        value: value.to_string_lossy().into_owned(),
        expected,
    };
    number.map(Some).ok_or_else(wrong)
}

/// A socket that listens, handed over by the service manager.
#[derive(Debug)]
pub enum Socket {
    /// At a path.
    Unix(UnixListener),
    /// At an address of the network.
    Tcp(TcpListener),
}

/// The sockets that the service manager handed over and that nobody has taken yet.
#[derive(Debug, Default)]
pub struct Listeners(Vec<(String, Socket)>);

impl Listeners {
    /// All that were handed over to this process. Who asks a second time gets none. It takes the variables away,
    /// so it belongs at the start of the process, before any thread.
    ///
    /// # Errors
    /// `$LISTEN_FDS` is no number, or a descriptor is no socket that listens.
    pub fn from_env() -> Result<Self, SystemdError> {
        let number = |name| parsed(name, env::var_os(name), "a number");
        if number("LISTEN_PID")? != Some(u64::from(std::process::id()))
            || number("LISTEN_FDS")?.is_none()
        {
            return Ok(Self::default());
        }
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':').map(str::to_owned);
        let mut handed = ListenFd::from_env();
        let mut found = Vec::new();
        for index in 0..handed.len() {
            // Its name where none was given, by sd_listen_fds(3).
            let given = names.next().filter(|name| !name.is_empty());
            let name = given.unwrap_or_else(|| "unknown".into());
            let socket = take(&mut handed, index);
            let socket = socket.map_err(|source| SystemdError::NoListener {
                number: FIRST + index,
                name: name.clone(),
                source,
            })?;
            found.push((name, socket));
        }
        Ok(Self(found))
    }

    /// The next one of a name (`FileDescriptorName=`, systemd.socket(5)).
    pub fn take_named(&mut self, name: &str) -> Option<Socket> {
        let index = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(index).1)
    }

    /// The one that listens at a path.
    pub fn take_at(&mut self, path: &Path) -> Option<UnixListener> {
        let at = |(_, socket): &(String, Socket)| match socket {
            Socket::Unix(socket) => {
                let address = socket.local_addr();
                address.is_ok_and(|address| address.as_pathname() == Some(path))
            }
            Socket::Tcp(_) => false,
        };
        let index = self.0.iter().position(at)?;
        match self.0.remove(index).1 {
            Socket::Unix(socket) => Some(socket),
            Socket::Tcp(_) => None,
        }
    }

    /// The names of those that nobody has taken.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }
}

/// The number of the first descriptor (`SD_LISTEN_FDS_START`, `sd_listen_fds(3)`).
const FIRST: usize = 3;

fn take(handed: &mut ListenFd, index: usize) -> io::Result<Socket> {
    let gone = || io::Error::from(io::ErrorKind::NotFound);
    let socket = match handed.take_unix_listener(index) {
        Ok(socket) => Socket::Unix(socket.ok_or_else(gone)?),
        Err(_) => Socket::Tcp(handed.take_tcp_listener(index)?.ok_or_else(gone)?),
    };
    let listens = match &socket {
        Socket::Unix(socket) => socket_acceptconn(socket.as_fd()),
        Socket::Tcp(socket) => socket_acceptconn(socket.as_fd()),
    };
    if listens? {
        Ok(socket)
    } else {
        Err(io::Error::other("nobody can connect to it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manager(variables: &[(&str, &str)]) -> Result<Manager, SystemdError> {
        Manager::of(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn without_variables_nobody_is_told() {
        for variables in [&[][..], &[("NOTIFY_SOCKET", ""), ("WATCHDOG_USEC", "1")]] {
            let manager = manager(variables).unwrap();
            assert!(!manager.listens());
            assert_eq!(manager.watchdog(), None);
            manager.tell(&[State::Ready]);
        }
    }

    #[test]
    fn the_watchdog_may_be_another_process_s() {
        let own = std::process::id().to_string();
        for (pid, usec, expected) in [
            (None, "30000000", Some(Duration::from_secs(30))),
            (Some(&*own), "1500", Some(Duration::from_micros(1500))),
            (Some("1"), "30000000", None),
            (None, "0", None),
        ] {
            let mut variables = vec![("NOTIFY_SOCKET", "@a"), ("WATCHDOG_USEC", usec)];
            variables.extend(pid.map(|pid| ("WATCHDOG_PID", pid)));
            assert_eq!(manager(&variables).unwrap().watchdog(), expected);
        }
    }

    #[test]
    fn what_is_no_address_or_number_is_named() {
        let told = |variables: &[_]| manager(variables).unwrap_err().to_string();
        for address in ["run/notify", "vsock:2:3"] {
            assert_eq!(
                told(&[("NOTIFY_SOCKET", address)]),
                format!(
                    "$NOTIFY_SOCKET is {address:?}, which is not an absolute path or a name after @"
                )
            );
        }
        assert_eq!(
            told(&[("NOTIFY_SOCKET", "/run/notify"), ("WATCHDOG_USEC", "30s")]),
            "$WATCHDOG_USEC is \"30s\", which is not a number"
        );
    }

    #[test]
    fn what_is_told_reaches_a_path_and_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        let name = format!("spore-test-{}", path.display());
        let hidden = abstract_name(name.as_bytes()).unwrap();
        let hidden = UnixDatagram::bind_addr(&hidden).unwrap();
        let long = "x".repeat(1000);
        for (address, listener) in [
            (path.into_os_string(), listener),
            (format!("@{name}").into(), hidden),
        ] {
            let manager = Manager::at(&address, None).unwrap();
            let mut buffer = [0; 4096];
            let mut told = |states: &[State<'_>]| {
                manager.tell(states);
                let length = listener.recv(&mut buffer).unwrap();
                String::from_utf8(buffer[..length].to_vec()).unwrap()
            };
            let ready = told(&[State::Ready, State::Status("two\nlines")]);
            assert_eq!(ready, "READY=1\nSTATUS=two lines");
            assert_eq!(told(&[State::Stopping]), "STOPPING=1");
            assert_eq!(told(&[State::Watchdog]), "WATCHDOG=1");
            assert_eq!(
                told(&[State::Status(&long)]).len(),
                "STATUS=".len() + STATUS
            );
            let reloading = told(&[State::Reloading]);
            let usec = reloading
                .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
                .unwrap();
            let now = clock_gettime(ClockId::Monotonic);
            let since = now.tv_sec - usec.parse::<i64>().unwrap() / 1_000_000;
            assert!((0..60).contains(&since), "{reloading}");
        }
        // A manager that is gone stops nothing.
        Manager::at(OsStr::new("/nonexistent"), None)
            .unwrap()
            .tell(&[State::Ready]);
    }
}
