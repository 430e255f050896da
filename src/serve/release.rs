//! A release ready to be served: its manifest, checked and with the headers' values made.

use super::error::ServeError;
use crate::release::{Digest, FORMAT, File, Layout, Manifest, ReleaseId};
use crate::site_rules::{Headers, Redirects};
use hyper::header::HeaderValue;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Files that configure a host and are no part of the site; a publisher leaves them out.
const NOT_SERVED: [&str; 4] = ["_headers", "_redirects", "_routes.json", "_worker.js"];
/// How many digits of the content's digest make its tag (128 bits).
const TAG_DIGITS: usize = 32;
/// The codings in the order in which they are preferred; others follow.
const PREFERRED: [&str; 3] = ["br", "zstd", "gzip"];

/// A release ready to be served.
#[derive(Debug)]
pub(super) struct Release {
    /// The folder of its files.
    pub(super) folder: PathBuf,
    /// The site's response headers.
    pub(super) headers: Headers,
    /// The site's redirects.
    pub(super) redirects: Redirects,
    files: HashMap<Box<str>, Entry>,
    error_document: Option<String>,
    single_page_fallback: bool,
}

/// A file with its encoded forms.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its media type.
    pub(super) content_type: HeaderValue,
    /// The file as it is.
    pub(super) plain: Form,
    /// The same encoded, the preferred coding first.
    pub(super) encoded: Vec<(HeaderValue, Form)>,
}

/// One form in which a file can be sent.
#[derive(Debug)]
pub(super) struct Form {
    /// Where it lies in the release's folder.
    pub(super) path: Box<str>,
    /// Its strong tag.
    pub(super) etag: HeaderValue,
    /// Names its bytes in the cache.
    pub(super) key: Digest,
    /// Its size and digest, unless the manifest tells them of the file alone that it encodes.
    pub(super) known: Option<Known>,
}

/// What a manifest tells of a file's bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) size: u64,
    pub(super) digest: Digest,
}

/// What a path leads to.
#[derive(Debug)]
pub(super) enum Resolution<'r> {
    /// This file.
    File(&'r Entry),
    /// Another path, not escaped, under which the same is found.
    Moved(String),
    /// Nothing.
    Missing,
}

