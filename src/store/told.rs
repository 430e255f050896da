//! What the operator's notifications told, so that a restart tells nobody the same again.

use super::StoreError;
use super::accepted::health_of;
use crate::model::{Parse, SiteId};
use crate::schedule::Health;
use rusqlite::{Connection, params};

/// What was last told of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The site.
    pub site: SiteId,
    /// How it is, as was told.
    pub health: Health,
}

/// The table. A site that is well has no row.
pub(super) const TABLES: &str = "
CREATE TABLE told (
    notification TEXT NOT NULL,
    site         TEXT NOT NULL,
    health       TEXT NOT NULL,
    PRIMARY KEY (notification, site)
) STRICT, WITHOUT ROWID;
";

/// Writes what was told, in the place of what was before.
pub(super) fn put(
    connection: &Connection,
    notification: &str,
    told: &Told,
) -> rusqlite::Result<()> {
    if told.health == Health::Good {
        connection
            .prepare_cached("DELETE FROM told WHERE notification = ? AND site = ?")?
            .execute(params![notification, told.site.as_str()])?;
        return Ok(());
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO told VALUES (?, ?, ?)")?
        .execute(params![
            notification,
            told.site.as_str(),
            told.health.name()
        ])?;
    Ok(())
}

/// What a notification told, by site.
pub(super) fn of(connection: &Connection, notification: &str) -> Result<Vec<Told>, StoreError> {
    let query = "SELECT site, health FROM told WHERE notification = ? ORDER BY site";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([notification])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (site, health): (String, String) = (row.get(0)?, row.get(1)?);
        let bad = |what: &str| StoreError::Row {
            site: site.clone(),
            what: format!("told column {what} is damaged, or of a newer version"),
        };
        let health = health_of(&health).ok_or_else(|| bad("health"))?;
        let site = SiteId::parse(&site).map_err(|_| bad("site"))?;
        found.push(Told { site, health });
    }
    Ok(found)
}
