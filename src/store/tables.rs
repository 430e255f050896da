//! The tables and the queries on them.

use super::record::{Cause, HistoryEntry, InterruptedStep, SiteRecord, SiteState, StepId};
use super::{StoreError, accepted, told};
use crate::model::{HostingProvider, Parse, ProjectName, SiteId};
use crate::release::{Digest, ReleaseId};
use crate::schema::enumerant_name;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Statement, params};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The revision of the tables, kept in SQLite's `user_version`.
const REVISION: i64 = 4;

/// How long to wait for another connection's transaction: commits take milliseconds.
const BUSY: Duration = Duration::from_secs(10);

/// Lines of history kept of one site; far more than releases are kept, for those who ask what happened.
const HISTORY: i64 = 200;

/// Ended journal steps kept of one site: enough to see how its last messages went.
const JOURNAL: i64 = 50;

/// Times are milliseconds since 1970 (UTC), digests 32 bytes, names as the schema spells them.
const TABLES: &str = "
CREATE TABLE site (
    id            TEXT PRIMARY KEY,
    provider      TEXT NOT NULL,
    project       TEXT NOT NULL,
    config_digest BLOB NOT NULL,
    fingerprint   BLOB,
    artifact      BLOB,
    release       TEXT,
    generation    INTEGER NOT NULL,
    applied_at    INTEGER NOT NULL,
    next_edge     INTEGER,
    protected     INTEGER NOT NULL,
    held          BLOB,
    state         TEXT NOT NULL,
    primary_name  TEXT NOT NULL,
    labels        TEXT NOT NULL,
    detail        TEXT NOT NULL,
    sent          TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;
CREATE TABLE message (
    site TEXT PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE journal (
    id      INTEGER PRIMARY KEY,
    site    TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    action  TEXT NOT NULL,
    target  TEXT NOT NULL,
    begun   INTEGER NOT NULL,
    outcome TEXT,
    detail  TEXT
) STRICT;
CREATE INDEX journal_open ON journal (id) WHERE outcome IS NULL;
CREATE INDEX journal_site ON journal (site, id);
CREATE TABLE history (
    id      INTEGER PRIMARY KEY,
    site    TEXT NOT NULL,
    release TEXT,
    at      INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    cause   TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
CREATE INDEX history_site ON history (site, id);
";

/// What leads from one revision of the tables to the next: the first from revision 1 to 2, and so on.
const UPDATES: [&[&str]; 3] = [
    &["ALTER TABLE site ADD COLUMN sent TEXT NOT NULL DEFAULT '{}'"],
    &[accepted::TABLES, accepted::TAKE_OVER],
    &[told::TABLES],
];

/// Opens the database for reading and writing, making or updating its tables.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Every commit is on disk before it counts, also through a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let found = revision(&connection, path)?;
    if found < REVISION {
        let transaction = connection.transaction()?;
        match usize::try_from(found).unwrap_or(0) {
            0 => {
                transaction.execute_batch(TABLES)?;
                transaction.execute_batch(accepted::TABLES)?;
                transaction.execute_batch(told::TABLES)?;
            }
            known => {
                for statements in UPDATES[known - 1..].iter().copied().flatten() {
                    transaction.execute_batch(statements)?;
                }
            }
        }
        transaction.pragma_update(None, "user_version", REVISION)?;
        transaction.commit()?;
    }
    Ok(connection)
}

/// Opens the database to look only. One that is not there is an empty one in memory.
pub(super) fn open_readonly(path: &Path, there: bool) -> Result<Connection, StoreError> {
    let empty = || -> Result<Connection, StoreError> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(TABLES)?;
        connection.execute_batch(accepted::TABLES)?;
        connection.execute_batch(told::TABLES)?;
        Ok(connection)
    };
    if !there {
        return empty();
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(readonly_uri(path), flags)?;
    connection.busy_timeout(BUSY)?;
    match revision(&connection, path)? {
        // Made, and not yet filled.
        0 => empty(),
        _ => Ok(connection),
    }
}

/// The database as an address (<https://www.sqlite.org/uri.html>). Without a write-ahead log nobody writes and
/// all is in the one file: it is then read as it is, since a mere look would else leave a log and its index
/// beside it, and need the right to make them.
fn readonly_uri(path: &Path) -> OsString {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let mut uri = b"file:".to_vec();
    if path.is_absolute() {
        uri.extend(b"//");
    }
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02X}").bytes()),
            byte => uri.push(byte),
        }
    }
    // A log that is empty holds nothing either.
    if std::fs::metadata(log).map_or(true, |log| log.len() == 0) {
        uri.extend(b"?immutable=1");
    }
    OsString::from_vec(uri)
}

/// The tables' revision, if this version knows it; 0 for a new database.
fn revision(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > REVISION {
        return Err(StoreError::Newer {
            path: path.to_path_buf(),
            found,
            known: REVISION,
        });
    }
    Ok(found)
}

