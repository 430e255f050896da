//! What each call does.

use super::room::{Place, Room, WATCHES, Watching};
use super::write;
use crate::edge::socket::Peer;
use crate::model::{Line, Parse, SiteId};
use crate::reconcile::{Control, Event, Gone, SiteOrder, Which};
use crate::report::{Outcome, Report};
use crate::schema::daemon_capnp::{site_order, spore, watcher};
use crate::schema::spore_capnp::spore_config;
use crate::stream::{Access, Spore};
use std::rc::Rc;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// What one connection may call.
pub(super) struct Calls {
    control: Control,
    room: Rc<Room>,
    peer: Peer,
    access: Access,
    stop: watch::Receiver<bool>,
}

impl Calls {
    pub(super) fn new(
        control: Control,
        room: Rc<Room>,
        peer: Peer,
        access: Access,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            control,
            room,
            peer,
            access,
            stop,
        }
    }

    fn enter(&self) -> Place {
        self.room.enter()
    }

    fn allows(&self, site: &SiteId) -> bool {
        self.access.allows(self.peer, site)
    }

    /// The message of a call. One whose sender may not change the site is refused.
    fn message(&self, config: spore_config::Reader<'_>) -> Spore {
        let mut spore = Spore::of(0, config);
        let refusal = spore
            .site
            .as_ref()
            .and_then(|site| self.access.refusal(self.peer, site));
        if let Some(refusal) = refusal {
            spore.refuse(refusal);
        }
        spore
    }

    /// Whether somebody who watches this site, or all, is told of an event.
    fn concerns(&self, event: &Event, only: Option<&SiteId>) -> bool {
        match (&event.site, only) {
            (Some(site), Some(only)) => site == only,
            (None, Some(_)) => false,
            (Some(site), None) => self.allows(site),
            (None, None) => true,
        }
    }

    fn watching(&self) -> capnp::Result<Watching> {
        let many = || format!("this connection watches {WATCHES} times already");
        let watching = self.room.watch();
        watching.ok_or_else(|| capnp::Error::overloaded(many()))
    }

    /// Tells what happens, one event after another.
    async fn tell(&self, only: Option<&SiteId>, watcher: &watcher::Client) -> capnp::Result<()> {
        let mut events = self.control.watch();
        loop {
            let mut request = watcher.event_request();
            let to = request.get().init_event();
            match events.recv().await {
                Ok(event) if self.concerns(&event, only) => write::event(to, &event),
                Ok(_) => continue,
                Err(RecvError::Lagged(missed)) => write::missed(to, missed),
                Err(RecvError::Closed) => return Ok(()),
            }
            request.send().promise.await?;
        }
    }
}

impl spore::Server for Calls {
    async fn apply(
        self: Rc<Self>,
        params: spore::ApplyParams,
        mut results: spore::ApplyResults,
    ) -> capnp::Result<()> {
        let _place = self.enter();
        let spore = self.message(params.get()?.get_config()?);
        // What was sent is not needed any more while it is carried out.
        drop(params);
        let report = self.control.apply(spore).await.map_err(gone)?;
        crate::sink::fill(results.get().init_report(), &report);
        Ok(())
    }

    async fn plan(
        self: Rc<Self>,
        params: spore::PlanParams,
        mut results: spore::PlanResults,
    ) -> capnp::Result<()> {
        let _place = self.enter();
        let spore = self.message(params.get()?.get_config()?);
        drop(params);
        let report = self.control.plan(spore).await.map_err(gone)?;
        crate::sink::fill(results.get().init_report(), &report);
        Ok(())
    }

    async fn status(
        self: Rc<Self>,
        params: spore::StatusParams,
        mut results: spore::StatusResults,
    ) -> capnp::Result<()> {
        let _place = self.enter();
        let which = match wanted(params.get()?.get_site()?)? {
            Some(site) => Which::One(site),
            None => Which::All,
        };
        let mut snapshot = self.control.snapshot(which).await.map_err(gone)?;
        snapshot.sites.retain(|view| self.allows(&view.site));
        write::status(results.get().init_status(), &snapshot);
        Ok(())
    }

    async fn watch(
        self: Rc<Self>,
        params: spore::WatchParams,
        _results: spore::WatchResults,
    ) -> capnp::Result<()> {
        let _watching = self.watching()?;
        let asked = params.get()?;
        let only = wanted(asked.get_site()?)?;
        if let Some(refusal) = only
            .as_ref()
            .and_then(|site| self.access.refusal(self.peer, site))
        {
            return Err(capnp::Error::failed(refusal.to_string()));
        }
        let watcher = asked.get_watcher()?;
        drop(params);
        let mut stop = self.stop.clone();
        tokio::select! {
            told = self.tell(only.as_ref(), &watcher) => told,
            _ = stop.wait_for(|stop| *stop) => Ok(()),
        }
    }

    async fn order(
        self: Rc<Self>,
        params: spore::OrderParams,
        mut results: spore::OrderResults,
    ) -> capnp::Result<()> {
        let _place = self.enter();
        let asked = params.get()?;
        let site = wanted(asked.get_site()?)?
            .ok_or_else(|| capnp::Error::failed("an order names its site".into()))?;
        let order = order(asked.get_order()?)?;
        drop(params);
        let report = match self.access.refusal(self.peer, &site) {
            Some(refusal) => {
                let mut report = Report::about(0, Some(site), Line::default());
                report.outcome = Outcome::Refused;
                report.faults.push(refusal);
                report
            }
            None => self.control.site(site, order).await.map_err(gone)?,
        };
        crate::sink::fill(results.get().init_report(), &report);
        Ok(())
    }
}

/// The site that is named; `None` for an empty name.
fn wanted(name: capnp::text::Reader<'_>) -> capnp::Result<Option<SiteId>> {
    let name = name.to_str()?;
    if name.is_empty() {
        return Ok(None);
    }
    let site = SiteId::parse(name);
    let wrong = |defect: crate::model::Defect| format!("site {name:?}: {}", defect.message);
    site.map(Some)
        .map_err(|defect| capnp::Error::failed(wrong(defect)))
}

fn order(order: site_order::Reader<'_>) -> capnp::Result<SiteOrder> {
    use site_order::Which as Asked;
    let unknown = |_| capnp::Error::unimplemented("this daemon does not know the order".into());
    Ok(match order.which().map_err(unknown)? {
        Asked::Refresh(()) => SiteOrder::Refresh,
        Asked::Rollback(release) => {
            let release = release?.to_str()?;
            SiteOrder::Rollback((!release.is_empty()).then(|| release.to_owned()))
        }
        Asked::Protect(()) => SiteOrder::Protect(true),
        Asked::Unprotect(()) => SiteOrder::Protect(false),
        Asked::Pause(()) => SiteOrder::Suspend,
        Asked::Resume(()) => SiteOrder::Resume,
        Asked::Forget(()) => SiteOrder::Forget,
        Asked::TakeOver(()) => SiteOrder::TakeOver,
    })
}

/// What a call is told that the daemon did not answer.
fn gone(_: Gone) -> capnp::Error {
    let message = "the daemon ends; what it accepted is carried out by the next one";
    capnp::Error::disconnected(message.into())
}
