//! Configurations that were accepted: what each site is to be, whether or not it is so yet.

use super::StoreError;
use super::tables::time;
use crate::model::{Parse, SiteId};
use crate::release::Digest;
use crate::schedule::{DriftMode, Health};
use rusqlite::{Connection, Row, params};

/// A configuration that was accepted. A website has one at most, and one more for each of its previews that is
/// not carried out yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The site.
    pub site: SiteId,
    /// The branch of a preview; empty for the website itself.
    pub lane: String,
    /// The digest of its message.
    pub digest: Digest,
    /// The writer's counter; 0 when it keeps none.
    pub generation: u64,
    /// When it was accepted, in whole milliseconds.
    pub at: jiff::Timestamp,
    /// The accounts that are needed for it, by name.
    pub accounts: Vec<String>,
    /// What is done about differences; `None` for what the settings say.
    pub drift: Option<DriftMode>,
    /// Whether it still has to be carried out.
    pub unfinished: bool,
    /// Whether the operator told to leave the site as it is.
    pub suspended: bool,
    /// What people were last told about the site.
    pub health: Health,
}

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedMessage {
    /// The branch of a preview; empty for the website itself.
    pub lane: String,
    /// Whether it still has to be carried out.
    pub unfinished: bool,
    /// The message in canonical form.
    pub body: Vec<u8>,
}

/// The tables. The messages have one of their own, so that reading what is known of all sites does not read
/// through them.
pub(super) const TABLES: &str = "
CREATE TABLE accepted (
    site       TEXT NOT NULL,
    lane       TEXT NOT NULL,
    digest     BLOB NOT NULL,
    generation INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    accounts   TEXT NOT NULL,
    drift      TEXT NOT NULL,
    unfinished INTEGER NOT NULL,
    suspended  INTEGER NOT NULL,
    health     TEXT NOT NULL,
    PRIMARY KEY (site, lane)
) STRICT, WITHOUT ROWID;
CREATE TABLE accepted_message (
    site TEXT NOT NULL,
    lane TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (site, lane)
) STRICT;
";

/// What revision 3 takes over from a database without these tables: the message applied last was accepted, and
/// was carried out unless the site says otherwise.
pub(super) const TAKE_OVER: &str = "
INSERT INTO accepted
    SELECT id, '', config_digest, generation, applied_at, '[]', '', state = 'failed', 0, 'good'
    FROM site JOIN message ON message.site = site.id;
INSERT INTO accepted_message SELECT site, '', body FROM message;
";

/// Writes what was accepted, in the place of what was before. The operator's word and what people were told
/// outlive it.
pub(super) fn put(
    connection: &Connection,
    accepted: &Accepted,
    body: &[u8],
) -> rusqlite::Result<()> {
    let accounts = serde_json::to_string(&accepted.accounts)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection
        .prepare_cached(
            "INSERT INTO accepted VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
             ON CONFLICT (site, lane) DO UPDATE SET digest = ?3, generation = ?4, at = ?5, \
             accounts = ?6, drift = ?7, unfinished = ?8",
        )?
        .execute(params![
            accepted.site.as_str(),
            accepted.lane,
            accepted.digest.as_bytes(),
            accepted.generation.cast_signed(),
            accepted.at.as_millisecond(),
            accounts,
            accepted.drift.map_or("", drift_name),
            accepted.unfinished,
            accepted.suspended,
            accepted.health.name(),
        ])?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO accepted_message VALUES (?, ?, ?)")?
        .execute(params![accepted.site.as_str(), accepted.lane, body])?;
    Ok(())
}

/// Notes that what was accepted is carried out, unless something else was accepted since. Of a preview nothing
/// is left to be remembered.
pub(super) fn settle(
    connection: &Connection,
    site: &SiteId,
    lane: &str,
    digest: Digest,
) -> rusqlite::Result<()> {
    let key = params![site.as_str(), lane, digest.as_bytes()];
    if lane.is_empty() {
        connection
            .prepare_cached(
                "UPDATE accepted SET unfinished = 0 WHERE site = ? AND lane = ? AND digest = ?",
            )?
            .execute(key)?;
        return Ok(());
    }
    let gone = connection
        .prepare_cached("DELETE FROM accepted WHERE site = ? AND lane = ? AND digest = ?")?
        .execute(key)?;
    if gone > 0 {
        connection
            .prepare_cached("DELETE FROM accepted_message WHERE site = ? AND lane = ?")?
            .execute(params![site.as_str(), lane])?;
    }
    Ok(())
}

/// Notes what people were told.
pub(super) fn health(
    connection: &Connection,
    site: &SiteId,
    health: Health,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE accepted SET health = ?2 WHERE site = ?1 AND lane = ''")?
        .execute(params![site.as_str(), health.name()])?;
    Ok(())
}

/// Notes whether the operator wants the site left as it is.
pub(super) fn suspend(
    connection: &Connection,
    site: &SiteId,
    suspended: bool,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE accepted SET suspended = ?2 WHERE site = ?1 AND lane = ''")?
        .execute(params![site.as_str(), suspended])?;
    Ok(())
}

/// All that was accepted, by site.
pub(super) fn all(connection: &Connection) -> Result<Vec<Accepted>, StoreError> {
    let mut statement = connection.prepare("SELECT * FROM accepted ORDER BY site, lane")?;
    let mut rows = statement.query(())?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(accepted(row)?);
    }
    Ok(all)
}

/// The messages accepted for a site, its own first.
pub(super) fn messages(
    connection: &Connection,
    site: &SiteId,
) -> Result<Vec<AcceptedMessage>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT lane, unfinished, body FROM accepted JOIN accepted_message USING (site, lane) \
         WHERE site = ? ORDER BY lane",
    )?;
    let mut rows = statement.query([site.as_str()])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(AcceptedMessage {
            lane: row.get(0)?,
            unfinished: row.get(1)?,
            body: row.get(2)?,
        });
    }
    Ok(messages)
}

fn accepted(row: &Row<'_>) -> Result<Accepted, StoreError> {
    let name: String = row.get(0)?;
    let bad = |what: &str| StoreError::Row {
        site: name.clone(),
        what: format!("accepted column {what} is damaged, or of a newer version"),
    };
    let digest: [u8; 32] = row.get(2).map_err(|_| bad("digest"))?;
    let accounts: String = row.get(5)?;
    let drift: String = row.get(6)?;
    let health: String = row.get(9)?;
    Ok(Accepted {
        site: SiteId::parse(&name).map_err(|_| bad("site"))?,
        lane: row.get(1)?,
        digest: digest.into(),
        generation: row.get::<_, i64>(3)?.cast_unsigned(),
        at: time(row.get(4)?).ok_or_else(|| bad("at"))?,
        accounts: serde_json::from_str(&accounts).map_err(|_| bad("accounts"))?,
        drift: match drift.as_str() {
            "" => None,
            name => Some(drift_of(name).ok_or_else(|| bad("drift"))?),
        },
        unfinished: row.get(7)?,
        suspended: row.get(8)?,
        health: health_of(&health).ok_or_else(|| bad("health"))?,
    })
}

const fn drift_name(mode: DriftMode) -> &'static str {
    match mode {
        DriftMode::Repair => "repair",
        DriftMode::Report => "report",
        DriftMode::Off => "off",
    }
}

fn drift_of(name: &str) -> Option<DriftMode> {
    let all = [DriftMode::Repair, DriftMode::Report, DriftMode::Off];
    all.into_iter().find(|mode| drift_name(*mode) == name)
}

pub(super) fn health_of(name: &str) -> Option<Health> {
    Health::ALL.into_iter().find(|health| health.name() == name)
}
