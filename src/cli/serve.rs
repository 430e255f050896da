//! `serve`: serves the sites that LocalStatic published.

use super::args::{Global, Serve};
use super::exit::{Exit, Failure};
use super::server::Server;
use super::{render, setup};

pub(super) fn run(global: &Global, args: &Serve) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let local_static = setup::local_static(&settings.state_dir);
    setup::runtime()?.block_on(async {
        let server = Server::start(args.listen, &local_static).await?;
        render::note(&format!(
            "serving {} at http://{}",
            local_static.layout().root().display(),
            server.address()
        ));
        server.until_signal().await;
        Ok(Exit::Converged)
    })
}
