//! Writing a release and making it live.

use super::copy::{Copier, settle};
use super::pointer::{self, make_folder, remove_tree, sync_folder, unwritable};
use super::{Applied, LocalStatic, own};
use crate::artifact::{Artifact, Body};
use crate::desired::Rules;
use crate::edge::EdgeError;
use crate::plan::Publish;
use crate::release::{FORMAT, File, Live, Manifest, ReleaseId};
use crate::site_rules::{Warning, parse_headers, parse_redirects};
use crate::words::{bytes, count};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Files that say how a site is served and are not served themselves, by Cloudflare Pages' names.
const CONTROL: [&str; 4] = ["_headers", "_redirects", "_routes.json", "_worker.js"];

/// Encodings by the extension of the file that holds them (RFC 9110 section 8.4.1, RFC 7932, RFC 8878).
const ENCODINGS: [(&str, &str); 3] = [("br", ".br"), ("gzip", ".gz"), ("zstd", ".zst")];

/// Makes an artifact the live release of its site.
pub(super) fn publish(backend: &LocalStatic, publish: &Publish) -> Result<Applied, EdgeError> {
    let (hosting, artifact) = (&publish.hosting, &*publish.artifact);
    let project = hosting.key.project.as_str();
    let keep = usize::from(own(&hosting.settings)?.keep_releases);
    let (manifest, warnings) = manifest(artifact, &hosting.rules)?;
    for Warning { line, message } in &warnings {
        tracing::warn!(project, line, "{message}");
    }
    let bytes = serde_json::to_vec(&manifest)
        .map_err(|error| EdgeError::rejected("the manifest cannot be written").source(error))?;
    let release = ReleaseId::of(&bytes);
    let mut live = Live {
        v: FORMAT,
        site: hosting.key.site.to_string(),
        previous: Vec::new(),
        release: release.clone(),
        artifact: Some(artifact.digest()),
        rules: Some(hosting.rules.digest()),
        primary: String::new(),
        aliases: Vec::new(),
        redirect_aliases: false,
    };
    live = pointer::with_names(live, &hosting.names);
    let files = count(manifest.files.len(), "file");
    let mut detail = format!("{files}, {}", size(&manifest));
    backend.claimed(project, live, |live| {
        // Until it is claimed, what is left of a site taken down may be swept.
        let before = before(backend, project)?;
        live.previous = kept(&before, &release, keep);
        if !intact(backend, project, &release, &manifest) {
            let copier = copier(backend, project, &before);
            let how = write(
                backend, project, &release, &bytes, &manifest, artifact, &copier,
            )?;
            detail = format!("{detail}; {how}");
        }
        pointer::write(backend.layout(), project, live)?;
        // The site is as asked; what could not be cleared away is tried again next time.
        if let Err(error) = prune(backend, project, live) {
            tracing::warn!(project, "{}", error.full());
        }
        Ok(())
    })?;
    if !warnings.is_empty() {
        detail = format!("{detail}; {}", ignored(&warnings));
    }
    Ok(Applied::live(release, detail))
}

/// What a person should know of lines that were passed over.
fn ignored(warnings: &[Warning]) -> String {
    let lines: Vec<String> = warnings
        .iter()
        .take(3)
        .map(|warning| format!("line {}: {}", warning.line, warning.message))
        .collect();
    format!(
        "{} rule lines ignored ({})",
        warnings.len(),
        lines.join("; ")
    )
}

/// The releases of a project, newest first: those of its pointer, or of its tombstone.
fn before(backend: &LocalStatic, project: &str) -> Result<Vec<ReleaseId>, EdgeError> {
    let layout = backend.layout();
    let live = match pointer::read(&layout.live(project))? {
        Some(live) => Some(live),
        None => pointer::tombstone(layout, project)?.map(|tombstone| tombstone.live),
    };
    Ok(live
        .map(|live| [vec![live.release], live.previous].concat())
        .unwrap_or_default())
}

/// The releases before `release` that stay.
fn kept(before: &[ReleaseId], release: &ReleaseId, keep: usize) -> Vec<ReleaseId> {
    before
        .iter()
        .filter(|earlier| *earlier != release)
        .take(keep.saturating_sub(1))
        .cloned()
        .collect()
}

/// What will be served, and how.
fn manifest(artifact: &Artifact, rules: &Rules) -> Result<(Manifest, Vec<Warning>), EdgeError> {
    let files = artifact
        .files()
        .iter()
        .filter(|(path, _)| !CONTROL.contains(&path.as_str()))
        .map(|(path, file)| {
            let served = File {
                size: file.size,
                digest: file.digest,
                content_type: content_type(path),
                encodings: encodings(artifact, path),
            };
            (path.clone(), served)
        })
        .collect();
    let (own_headers, mut warnings) = parse_headers(&control(artifact, "_headers")?);
    let (own_redirects, more) = parse_redirects(&control(artifact, "_redirects")?);
    warnings.extend(more);
    let manifest = Manifest {
        v: FORMAT,
        files,
        headers: [own_headers, rules.headers.clone()].concat(),
        redirects: [rules.redirects.clone(), own_redirects].concat(),
        error_document: rules.error_document.clone(),
        single_page_fallback: rules.single_page_fallback,
    };
    if let Some(path) = &manifest.error_document
        && !manifest.files.contains_key(path)
    {
        return Err(EdgeError::rejected(format!(
            "hosting.errorDocument = {path:?} is not among the site's files"
        )));
    }
    Ok((manifest, warnings))
}

