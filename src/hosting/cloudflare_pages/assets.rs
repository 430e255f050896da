//! The files of a release as Pages stores them: each once, under a hash of its content and its ending.

use super::rules::{self, Missing, NOT_FOUND};
use crate::artifact::{Artifact, ArtifactFile, Body, PagesHash, PagesHasher};
use crate::desired::Rules;
use crate::edge::EdgeError;
use crate::release::Digest;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

/// How much of a file is read at a time: a multiple of 3, so that the pieces' base64 joins without padding.
const CHUNK: usize = 96 * 1024;

/// Names at the top that steer Pages and are no files of the site.
const STEERING: [&str; 4] = ["_headers", "_redirects", "_routes.json", "_worker.js"];

/// One file to be stored.
#[derive(Clone, Debug)]
pub(super) struct Asset {
    pub(super) hash: PagesHash,
    pub(super) size: u64,
    pub(super) content_type: String,
    source: Source,
}

/// Where an asset's bytes are.
#[derive(Clone, Debug)]
enum Source {
    /// In the artifact, under this path.
    Artifact { path: String, digest: Digest },
    /// Made here.
    Made(Bytes),
}

/// All that is sent of an artifact.
#[derive(Debug)]
pub(super) struct Assets {
    artifact: Arc<Artifact>,
    /// Hashes by address, as `/index.html`.
    pub(super) manifest: BTreeMap<String, PagesHash>,
    /// Each asset once.
    pub(super) files: BTreeMap<PagesHash, Asset>,
}

/// Whether a path is a file that visitors can get, rather than one that steers Pages.
pub(super) fn is_public(path: &str) -> bool {
    !STEERING.contains(&path) && !path.starts_with("_worker.js/") && !path.starts_with("functions/")
}

impl Assets {
    /// Reads every file of an artifact once that was not given its name before, which takes time.
    pub(super) fn of(artifact: &Arc<Artifact>, rules: &Rules) -> Result<Self, EdgeError> {
        let missing = Missing::of(rules, artifact);
        let mut this = Self {
            artifact: Arc::clone(artifact),
            manifest: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        let files: Vec<(&String, &ArtifactFile)> = artifact
            .files()
            .iter()
            .filter(|(path, _)| is_public(path))
            .filter(|(path, _)| missing != Missing::FirstPage || *path != NOT_FOUND)
            .collect();
        for (path, asset) in hash_all(artifact, &files)? {
            this.add(path, asset);
        }
        for (path, content) in rules::made_pages(&missing) {
            this.make(&path, content);
        }
        if let Missing::File(path) = &missing {
            let hash = this.manifest.get(&format!("/{path}")).copied();
            let hash = hash.ok_or_else(|| {
                EdgeError::rejected(format!("the site has no file {path}"))
                    .at("hosting.errorDocument")
            })?;
            this.manifest.insert(format!("/{NOT_FOUND}"), hash);
        }
        Ok(this)
    }

    fn add(&mut self, path: &str, asset: Asset) {
        self.manifest.insert(format!("/{path}"), asset.hash);
        self.files.insert(asset.hash, asset);
    }

    fn make(&mut self, path: &str, content: Vec<u8>) {
        let mut hasher = PagesHasher::new(path);
        hasher.update(&content);
        let asset = Asset {
            hash: hasher.finish(),
            size: content.len() as u64,
            content_type: content_type(path),
            source: Source::Made(content.into()),
        };
        self.add(path, asset);
    }

    /// An asset's bytes, which are those that were hashed.
    pub(super) fn read(&self, asset: &Asset) -> Result<Bytes, EdgeError> {
        let (path, digest) = match &asset.source {
            Source::Made(content) => return Ok(content.clone()),
            Source::Artifact { path, digest } => (path, digest),
        };
        let mut content = Vec::with_capacity(usize::try_from(asset.size).unwrap_or(0));
        open(&self.artifact, path)
            .and_then(|mut file| file.read_to_end(&mut content))
            .map_err(|error| unreadable(path, error))?;
        if Digest::of(&content) != *digest {
            return Err(changed(path));
        }
        Ok(content.into())
    }
}

/// Hashes files on two threads: reading one hides behind hashing another.
fn hash_all<'a>(
    artifact: &Artifact,
    files: &[(&'a String, &ArtifactFile)],
) -> Result<Vec<(&'a str, Asset)>, EdgeError> {
    let hash = |files: &[(&'a String, &ArtifactFile)]| -> Result<Vec<(&'a str, Asset)>, EdgeError> {
        files
            .iter()
            .map(|(path, file)| Ok((path.as_str(), hash_one(artifact, path, file)?)))
            .collect()
    };
    let (one, two) = files.split_at(files.len() / 2);
    let (one, two) = std::thread::scope(|scope| {
        let other = scope.spawn(|| hash(two));
        let one = hash(one);
        let two = other
            .join()
            .unwrap_or_else(|_| Err(EdgeError::rejected("hashing ended early")));
        (one, two)
    });
    let mut all = one?;
    all.extend(two?);
    Ok(all)
}

fn hash_one(artifact: &Artifact, path: &str, file: &ArtifactFile) -> Result<Asset, EdgeError> {
    let asset = |hash| Asset {
        hash,
        size: file.size,
        content_type: content_type(path),
        source: Source::Artifact {
            path: path.into(),
            digest: file.digest,
        },
    };
    if let Some(hash) = file.pages {
        return Ok(asset(hash));
    }
    let mut content = open(artifact, path).map_err(|error| unreadable(path, error))?;
    let mut hasher = PagesHasher::new(path);
    let mut digest = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK.min(usize::try_from(file.size).unwrap_or(CHUNK).max(1) + 3)];
    let size = chunk.len() / 3 * 3;
    let chunk = &mut chunk[..size];
    loop {
        let filled = fill(&mut content, chunk).map_err(|error| unreadable(path, error))?;
        hasher.update(&chunk[..filled]);
        digest.update(&chunk[..filled]);
        if filled < chunk.len() {
            break;
        }
    }
    if Digest::from(digest.finalize()) != file.digest {
        return Err(changed(path));
    }
    Ok(asset(hasher.finish()))
}

/// Reads until a buffer is full or the file ends.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

pub(super) fn open<'a>(artifact: &'a Artifact, path: &str) -> io::Result<Box<dyn Read + 'a>> {
    match artifact.body() {
        Body::Directory(folder) => Ok(Box::new(File::open(folder.join(path))?)),
        Body::Memory(files) => match files.get(path) {
            Some(content) => Ok(Box::new(content.as_slice())),
            None => Err(io::ErrorKind::NotFound.into()),
        },
    }
}

