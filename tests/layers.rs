//! The house plan as a test: the ranks of `ARCHITECTURE.md`, and what each module may do.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The table of ranks is read from where people read it.
const ARCHITECTURE: &str = include_str!("../ARCHITECTURE.md");

/// References between modules of one rank that are meant, and why.
const WITHIN_A_RANK: [(&str, &str, &str); 8] = [
    (
        "status",
        "rpc",
        "what happens is told in one form, whoever asks",
    ),
    (
        "model",
        "schema",
        "closed choices are the generated enums themselves",
    ),
    (
        "observed",
        "desired",
        "the names found are compared with those asked for: one type",
    ),
    (
        "desired",
        "records",
        "the records of a message are grouped into sets of typed data",
    ),
    (
        "observed",
        "records",
        "the record sets found are compared with those asked for: one type",
    ),
    (
        "encode",
        "desired",
        "a document is checked as the daemon would check its message",
    ),
    (
        "encode",
        "json",
        "a document and a message shown as JSON share their form",
    ),
    (
        "stream",
        "sink",
        "reports go back where their messages came from, in the forms of the sinks",
    ),
];

/// The highest rank that must be pure.
const PURE: u32 = 2;

/// What may be named only in some modules: the words, the modules, and the rule.
const HOUSE_RULES: [(&[&str], &[&str], &str); 6] = [
    (
        &[
            "println!",
            "eprintln!",
            "print!",
            "eprint!",
            "dbg!",
            "io::stdout",
            "io::stderr",
        ],
        &["cli"],
        "only the command line prints; others hand on what is to be said",
    ),
    (
        &["process::exit", "ExitCode"],
        &["cli"],
        "only the command line chooses an exit code",
    ),
    (
        &["tokio::spawn", "task::spawn(", "spawn_local", "JoinSet"],
        &["reconcile", "serve", "rpc", "status", "cli"],
        "only the reconciler, the servers and the command line start tasks",
    ),
    (
        &["std::process::Command", "std::process::{"],
        &["edge"],
        "only the edge starts other programs",
    ),
    (
        &["TcpStream", "UdpSocket", "UnixStream", "TcpListener"],
        &["edge", "serve", "status", "cli"],
        "only the edge opens connections; the command line listens and the servers answer",
    ),
    (
        &[".perform("],
        &["apply", "hosting", "dns"],
        "only carrying out a plan changes the world",
    ),
];

/// What pure modules do not name: waiting, files, clocks, the environment, threads, randomness.
const IMPURE: [&str; 15] = [
    "async fn",
    "async move",
    ".await",
    "tokio::",
    "std::fs",
    "fs::",
    "std::env",
    "env::var",
    "SystemTime",
    "Timestamp::now",
    "Instant::now",
    "thread::",
    "std::net::Tcp",
    "process::",
    "RandomState",
];

/// One source file without its comments and tests.
struct Source {
    path: PathBuf,
    /// The module of the crate that it belongs to.
    module: String,
    /// How many modules lie between it and the crate, itself included.
    depth: usize,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.extend(Source::read(&root, &path));
            }
        }
    }
    found.sort_by(|one, two| one.path.cmp(&two.path));
    assert!(found.len() > 20, "the sources were not found");
    found
}

impl Source {
    /// Reads a file; the crate's roots are no module.
    fn read(root: &Path, path: &Path) -> Option<Self> {
        let relative = path.strip_prefix(root).unwrap().with_extension("");
        let mut parts: Vec<&str> = relative.iter().map(|part| part.to_str().unwrap()).collect();
        if parts.last() == Some(&"mod") {
            parts.pop();
        }
        if ["lib", "main"].contains(&parts[0]) {
            return None;
        }
        Some(Self {
            path: Path::new("src").join(path.strip_prefix(root).unwrap()),
            module: parts[0].to_owned(),
            depth: parts.len(),
            text: code(&fs::read_to_string(path).unwrap()),
        })
    }

    /// The modules of the crate that it names.
    fn names(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        for (at, _) in self.text.match_indices("crate::") {
            let rest = &self.text[at + "crate::".len()..];
            match rest.strip_prefix('{') {
                Some(group) => names.extend(group_members(group)),
                None => names.extend(word(rest)),
            }
        }
        // From a module's root file `super` is the crate itself.
        let way_out = format!("{}::", ["super"; 8][..self.depth].join("::"));
        for (at, _) in self.text.match_indices(&way_out) {
            names.extend(word(&self.text[at + way_out.len()..]));
        }
        names.remove(&*self.module);
        names
    }
}

/// A file's text without comments and without its modules of tests, which may do as they like.
fn code(text: &str) -> String {
    let mut lines = text.lines();
    let mut kept = String::new();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" {
            let inside = lines.next().is_some_and(|line| line.ends_with('{'));
            // Formatted code closes a module in the column in which it opened it.
            while inside && lines.next().is_some_and(|line| line != "}") {}
        } else if !line.trim_start().starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The identifier a text begins with.