/// All sites.
pub(super) fn sites(
    connection: &Connection,
) -> Result<HashMap<SiteId, Arc<SiteRecord>>, StoreError> {
    let mut statement = connection.prepare("SELECT * FROM site")?;
    let columns = Columns::of(&statement);
    let mut rows = statement.query(())?;
    let mut sites = HashMap::new();
    while let Some(row) = rows.next()? {
        let (id, record) = site(row, &columns)?;
        sites.insert(id, Arc::new(record));
    }
    Ok(sites)
}

/// The places of columns by name. SQLite would look each up in each row, which took a quarter of the time in which
/// 10,000 sites were read.
struct Columns(HashMap<String, usize>);

impl Columns {
    fn of(statement: &Statement<'_>) -> Self {
        let names = statement.column_names().zip(0..);
        Self(
            names
                .map(|(name, place)| (name.to_owned(), place))
                .collect(),
        )
    }

    /// A value of a row.
    fn get<T: FromSql>(&self, row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
        let place = self.0.get(name);
        let place = place.ok_or_else(|| rusqlite::Error::InvalidColumnName(name.into()))?;
        row.get(*place)
    }
}

fn site(row: &Row<'_>, columns: &Columns) -> Result<(SiteId, SiteRecord), StoreError> {
    let name: String = columns.get(row, "id")?;
    let bad = |what: &str| StoreError::Row {
        site: name.clone(),
        what: format!("column {what} is damaged, or of a newer version"),
    };
    let text = |column: &str| columns.get::<String>(row, column).map_err(|_| bad(column));
    let number = |column: &str| columns.get::<i64>(row, column).map_err(|_| bad(column));
    let digest = |column: &str| -> Result<Option<Digest>, StoreError> {
        let bytes: Option<[u8; 32]> = columns.get(row, column).map_err(|_| bad(column))?;
        Ok(bytes.map(Digest::from))
    };
    let release: Option<String> = columns.get(row, "release").map_err(|_| bad("release"))?;
    let next_edge: Option<i64> = columns
        .get(row, "next_edge")
        .map_err(|_| bad("next_edge"))?;
    let record = SiteRecord {
        provider: provider(&text("provider")?).ok_or_else(|| bad("provider"))?,
        project: ProjectName::parse(&text("project")?).map_err(|_| bad("project"))?,
        config_digest: digest("config_digest")?.ok_or_else(|| bad("config_digest"))?,
        fingerprint: digest("fingerprint")?,
        artifact: digest("artifact")?,
        release: match release {
            Some(text) => Some(ReleaseId::parse(&text).ok_or_else(|| bad("release"))?),
            None => None,
        },
        generation: number("generation")?.cast_unsigned(),
        applied_at: time(number("applied_at")?).ok_or_else(|| bad("applied_at"))?,
        next_edge: match next_edge {
            Some(at) => Some(time(at).ok_or_else(|| bad("next_edge"))?),
            None => None,
        },
        protected: columns
            .get(row, "protected")
            .map_err(|_| bad("protected"))?,
        held: digest("held")?,
        state: SiteState::of(&text("state")?).ok_or_else(|| bad("state"))?,
        primary: text("primary_name")?,
        labels: serde_json::from_str(&text("labels")?).map_err(|_| bad("labels"))?,
        detail: text("detail")?,
        sent: match columns.get::<String>(row, "sent") {
            Ok(text) => serde_json::from_str(&text).map_err(|_| bad("sent"))?,
            // A database of revision 1, opened to look only.
            Err(rusqlite::Error::InvalidColumnName(_)) => BTreeMap::new(),
            Err(_) => return Err(bad("sent")),
        },
    };
    let id = SiteId::parse(&name).map_err(|_| bad("id"))?;
    Ok((id, record))
}

/// The provider of a name in the schema.
fn provider(name: &str) -> Option<HostingProvider> {
    [
        HostingProvider::CloudflarePages,
        HostingProvider::LocalStatic,
        HostingProvider::S3Static,
        HostingProvider::CriomosHost,
    ]
    .into_iter()
    .find(|provider| enumerant_name(*provider) == name)
}

pub(super) fn time(milliseconds: i64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(milliseconds).ok()
}

/// Writes a site's record.
pub(super) fn put_site(
    connection: &Connection,
    id: &SiteId,
    record: &SiteRecord,
) -> rusqlite::Result<()> {
    let unwritable =
        |error: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(error.into());
    let labels = serde_json::to_string(&record.labels).map_err(unwritable)?;
    let sent = serde_json::to_string(&record.sent).map_err(unwritable)?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO site VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            id.as_str(),
            enumerant_name(record.provider),
            record.project.as_str(),
            record.config_digest.as_bytes(),
            record.fingerprint.as_ref().map(Digest::as_bytes),
            record.artifact.as_ref().map(Digest::as_bytes),
            record.release.as_ref().map(ReleaseId::as_str),
            record.generation.cast_signed(),
            record.applied_at.as_millisecond(),
            record.next_edge.map(jiff::Timestamp::as_millisecond),
            record.protected,
            record.held.as_ref().map(Digest::as_bytes),
            record.state.name(),
            record.primary,
            labels,
            record.detail,
            sent,
        ])?;
    Ok(())
}

/// Writes a site's protection.
pub(super) fn protect(connection: &Connection, id: &SiteId, on: bool) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE site SET protected = ?2 WHERE id = ?1")?
        .execute(params![id.as_str(), on])?;
    Ok(())
}

