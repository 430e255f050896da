//! Repositories as their owners have them, good ones and such as no git would write by itself.
#![allow(
    dead_code,
    reason = "each of the test programs that share this takes its part"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A bare repository that a server shows.
pub(crate) struct Upstream {
    pub(crate) folder: PathBuf,
}

/// A path of a commit: its mode, name and content.
pub(crate) type File<'f> = (&'f str, &'f str, &'f str);

impl Upstream {
    /// An empty one of this name below a folder.
    pub(crate) fn new(root: &Path, name: &str) -> Self {
        Self::with_format(root, name, "sha1")
    }

    pub(crate) fn with_format(root: &Path, name: &str, format: &str) -> Self {
        let folder = root.join(format!("{name}.git"));
        fs::create_dir_all(&folder).unwrap();
        let upstream = Self { folder };
        let format = format!("--object-format={format}");
        upstream.git(
            &[
                "init",
                "--quiet",
                "--bare",
                "--initial-branch=main",
                &format,
            ],
            b"",
        );
        upstream
    }

    /// Runs git in it and gives what it says.
    pub(crate) fn git(&self, args: &[&str], input: &[u8]) -> String {
        let mut child = Command::new("git")
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("GIT_DIR", &self.folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "A")
            .env("GIT_AUTHOR_EMAIL", "a@example.com")
            .env("GIT_AUTHOR_DATE", "1700000000 +0000")
            .env("GIT_COMMITTER_NAME", "A")
            .env("GIT_COMMITTER_EMAIL", "a@example.com")
            .env("GIT_COMMITTER_DATE", "1700000000 +0000")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {args:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Adds a commit to a branch whose files are added to those of the one before.
    pub(crate) fn commit(&self, branch: &str, files: &[File<'_>]) -> String {
        let files = files.iter();
        self.commit_bytes(
            branch,
            files.map(|(mode, path, content)| (*mode, *path, content.as_bytes())),
        )
    }

    /// The same of files that need not be text.
    pub(crate) fn commit_bytes<'f>(
        &self,
        branch: &str,
        files: impl IntoIterator<Item = (&'f str, &'f str, &'f [u8])>,
    ) -> String {
        let name = format!("refs/heads/{branch}");
        let known = self.git(&["for-each-ref", "--format=%(refname)", &name], b"") == name;
        let mut stream =
            format!("commit {name}\ncommitter A <a@example.com> 1700000000 +0000\ndata 1\nm\n")
                .into_bytes();
        if known {
            writeln!(stream, "from {name}^0").unwrap();
        }
        for (mode, path, content) in files {
            if mode == "160000" {
                write!(stream, "M 160000 ").unwrap();
                stream.extend_from_slice(content);
                writeln!(stream, " {path}").unwrap();
            } else {
                writeln!(stream, "M {mode} inline {path}\ndata {}", content.len()).unwrap();
                stream.extend_from_slice(content);
                stream.push(b'\n');
            }
        }
        self.git(&["fast-import", "--quiet"], &stream);
        self.git(&["rev-parse", &name], b"")
    }

    /// A tree of any modes and names whatever, of objects that need not be there.
    pub(crate) fn raw_tree(&self, entries: &[(&str, &str, &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, object) in entries {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            let digits = object.as_bytes().chunks(2);
            bytes.extend(
                digits
                    .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()),
            );
        }
        self.git(
            &["hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
            &bytes,
        )
    }

    pub(crate) fn blob(&self, content: &str) -> String {
        self.git(&["hash-object", "-w", "--stdin"], content.as_bytes())
    }

    /// Makes a tree the newest of a branch.
    pub(crate) fn commit_tree(&self, branch: &str, tree: &str) -> String {
        let commit = self.git(&["commit-tree", "-m", "m", tree], b"");
        self.git(
            &["update-ref", &format!("refs/heads/{branch}"), &commit],
            b"",
        );
        commit
    }
}