/// What is shown for a path that leads to nothing.
#[derive(Debug)]
pub(super) enum Fallback<'r> {
    /// This file with status 404.
    NotFound(&'r Entry),
    /// This file with status 200.
    Page(&'r Entry),
    /// The server's own words.
    None,
}

impl Release {
    /// Loads the manifest of a release.
    pub(super) fn load(
        layout: &Layout,
        project: &str,
        release: &ReleaseId,
    ) -> Result<Self, ServeError> {
        let path = layout.manifest(project, release);
        let bytes = fs::read(&path).map_err(ServeError::io("read", &path))?;
        if ReleaseId::of(&bytes) != *release {
            let what = format!("its digest begins with {}", ReleaseId::of(&bytes));
            return Err(ServeError::Altered { path, what });
        }
        let manifest = parse_manifest(&path, &bytes)?;
        let name = format!("{project}/{release}");
        Ok(Self::of(manifest, layout.files(project, release), &name))
    }

    /// A manifest ready to be served; `name` tells this release from every other.
    fn of(manifest: Manifest, folder: PathBuf, name: &str) -> Self {
        let served = |path: &&String| !NOT_SERVED.contains(&path.as_str());
        let paths = manifest.files.keys().filter(served);
        let entry = |path: &String| {
            let entry = Entry::of(&manifest.files, path, name)?;
            Some((path.as_str().into(), entry))
        };
        Self {
            folder,
            headers: Headers::compile(&manifest.headers),
            redirects: Redirects::compile(&manifest.redirects),
            files: paths.filter_map(entry).collect(),
            error_document: manifest.error_document,
            single_page_fallback: manifest.single_page_fallback,
        }
    }

    /// The file at a path that begins with `/`.
    fn file(&self, path: &str) -> Option<&Entry> {
        self.files.get(path.strip_prefix('/')?)
    }

    /// What a path (decoded, beginning with `/`) leads to, by the rules of Cloudflare Pages.
    pub(super) fn resolve(&self, path: &str) -> Resolution<'_> {
        if let Some(folder) = path.strip_suffix('/') {
            return self.resolve_folder(path, folder);
        }
        if let Some(entry) = self.file(path) {
            return match self.without_extension(path) {
                Some(shorter) => Resolution::Moved(shorter.to_owned()),
                None => Resolution::File(entry),
            };
        }
        if path.ends_with("/index") {
            return Resolution::Moved(path.trim_end_matches("index").to_owned());
        }
        if let Some(entry) = self.file(&format!("{path}.html")) {
            return Resolution::File(entry);
        }
        match self.file(&format!("{path}/index.html")) {
            Some(_) => Resolution::Moved(format!("{path}/")),
            None => Resolution::Missing,
        }
    }

    /// What `folder/` leads to.
    fn resolve_folder(&self, path: &str, folder: &str) -> Resolution<'_> {
        if let Some(entry) = self.file(&format!("{path}index.html")) {
            return Resolution::File(entry);
        }
        if let Some(parent) = path
            .strip_suffix("index/")
            .filter(|rest| rest.ends_with('/'))
        {
            return Resolution::Moved(parent.to_owned());
        }
        match self.file(&format!("{folder}.html")) {
            Some(_) => Resolution::Moved(folder.to_owned()),
            None => Resolution::Missing,
        }
    }

    /// The path under which an HTML file is to be found instead, if there is one.
    fn without_extension<'p>(&self, path: &'p str) -> Option<&'p str> {
        let stem = path.strip_suffix(".html")?;
        if stem.ends_with("/index") {
            return stem.strip_suffix("index");
        }
        (stem != "/" && self.file(stem).is_none()).then_some(stem)
    }

    /// What is shown for a path that leads to nothing: the nearest `404.html` of its folders, the
    /// site's error document, or its one page.
    pub(super) fn fallback(&self, path: &str) -> Fallback<'_> {
        let mut folder = path;
        while let Some(at) = folder.rfind('/') {
            folder = &folder[..at];
            if let Some(entry) = self.file(&format!("{folder}/404.html")) {
                return Fallback::NotFound(entry);
            }
        }
        let error_document = self.error_document.as_deref();
        if let Some(entry) = error_document.and_then(|path| self.files.get(path)) {
            return Fallback::NotFound(entry);
        }
        let index = self
            .files
            .get("index.html")
            .filter(|_| self.single_page_fallback);
        index.map_or(Fallback::None, Fallback::Page)
    }
}

fn parse_manifest(path: &Path, bytes: &[u8]) -> Result<Manifest, ServeError> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|source| ServeError::Form {
        path: path.to_owned(),
        source,
    })?;
    match manifest.v {
        FORMAT => Ok(manifest),
        found => Err(ServeError::Revision {
            path: path.to_owned(),
            found,
        }),
    }
}

impl Entry {
    /// The entry of a path; `None` if its media type cannot stand in a header.
    fn of(
        files: &std::collections::BTreeMap<String, File>,
        path: &str,
        release: &str,
    ) -> Option<Self> {
        let file = files.get(path)?;
        let digits = file.digest.to_string();
        let tag = digits.get(..TAG_DIGITS)?;
        let plain = Form {
            path: path.into(),
            etag: HeaderValue::try_from(format!("\"{tag}\"")).ok()?,
            key: file.digest,
            known: Some(Known::of(file)),
        };
        let form = |(coding, path): (&String, &String)| {
            let known = files.get(path).map(Known::of);
            let own_key = || Digest::of(format!("{release}/{path}").as_bytes());
            let form = Form {
                path: path.as_str().into(),
                etag: HeaderValue::try_from(format!("\"{tag}-{coding}\"")).ok()?,
                key: known.map_or_else(own_key, |known| known.digest),
                known,
            };
            Some((HeaderValue::try_from(coding).ok()?, form))
        };
        let mut encoded: Vec<_> = file.encodings.iter().filter_map(form).collect();
        encoded.sort_by_key(|(coding, _)| {
            PREFERRED
                .iter()
                .position(|name| coding == name)
                .unwrap_or(PREFERRED.len())
        });
        Some(Self {
            content_type: HeaderValue::try_from(&file.content_type).ok()?,
            plain,
            encoded,
        })
    }
}