/// Removes all that is known of a site.
pub(super) fn forget(connection: &Connection, id: &SiteId) -> rusqlite::Result<()> {
    for statement in [
        "DELETE FROM site WHERE id = ?1",
        "DELETE FROM message WHERE site = ?1",
        "DELETE FROM history WHERE site = ?1",
        "DELETE FROM journal WHERE site = ?1",
        "DELETE FROM accepted WHERE site = ?1",
        "DELETE FROM accepted_message WHERE site = ?1",
        "DELETE FROM told WHERE site = ?1",
    ] {
        connection.execute(statement, [id.as_str()])?;
    }
    Ok(())
}

/// Writes a site's message.
pub(super) fn put_message(
    connection: &Connection,
    id: &SiteId,
    body: &[u8],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO message VALUES (?, ?)")?
        .execute(params![id.as_str(), body])?;
    Ok(())
}

/// The message applied last for a site.
pub(super) fn message(connection: &Connection, id: &SiteId) -> Result<Option<Vec<u8>>, StoreError> {
    let body = connection
        .query_row(
            "SELECT body FROM message WHERE site = ?",
            [id.as_str()],
            |row| row.get(0),
        )
        .optional()?;
    Ok(body)
}

/// Adds a line of history and drops the oldest beyond the limit.
pub(super) fn add_history(
    connection: &Connection,
    id: &SiteId,
    entry: &HistoryEntry,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO history (site, release, at, seq, cause, detail) VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            id.as_str(),
            entry.release.as_ref().map(ReleaseId::as_str),
            entry.at.as_millisecond(),
            entry.seq.cast_signed(),
            entry.cause.name(),
            entry.detail,
        ])?;
    connection
        .prepare_cached(
            "DELETE FROM history WHERE site = ?1 AND id <= (SELECT id FROM history \
             WHERE site = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![id.as_str(), HISTORY])?;
    Ok(())
}

/// A site's history, newest first.
pub(super) fn history(
    connection: &Connection,
    id: &SiteId,
    limit: usize,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let bad = |what: &str| StoreError::Row {
        site: id.to_string(),
        what: format!("history column {what} is damaged, or of a newer version"),
    };
    let mut statement = connection.prepare_cached(
        "SELECT release, at, seq, cause, detail FROM history WHERE site = ? ORDER BY id DESC LIMIT ?",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![id.as_str(), limit])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let release: Option<String> = row.get(0)?;
        entries.push(HistoryEntry {
            release: match release {
                Some(text) => Some(ReleaseId::parse(&text).ok_or_else(|| bad("release"))?),
                None => None,
            },
            at: time(row.get(1)?).ok_or_else(|| bad("at"))?,
            seq: row.get::<_, i64>(2)?.cast_unsigned(),
            cause: Cause::of(&row.get::<_, String>(3)?).ok_or_else(|| bad("cause"))?,
            detail: row.get(4)?,
        });
    }
    Ok(entries)
}

/// Notes a step that is about to be done.
pub(super) fn begin(
    connection: &Connection,
    site: &SiteId,
    seq: u64,
    action: &str,
    target: &str,
) -> rusqlite::Result<StepId> {
    connection
        .prepare_cached(
            "INSERT INTO journal (site, seq, action, target, begun) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![
            site.as_str(),
            seq.cast_signed(),
            action,
            target,
            jiff::Timestamp::now().as_millisecond(),
        ])?;
    Ok(StepId(connection.last_insert_rowid()))
}

/// Notes how a step ended and drops the oldest ended steps of its site beyond the limit.
pub(super) fn finish(
    connection: &Connection,
    step: StepId,
    outcome: &str,
    detail: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE journal SET outcome = ?2, detail = ?3 WHERE id = ?1")?
        .execute(params![step.0, outcome, detail])?;
    connection
        .prepare_cached(
            "DELETE FROM journal WHERE outcome IS NOT NULL \
             AND site = (SELECT site FROM journal WHERE id = ?1) \
             AND id <= (SELECT id FROM journal \
                        WHERE site = (SELECT site FROM journal WHERE id = ?1) \
                        ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![step.0, JOURNAL])?;
    Ok(())
}

/// Steps that were begun and never noted as ended, oldest first.
pub(super) fn interrupted(connection: &Connection) -> Result<Vec<InterruptedStep>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT id, site, seq, action, target, begun FROM journal WHERE outcome IS NULL ORDER BY id",
    )?;
    let mut rows = statement.query(())?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let site: String = row.get(1)?;
        let bad = |what: &str| StoreError::Row {
            site: site.clone(),
            what: format!("journal column {what} is damaged, or of a newer version"),
        };
        steps.push(InterruptedStep {
            id: StepId(row.get(0)?),
            site: SiteId::parse(&site).map_err(|_| bad("site"))?,
            seq: row.get::<_, i64>(2)?.cast_unsigned(),
            action: row.get(3)?,
            target: row.get(4)?,
            begun: time(row.get(5)?).ok_or_else(|| bad("begun"))?,
        });
    }
    Ok(steps)
}