fn word(text: &str) -> Option<&str> {
    let end = text
        .find(|it: char| !it.is_alphanumeric() && it != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| &text[..end])
}

/// The first names of a group's members, as `a` and `b` of `a::{x, y}, b::z}`.
fn group_members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                members.extend(word(group[start..at].trim_start()));
                start = at + 1;
                if character == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    members
}

/// The rank of each module, as the table of `ARCHITECTURE.md` gives it.
fn ranks() -> BTreeMap<&'static str, u32> {
    let rows = ARCHITECTURE.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let rank: u32 = cells.next()?.parse().ok()?;
        Some((rank, cells.next()?))
    });
    let ranks: BTreeMap<_, _> = rows
        .flat_map(|(rank, cell)| {
            let names = cell.split('`').skip(1).step_by(2);
            names.map(move |name| (name, rank))
        })
        .collect();
    assert!(!ranks.is_empty(), "ARCHITECTURE.md has no table of ranks");
    ranks
}

fn report(broken: &[String]) {
    assert!(
        broken.is_empty(),
        "the house plan is broken:\n{}",
        broken.join("\n")
    );
}

#[test]
fn every_module_has_its_rank() {
    let ranks = ranks();
    let sources = sources();
    let modules: BTreeSet<&str> = sources.iter().map(|source| &*source.module).collect();
    let known: BTreeSet<&str> = ranks.keys().copied().collect();
    let without: Vec<_> = modules.difference(&known).collect();
    let gone: Vec<_> = known.difference(&modules).collect();
    assert!(
        without.is_empty() && gone.is_empty(),
        "the table of ranks in ARCHITECTURE.md lacks {without:?}, and names {gone:?} that are not there"
    );
}

#[test]
fn modules_name_only_lower_ranks() {
    let ranks = ranks();
    let mut broken = Vec::new();
    for source in sources() {
        let own = ranks[&*source.module];
        for name in source.names() {
            let Some(other) = ranks.get(name).copied() else {
                continue;
            };
            let meant = WITHIN_A_RANK
                .iter()
                .any(|(from, to, _)| *from == source.module && *to == name);
            if other > own || (other == own && !meant) {
                let path = source.path.display();
                let module = &source.module;
                broken.push(format!(
                    "{path}: {module} has rank {own} and names {name} of rank {other}"
                ));
            }
        }
    }
    report(&broken);
}

#[test]
fn exceptions_are_still_needed() {
    let sources = sources();
    let idle: Vec<String> = WITHIN_A_RANK
        .iter()
        .filter(|(from, to, _)| {
            let mut of_module = sources.iter().filter(|source| source.module == *from);
            !of_module.any(|source| source.names().contains(to))
        })
        .map(|(from, to, _)| format!("{from} does not name {to} any more: drop the exception"))
        .collect();
    report(&idle);
}

#[test]
fn some_things_are_done_in_one_place() {
    let mut broken = Vec::new();
    for source in sources() {
        for (words, modules, rule) in HOUSE_RULES {
            if modules.contains(&&*source.module) {
                continue;
            }
            for found in words.iter().filter(|word| source.text.contains(**word)) {
                broken.push(format!("{}: {found}: {rule}", source.path.display()));
            }
        }
    }
    report(&broken);
}

#[test]
fn lower_ranks_are_pure() {
    let ranks = ranks();
    let mut broken = Vec::new();
    for source in sources() {
        if ranks[&*source.module] > PURE {
            continue;
        }
        for found in IMPURE.iter().filter(|word| source.text.contains(**word)) {
            let path = source.path.display();
            broken.push(format!("{path}: {found}: ranks 0 to {PURE} are pure"));
        }
    }
    report(&broken);
}

#[test]
fn sources_are_read_as_meant() {
    let text = "use crate::{a, b::{x, y}, c::z};\n\
                // crate::comment\n\
                fn f() { crate::d::e(); super::g::h(); }\n\
                fn k() { super::super::i(); }\n\
                #[cfg(test)]\n\
                mod tests {\n    use crate::test;\n}\n\
                use crate::last;\n";
    let names = |depth| {
        let source = Source {
            path: PathBuf::new(),
            module: "a".into(),
            depth,
            text: code(text),
        };
        let names: Vec<String> = source.names().into_iter().map(Into::into).collect();
        names.join(" ")
    };
    // `super` leads to the crate from a root file, and to the own module from a file below it.
    assert_eq!(names(1), "b c d g i last super");
    assert_eq!(names(2), "b c d i last");
    assert_eq!(word("tokio::spawn"), Some("tokio"));
    assert_eq!(word("*"), None);
}