/// The text of one of an artifact's own steering files; empty when it has none.
pub(super) fn text(artifact: &Artifact, path: &str) -> Result<String, EdgeError> {
    let Some(file) = artifact.files().get(path) else {
        return Ok(String::new());
    };
    let mut text = String::new();
    let length = file.size;
    open(artifact, path)
        .and_then(|content| content.take(length).read_to_string(&mut text))
        .map_err(|error| unreadable(path, error))?;
    Ok(text)
}

fn unreadable(path: &str, error: io::Error) -> EdgeError {
    EdgeError::io(format!("{path} cannot be read"), error)
}

fn changed(path: &str) -> EdgeError {
    let kind = crate::edge::EdgeErrorKind::Transient { retry_after: None };
    EdgeError::new(kind, format!("{path} was changed while it was published"))
}

/// The type a file is served with: that of its ending, as Cloudflare's own client sends it.
fn content_type(path: &str) -> String {
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    mime.essence_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn a_hash_does_not_depend_on_how_the_content_was_read() {
        let content: Vec<u8> = (0..CHUNK * 2 + 17)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        let files = [("a.bin".to_owned(), content.clone())].into();
        let artifact = Arc::new(Artifact::in_memory(files));
        let assets = Assets::of(&artifact, &Rules::default()).unwrap();
        let mut whole = blake3::Hasher::new();
        whole.update(STANDARD.encode(&content).as_bytes());
        whole.update(b"bin");
        let expected = whole.finalize().to_hex();
        assert_eq!(assets.manifest["/a.bin"].to_string(), expected[..32]);
    }

    #[test]
    fn what_steers_pages_is_no_file_of_the_site() {
        let names = [
            "_headers",
            "_redirects",
            "_routes.json",
            "_worker.js",
            "_worker.js/index.js",
            "functions/api.js",
            "a/_headers",
            "index.html",
        ];
        let files = names.iter().map(|name| ((*name).to_owned(), b"x".to_vec()));
        let artifact = Arc::new(Artifact::in_memory(files.collect()));
        let assets = Assets::of(&artifact, &Rules::default()).unwrap();
        let paths: Vec<&str> = assets.manifest.keys().map(String::as_str).collect();
        assert_eq!(paths, ["/404.html", "/a/_headers", "/index.html"]);
    }

    #[test]
    fn addresses_that_do_not_exist_are_answered_as_the_message_says() {
        let site = |names: &[&str]| {
            let files = names
                .iter()
                .map(|name| ((*name).to_owned(), name.as_bytes().to_vec()));
            Arc::new(Artifact::in_memory(files.collect()))
        };
        let with = |error_document: Option<&str>, single_page_fallback| Rules {
            error_document: error_document.map(Into::into),
            single_page_fallback,
            ..Rules::default()
        };
        let hash = |artifact: &Arc<Artifact>, rules: &Rules| {
            let assets = Assets::of(artifact, rules).unwrap();
            assets.manifest.get("/404.html").copied()
        };
        let own = site(&["index.html", "404.html", "errors/lost.html"]);
        let bare = site(&["index.html"]);
        let lost = Assets::of(&own, &with(None, false)).unwrap().manifest["/errors/lost.html"];
        assert_eq!(
            hash(&own, &with(Some("errors/lost.html"), false)),
            Some(lost)
        );
        assert_eq!(hash(&own, &with(None, true)), None);
        assert_eq!(hash(&bare, &with(None, true)), None);
        assert!(hash(&bare, &with(None, false)).is_some());
        assert_ne!(
            hash(&bare, &with(None, false)),
            hash(&own, &with(None, false))
        );
        let error = Assets::of(&bare, &with(Some("lost.html"), false)).unwrap_err();
        assert_eq!(error.path, "hosting.errorDocument");
    }

    #[test]
    fn names_that_were_made_before_are_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..=255).cycle().take(CHUNK * 2 + 17).collect();
        std::fs::write(folder.path().join("a.bin"), &content).unwrap();
        let file = |pages| ArtifactFile {
            size: content.len() as u64,
            digest: Digest::of(&content),
            pages,
        };
        let artifact = |pages| {
            let files = [("a.bin".to_owned(), file(pages))].into();
            Arc::new(Artifact::new(files, Body::Directory(folder.path().into())))
        };
        let read = Assets::of(&artifact(None), &Rules::default()).unwrap();
        let name = read.manifest["/a.bin"];
        std::fs::remove_file(folder.path().join("a.bin")).unwrap();
        let taken = Assets::of(&artifact(Some(name)), &Rules::default()).unwrap();
        assert_eq!(taken.manifest["/a.bin"], name);
        // Its content must still be what it was when it is sent.
        std::fs::write(folder.path().join("a.bin"), "other").unwrap();
        assert!(taken.read(&taken.files[&name]).is_err());
    }
}