/// The text of a control file; empty when there is none.
fn control(artifact: &Artifact, path: &str) -> Result<String, EdgeError> {
    if !artifact.files().contains_key(path) {
        return Ok(String::new());
    }
    let bytes = match artifact.body() {
        Body::Memory(files) => files.get(path).cloned().unwrap_or_default(),
        Body::Directory(root) => fs::read(root.join(path)).map_err(|error| {
            EdgeError::io(
                format!("{} cannot be read", root.join(path).display()),
                error,
            )
        })?,
    };
    String::from_utf8(bytes).map_err(|_| EdgeError::rejected(format!("{path} is not UTF-8")))
}

/// The media type of a file by its extension; text is UTF-8.
fn content_type(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let kind = match name.rsplit_once('.').map(|(_, extension)| extension) {
        // Registered types that common tables lack or have otherwise (RFC 9239, W3C appmanifest).
        Some("js" | "mjs") => "text/javascript",
        Some("webmanifest") => "application/manifest+json",
        _ => mime_guess::from_path(name)
            .first_raw()
            .unwrap_or("application/octet-stream"),
    };
    let text = kind.starts_with("text/")
        || matches!(
            kind,
            "application/json" | "application/manifest+json" | "application/xml" | "image/svg+xml"
        );
    if text {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_owned()
    }
}

/// Encoded forms of a file that lie beside it.
fn encodings(artifact: &Artifact, path: &str) -> BTreeMap<String, String> {
    ENCODINGS
        .into_iter()
        .map(|(name, extension)| (name.to_owned(), format!("{path}{extension}")))
        .filter(|(_, encoded)| artifact.files().contains_key(encoded))
        .collect()
}

fn size(manifest: &Manifest) -> String {
    let total = manifest.files.values().map(|file| file.size).sum();
    bytes(total)
}

/// Whether the release is there already, every file with its length.
fn intact(backend: &LocalStatic, project: &str, release: &ReleaseId, manifest: &Manifest) -> bool {
    let folder = backend.layout().files(project, release);
    backend.manifest(project, release).is_some()
        && manifest.files.iter().all(|(path, file)| {
            fs::symlink_metadata(folder.join(path))
                .is_ok_and(|found| found.is_file() && found.len() == file.size)
        })
}

/// A copier that knows the files of the two newest releases.
fn copier(backend: &LocalStatic, project: &str, before: &[ReleaseId]) -> Copier {
    let mut copier = Copier::default();
    for release in before.iter().take(2) {
        if let Some(manifest) = backend.manifest(project, release) {
            let folder = backend.layout().files(project, release);
            for (path, file) in manifest.files {
                copier.offer(file.digest, folder.join(path));
            }
        }
    }
    copier
}

/// Writes a release whole: into a draft folder, made to last, then renamed into place.
fn write(
    backend: &LocalStatic,
    project: &str,
    release: &ReleaseId,
    bytes: &[u8],
    manifest: &Manifest,
    artifact: &Artifact,
    copier: &Copier,
) -> Result<String, EdgeError> {
    let place = backend.layout().release(project, release);
    let releases = backend.layout().releases(project);
    let draft = releases.join(format!(".{release}"));
    remove_tree(&draft)?;
    make_folder(&releases).map_err(|error| unwritable(&releases, error))?;
    let written = fill(&draft, bytes, manifest, artifact, copier);
    if written.is_err()
        && let Err(error) = remove_tree(&draft)
    {
        tracing::warn!(project, "{}", error.full());
    }
    let brought = written?;
    install(&draft, &place).map_err(|error| unwritable(&place, error))?;
    sync_folder(&releases).map_err(|error| unwritable(&releases, error))?;
    Ok(brought)
}

/// Fills a draft folder and makes it last.
fn fill(
    draft: &Path,
    bytes: &[u8],
    manifest: &Manifest,
    artifact: &Artifact,
    copier: &Copier,
) -> Result<String, EdgeError> {
    let files = draft.join("files");
    for folder in folders(&files, manifest.files.keys()) {
        fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, error))?;
    }
    let wanted: Vec<_> = manifest.files.iter().collect();
    let brought = copier.copy_all(artifact.body(), &wanted, &files)?;
    let path = draft.join("manifest.json");
    fs::write(&path, bytes).map_err(|error| unwritable(&path, error))?;
    settle(draft, &wanted)?;
    Ok(brought.to_string())
}

/// Moves the draft into place. A damaged release of the same name is exchanged for it in one step.
fn install(draft: &Path, place: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    if place.exists() {
        renameat_with(CWD, draft, CWD, place, RenameFlags::EXCHANGE)?;
        fs::remove_dir_all(draft)
    } else {
        fs::rename(draft, place)
    }
}

/// All folders of a release, parents first.
pub(super) fn folders<'p>(
    root: &Path,
    paths: impl Iterator<Item = &'p String>,
) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::from([root.to_path_buf()]);
    for path in paths {
        let parents = path
            .match_indices('/')
            .map(|(at, _)| root.join(&path[..at]));
        folders.extend(parents);
    }
    folders
}

/// Removes releases that are not kept any more and drafts that a crash left.
fn prune(backend: &LocalStatic, project: &str, live: &Live) -> Result<(), EdgeError> {
    let folder = backend.layout().releases(project);
    let entries = fs::read_dir(&folder).map_err(|error| unwritable(&folder, error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let keep = name
            .to_str()
            .and_then(ReleaseId::parse)
            .is_some_and(|name| name == live.release || live.previous.contains(&name));
        if !keep {
            remove_tree(&entry.path())?;
        }
    }
    Ok(())
}
