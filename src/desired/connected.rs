//! Repositories that the provider builds from by itself.

use super::{Connected, fault};
use crate::model::{
    Build, CfFramework, Fault, HostingSettings, OutputDir, PagesRelease, RepoPlace, SporeConfig,
};

/// What a framework's preset gives: the command and the directory its build leaves its files in
/// (developers.cloudflare.com/pages/configuration/build-configuration).
pub(crate) const fn preset(framework: CfFramework) -> Option<(&'static str, &'static str)> {
    match framework {
        CfFramework::None => None,
        CfFramework::Hugo => Some(("hugo", "public")),
        CfFramework::Next => Some(("npx next build", "out")),
        CfFramework::Astro | CfFramework::Nuxt => Some(("npm run build", "dist")),
    }
}

/// Whether the message leaves the build to the provider.
pub(super) fn wanted(config: &SporeConfig) -> bool {
    match &config.hosting.settings {
        HostingSettings::CloudflarePages(pages) => pages.release == PagesRelease::GitIntegration,
        HostingSettings::LocalStatic(_)
        | HostingSettings::S3Static(_)
        | HostingSettings::CriomosHost(_) => false,
    }
}

/// The repository of a message that leaves the build to the provider.
pub(super) fn repository(config: &SporeConfig, faults: &mut Vec<Fault>) -> Option<Connected> {
    if !wanted(config) {
        return None;
    }
    let Some(repo) = &config.repo else {
        let message = "is required by hosting.cloudflarePages.release = gitIntegration";
        fault(faults, "missing", "repo", message, None);
        return None;
    };
    let (service, slug) = match &repo.place {
        RepoPlace::Github(slug) => ("github", slug.clone()),
        RepoPlace::Gitlab(slug) => ("gitlab", slug.clone()),
        RepoPlace::Git(_) | RepoPlace::Directory(_) | RepoPlace::None => {
            let message = "Cloudflare builds from github and gitlab only";
            let hint = "leave hosting.cloudflarePages.release out to build here and upload";
            fault(
                faults,
                "field-conflict",
                "repo.provider",
                message,
                Some(hint),
            );
            return None;
        }
    };
    let build = config.build.as_ref();
    let preset = build.and_then(|build| preset(build.framework));
    let root = repo.subdirectory.as_ref();
    Some(Connected {
        service,
        slug,
        command: build
            .and_then(|build| command(build, faults))
            .or_else(|| preset.map(|(command, _)| command.into())),
        output: build
            .and_then(|build| output(build, faults))
            .or_else(|| preset.map(|(_, output)| output.into())),
        root: root.map(ToString::to_string).unwrap_or_default(),
    })
}

/// The build command as one shell line, which is what the provider takes.
fn command(build: &Build, faults: &mut Vec<Fault>) -> Option<String> {
    match (&build.command[..], build.shell) {
        ([], _) => None,
        ([line], true) => Some(line.as_str().into()),
        (words, true) => {
            let message = format!("shell takes one word, not {}", words.len());
            fault(faults, "field-conflict", "build.command", message, None);
            None
        }
        (words, false) => {
            let words: Vec<String> = words.iter().map(|word| quoted(word.as_str())).collect();
            Some(words.join(" "))
        }
    }
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn output(build: &Build, faults: &mut Vec<Fault>) -> Option<String> {
    match build.output.as_ref()? {
        OutputDir::Relative(path) => Some(path.to_string()),
        OutputDir::Absolute(_) => {
            let message = "is absolute, but the provider builds in a place of its own";
            fault(faults, "path-syntax", "build.outputDir", message, None);
            None
        }
    }
}
