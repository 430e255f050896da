//! `build` and `logs`: makes the files of a site without publishing them; what builds wrote.

use super::args::{Build, Global, Logs};
use super::exit::{Exit, Failure};
use super::{input, render, setup, sites};
use crate::artifact::{Artifact, Body};
use crate::build::{self, Builds, Listener};
use crate::desired::{DesiredSite, Recipe};
use crate::hosting::Backends;
use crate::model::{CachePolicy, SporeConfig};
use crate::settings::Settings;
use crate::store::Store;
use crate::stream::{Frames, Spore};
use crate::words;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(global: &Global, args: &Build) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let quiet = args.quiet;
    let listener: Listener = Arc::new(move |_, line| {
        if !quiet {
            render::note(line);
        }
    });
    let builds = setup::builds(&settings, Some(listener));
    let mut exit = Exit::Converged;
    for config in configs(&settings, args)? {
        let desired = DesiredSite::from_config(&config).map_err(|faults| {
            let first = faults.into_vec().into_iter().next();
            let told = first.map(|fault| fault.to_string()).unwrap_or_default();
            Failure::usage(
                format!("the message for {} is invalid: {told}", config.site.id),
                "`mycelia-spore validate` lists all that is wrong",
            )
        })?;
        if !one(&builds, &desired, args)? {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

/// The configurations whose sites are to be built.
fn configs(settings: &Settings, args: &Build) -> Result<Vec<Arc<SporeConfig>>, Failure> {
    let Some(path) = &args.input else {
        let Some(site) = &args.site else {
            return Err(Failure::usage(
                "which site is to be built?",
                "name a site that was published here, or give --input FILE",
            ));
        };
        let store = Store::open_readonly(&settings.state_dir)?;
        let kept = store.message(site)?.and_then(|body| Spore::kept(&body));
        return kept
            .map(|config| vec![Arc::new(config)])
            .ok_or_else(|| sites::unknown(site));
    };
    let mut configs = Vec::new();
    for frame in Frames::new(input::open(Some(path))?) {
        let spore = Spore::decode(&frame?);
        let config = spore.config.map_err(|faults| {
            let first = faults.into_vec().into_iter().next();
            let told = first.map(|fault| fault.to_string()).unwrap_or_default();
            Failure::usage(
                format!("message {} is invalid: {told}", spore.seq),
                "`mycelia-spore validate` lists all that is wrong",
            )
        })?;
        if args
            .site
            .as_ref()
            .is_none_or(|site| *site == config.site.id)
        {
            configs.push(config);
        }
    }
    Ok(configs)
}

/// Builds one site and tells what was made; whether it was made, and when asked for made the same twice.
fn one(builds: &Builds, desired: &DesiredSite, args: &Build) -> Result<bool, Failure> {
    let Some(recipe) = &desired.recipe else {
        render::note(&format!("{} is to be absent: nothing to build", desired.id));
        return Ok(true);
    };
    let made = make(builds, desired, &with(recipe, args.rebuild))?;
    if args.verify {
        let again = make(builds, desired, &with(recipe, true))?;
        let changed = differing(&made, &again);
        if !changed.is_empty() {
            let (count, site) = (words::count(changed.len(), "file"), &desired.id);
            render::note(&format!("{site} is not reproducible: {count} differ"));
            for path in changed {
                render::note(&format!("  {path}"));
            }
            return Ok(false);
        }
    }
    if let Some(folder) = &args.into {
        write(&made, folder).map_err(Failure::io(format!(
            "{} cannot be written",
            folder.display()
        )))?;
    }
    tell(&made, desired, args)?;
    Ok(true)
}

fn make(builds: &Builds, desired: &DesiredSite, recipe: &Recipe) -> Result<Artifact, Failure> {
    let names = Backends::names(desired.hosting.provider());
    let prepared = builds.prepare(&desired.id, recipe, names, jiff::Timestamp::now());
    let built = prepared.and_then(build::Prepared::build);
    built.map(|built| built.artifact).map_err(Failure::Edge)
}

/// The recipe, made not to use an earlier build.
fn with(recipe: &Recipe, rebuild: bool) -> Recipe {
    let mut recipe = recipe.clone();
    if let (Recipe::Source(source), true) = (&mut recipe, rebuild) {
        source.build.cache_policy = CachePolicy::Rebuild;
    }
    recipe
}

/// The paths whose files are not the same.
fn differing<'a>(one: &'a Artifact, two: &'a Artifact) -> Vec<&'a str> {
    let mut paths: Vec<&str> = one
        .files()
        .keys()
        .chain(two.files().keys())
        .map(|it| &**it)
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths.retain(|path| one.files().get(*path) != two.files().get(*path));
    paths
}

/// Writes the files to a folder that is new or empty.
fn write(made: &Artifact, folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    if fs::read_dir(folder)?.next().is_some() {
        return Err(std::io::ErrorKind::DirectoryNotEmpty.into());
    }
    for path in made.files().keys() {
        let target = folder.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        match made.body() {
            // Not a copy of the file's permissions: what is kept is read-only.
            Body::Directory(root) => fs::write(target, fs::read(root.join(path))?)?,
            Body::Memory(files) => {
                fs::write(target, files.get(path).map_or(&[][..], Vec::as_slice))?;
            }
        }
    }
    Ok(())
}

fn tell(made: &Artifact, desired: &DesiredSite, args: &Build) -> Result<(), Failure> {
    let (files, bytes) = (made.files().len(), made.size());
    let (site, digest) = (&desired.id, made.digest());
    let line = if render::json(args.output) {
        let folder = match made.body() {
            Body::Directory(folder) => Some(folder.display().to_string()),
            Body::Memory(_) => None,
        };
        let value = json!({
            "v": 1,
            "site": site.as_str(),
            "artifact": digest.to_string(),
            "files": files,
            "bytes": bytes,
            "folder": folder,
        });
        format!("{value}\n")
    } else {
        let told = format!("{}, {}", words::count(files, "file"), words::bytes(bytes));
        let digest = digest.to_string();
        format!("{site}  {told}  {}\n", &digest[..16])
    };
    render::answer(line.as_bytes())
}

pub(super) fn logs(global: &Global, args: &Logs) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let logs = build::Logs::new(&settings.builds.folder);
    let listed = logs
        .of(&args.site)
        .map_err(Failure::io("the logs cannot be listed"))?;
    if listed.is_empty() {
        return Err(Failure::usage(
            format!("there is no log of a build of {}", args.site),
            "a site whose files lie ready is not built; is it the right --state-dir?",
        ));
    }
    if args.list {
        let paths: Vec<_> = listed
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let paths = paths.join("\n") + "\n";
        render::answer(paths.as_bytes())?;
        return Ok(Exit::Converged);
    }
    let Some(path) = listed.get(args.back) else {
        let count = words::count(listed.len(), "log");
        return Err(Failure::usage(
            format!(
                "there is no log so far back: {count} of {} are kept",
                args.site
            ),
            "--list shows them",
        ));
    };
    let text = fs::read(path).map_err(Failure::io(format!("{} cannot be read", path.display())))?;
    // Programs colour what they write; who reads it from a pipe wants the text alone.
    if render::color(global) {
        render::answer(&text)?;
    } else {
        let text = String::from_utf8_lossy(&text);
        render::answer(anstream::adapter::strip_str(&text).to_string().as_bytes())?;
    }
    Ok(Exit::Converged)
}
