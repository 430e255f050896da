//! `demo`: example sites through the real path, bytes and all.

use super::args::{Demo, Global};
use super::exit::{Exit, Failure};
use super::feed::Feed;
use super::run::{Work, exit, stream_in};
use super::{render, setup};
use crate::authoring::{self, Format};
use crate::reconcile::Mode;
use crate::sink::{Form, Style};
use crate::store::Store;
use std::fs;
use std::io::Cursor;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{self, Path};
use tempfile::TempDir;

/// The example messages.
const MESSAGES: [(&str, &str); 3] = [
    ("links.yaml", include_str!("../../examples/links.yaml")),
    ("blog.yaml", include_str!("../../examples/blog.yaml")),
    ("docs.yaml", include_str!("../../examples/docs.yaml")),
];

/// Where the example messages say that their sources lie.
const SOURCES: &str = "/srv/src";

/// The files of the example sites that are not rendered from their message.
const FILES: [(&str, &str); 7] = [
    (
        "blog/index.html",
        include_str!("../../examples/sites/blog/index.html"),
    ),
    (
        "blog/style.css",
        include_str!("../../examples/sites/blog/style.css"),
    ),
    (
        "blog/404.html",
        include_str!("../../examples/sites/blog/404.html"),
    ),
    (
        "blog/2026/first-chanterelles.html",
        include_str!("../../examples/sites/blog/2026/first-chanterelles.html"),
    ),
    (
        "docs/index.html",
        include_str!("../../examples/sites/docs/index.html"),
    ),
    (
        "docs/style.css",
        include_str!("../../examples/sites/docs/style.css"),
    ),
    (
        "docs/install.html",
        include_str!("../../examples/sites/docs/install.html"),
    ),
];

pub(super) fn run(global: &Global, args: &Demo) -> Result<Exit, Failure> {
    // Removed when the demo ends, unless the caller named a place.
    let temporary = TempDir::with_prefix("mycelia-spore-demo-")
        .map_err(Failure::io("no temporary directory"))?;
    let folder = match &args.dir {
        Some(folder) => path::absolute(folder).map_err(Failure::io("no current directory"))?,
        None => temporary.path().to_path_buf(),
    };
    let sources = folder.join("sources");
    write_sources(&sources)?;
    let stream = messages(&folder, &sources)?;
    render::note(&format!(
        "{} messages, {} bytes of packed Cap'n Proto",
        MESSAGES.len(),
        stream.len()
    ));
    let mut global = global.clone();
    global.state_dir = Some(folder.join("state"));
    global.source_root.push(sources);
    let settings = setup::settings(&global, None)?;
    let store = Store::open(&settings.state_dir)?;
    let work = Work {
        form: Form::Text(Style {
            color: render::color(&global),
        }),
        serve: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, args.port))),
        only: None,
        mode: Mode::Apply,
        life: None,
    };
    let feed = Feed::Stream(Box::new(Cursor::new(stream)));
    setup::runtime()?.block_on(async {
        let (summary, server) = stream_in(&settings, store, feed, work).await?;
        if let Some(server) = server {
            if args.once || summary.stopped {
                server.stop().await;
            } else {
                render::note("open these addresses in a browser; Ctrl-C ends the demo");
                server.until_signal().await;
            }
        }
        Ok(exit(&summary, false))
    })
}

fn write_sources(sources: &Path) -> Result<(), Failure> {
    for (name, text) in FILES {
        let path = sources.join(name);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text))
            .map_err(Failure::io(format!("{} cannot be written", path.display())))?;
    }
    Ok(())
}

/// The example messages as one packed stream, pointing to where the sources really lie.
fn messages(folder: &Path, sources: &Path) -> Result<Vec<u8>, Failure> {
    let mut stream = Vec::new();
    for (name, text) in MESSAGES {
        let path = folder.join(name);
        let text = text.replace(SOURCES, &sources.display().to_string());
        fs::write(&path, text)
            .map_err(Failure::io(format!("{} cannot be written", path.display())))?;
        for message in authoring::encode_file(&path.display().to_string(), Some(Format::Yaml))? {
            stream.extend(message.packed);
        }
    }
    Ok(stream)
}
