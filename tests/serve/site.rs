//! Writes releases and pointers in their form on disk.

use mycelia_spore::release::{
    Digest, FORMAT, File, HeaderRule, Layout, Live, Manifest, RedirectRule, ReleaseId,
};
use mycelia_spore::site_rules::{parse_headers, parse_redirects};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A release and its pointer in the making.
pub(crate) struct Site {
    project: String,
    primary: String,
    aliases: Vec<String>,
    redirect_aliases: bool,
    contents: BTreeMap<String, Vec<u8>>,
    types: BTreeMap<String, String>,
    encodings: BTreeMap<String, BTreeMap<String, String>>,
    unlisted: BTreeMap<String, Vec<u8>>,
    headers: Vec<HeaderRule>,
    redirects: Vec<RedirectRule>,
    error_document: Option<String>,
    single_page: bool,
}

impl Site {
    /// A site without files.
    pub(crate) fn new(project: &str, primary: &str) -> Self {
        Self {
            project: project.into(),
            primary: primary.into(),
            aliases: vec![],
            redirect_aliases: false,
            contents: BTreeMap::new(),
            types: BTreeMap::new(),
            encodings: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            headers: vec![],
            redirects: vec![],
            error_document: None,
            single_page: false,
        }
    }

    pub(crate) fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.contents.insert(path.into(), content.as_ref().to_vec());
        let html = Path::new(path)
            .extension()
            .is_some_and(|extension| extension == "html");
        let kind = if html {
            "text/html; charset=utf-8"
        } else {
            "text/plain"
        };
        self.types.insert(path.into(), kind.into());
        self
    }

    /// An encoded form of a file, listed as a file or not.
    pub(crate) fn encoded(mut self, path: &str, coding: &str, content: &str, list: bool) -> Self {
        let own = format!("{path}.{coding}");
        let codings = self.encodings.entry(path.into()).or_default();
        codings.insert(coding.into(), own.clone());
        if list {
            return self.file(&own, content);
        }
        self.unlisted.insert(own, content.as_bytes().to_vec());
        self
    }

    pub(crate) fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.into());
        self
    }

    pub(crate) fn redirect_aliases(mut self) -> Self {
        self.redirect_aliases = true;
        self
    }

    pub(crate) fn rules(mut self, headers: &str, redirects: &str) -> Self {
        let (headers, no_warnings) = parse_headers(headers);
        assert_eq!(no_warnings, []);
        let (redirects, no_warnings) = parse_redirects(redirects);
        assert_eq!(no_warnings, []);
        (self.headers, self.redirects) = (headers, redirects);
        self
    }

    pub(crate) fn error_document(mut self, path: &str) -> Self {
        self.error_document = Some(path.into());
        self
    }

    pub(crate) fn single_page(mut self) -> Self {
        self.single_page = true;
        self
    }

    fn manifest(&self) -> Manifest {
        let file = |(path, content): (&String, &Vec<u8>)| {
            let file = File {
                size: content.len() as u64,
                digest: Digest::of(content),
                content_type: self.types[path].clone(),
                encodings: self.encodings.get(path).cloned().unwrap_or_default(),
            };
            (path.clone(), file)
        };
        Manifest {
            v: FORMAT,
            files: self.contents.iter().map(file).collect(),
            headers: self.headers.clone(),
            redirects: self.redirects.clone(),
            error_document: self.error_document.clone(),
            single_page_fallback: self.single_page,
        }
    }

    /// Writes the release.
    pub(crate) fn write(&self, layout: &Layout) -> Release {
        let manifest = serde_json::to_vec(&self.manifest()).unwrap();
        let release = ReleaseId::of(&manifest);
        let files = layout.files(&self.project, &release);
        for (path, content) in self.contents.iter().chain(&self.unlisted) {
            let path = files.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        fs::write(layout.manifest(&self.project, &release), manifest).unwrap();
        let live = Live {
            artifact: None,
            rules: None,
            v: FORMAT,
            site: self.project.clone(),
            release,
            primary: self.primary.clone(),
            aliases: self.aliases.clone(),
            redirect_aliases: self.redirect_aliases,
            previous: vec![],
        };
        Release {
            project: self.project.clone(),
            live,
        }
    }

    /// Writes the release and makes it live.
    pub(crate) fn publish(&self, layout: &Layout) -> Release {
        let release = self.write(layout);
        release.switch(layout);
        release
    }
}

/// A release that was written.
pub(crate) struct Release {
    pub(crate) project: String,
    pub(crate) live: Live,
}

impl Release {
    /// Makes it live by one rename.
    pub(crate) fn switch(&self, layout: &Layout) {
        let pointer = layout.live(&self.project);
        fs::create_dir_all(layout.live_dir()).unwrap();
        let temporary = layout.live_dir().join(format!(".{}.tmp", self.project));
        fs::write(&temporary, serde_json::to_vec(&self.live).unwrap()).unwrap();
        fs::rename(temporary, pointer).unwrap();
    }

    /// Removes its files.
    pub(crate) fn remove(&self, layout: &Layout) {
        fs::remove_dir_all(layout.release(&self.project, &self.live.release)).unwrap();
    }
}