impl Known {
    fn of(file: &File) -> Self {
        Self {
            size: file.size,
            digest: file.digest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(paths: &[&str], error_document: Option<&str>, single_page: bool) -> Release {
        let file = |path: &&str| {
            let file = File {
                size: 0,
                digest: Digest::of(path.as_bytes()),
                content_type: "text/html".into(),
                encodings: [("gzip", "x.gz"), ("br", "x.br"), ("zz", "x.zz")]
                    .map(|(coding, path)| (coding.into(), path.into()))
                    .into(),
            };
            ((*path).to_owned(), file)
        };
        let manifest = Manifest {
            v: FORMAT,
            files: paths.iter().map(file).collect(),
            headers: vec![],
            redirects: vec![],
            error_document: error_document.map(Into::into),
            single_page_fallback: single_page,
        };
        Release::of(manifest, "/nowhere".into(), "p/r")
    }

    #[test]
    fn paths_lead_where_they_lead_on_cloudflare_pages() {
        let release = release(
            &[
                "index.html",
                "about.html",
                "blog/index.html",
                "both.html",
                "both/index.html",
                "twin",
                "twin.html",
                "style.css",
                "a/index/index.html",
                "b/index.html",
                ".html",
                "_headers",
                "sub/_headers",
            ],
            None,
            false,
        );
        for (path, expected) in [
            ("/", "index.html"),
            ("/index.html", "-> /"),
            ("/index", "-> /"),
            ("/index/", "-> /"),
            ("/about", "about.html"),
            ("/about.html", "-> /about"),
            ("/about/", "-> /about"),
            ("/blog", "-> /blog/"),
            ("/blog/", "blog/index.html"),
            ("/blog/index.html", "-> /blog/"),
            ("/both", "both.html"),
            ("/both/", "both/index.html"),
            ("/twin", "twin"),
            ("/twin.html", "twin.html"),
            ("/style.css", "style.css"),
            ("/style.css/", "none"),
            ("/a/index/", "a/index/index.html"),
            ("/b/index/", "-> /b/"),
            ("/.html", ".html"),
            ("/_headers", "none"),
            ("/sub/_headers", "sub/_headers"),
            ("/absent", "none"),
            ("/absent/", "none"),
        ] {
            let found = match release.resolve(path) {
                Resolution::File(entry) => entry.plain.path.to_string(),
                Resolution::Moved(path) => format!("-> {path}"),
                Resolution::Missing => "none".to_owned(),
            };
            assert_eq!(found, expected, "{path}");
        }
    }

    fn fallback(release: &Release, path: &str) -> String {
        match release.fallback(path) {
            Fallback::NotFound(entry) => format!("404 {}", entry.plain.path),
            Fallback::Page(entry) => format!("200 {}", entry.plain.path),
            Fallback::None => "none".to_owned(),
        }
    }

    #[test]
    fn the_nearest_page_answers_for_what_is_missing() {
        let files = ["404.html", "a/b/404.html", "index.html", "sorry.html"];
        let all = release(&files, Some("sorry.html"), true);
        assert_eq!(fallback(&all, "/a/b/c/d"), "404 a/b/404.html");
        assert_eq!(fallback(&all, "/a/b"), "404 404.html");
        assert_eq!(
            fallback(&release(&files[2..], Some("sorry.html"), true), "/x"),
            "404 sorry.html"
        );
        assert_eq!(
            fallback(&release(&files[2..], Some("no.html"), true), "/x"),
            "200 index.html"
        );
        assert_eq!(fallback(&release(&files[2..], None, false), "/x"), "none");
    }

    #[test]
    fn encoded_forms_have_tags_and_an_order_of_their_own() {
        let release = release(&["a"], None, false);
        let entry = release.file("/a").unwrap();
        let shown: Vec<_> = entry
            .encoded
            .iter()
            .map(|(coding, form)| {
                let tag = form.etag.to_str().unwrap();
                (
                    coding.to_str().unwrap(),
                    &form.path[..],
                    tag.len(),
                    tag.rsplit('-').next().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("br", "x.br", 37, "br\""),
                ("gzip", "x.gz", 39, "gzip\""),
                ("zz", "x.zz", 37, "zz\""),
            ]
        );
        assert_eq!(entry.plain.etag.len(), TAG_DIGITS + 2);
    }
}
