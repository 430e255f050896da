//! `[streams]`: who may send messages.

use super::{Keys, SettingsError};
use crate::plan::Patterns;
use crate::stream::{Access, Rule, SourceOptions, Who};
use serde::Deserialize;

/// The table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct StreamsTable {
    socket_mode: Option<String>,
    access: Vec<AccessTable>,
}

/// Who may change which sites by a socket: exactly one of user and group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AccessTable {
    uid: Option<u32>,
    gid: Option<u32>,
    sites: Vec<String>,
}

impl Keys {
    pub(super) fn streams(&self, table: StreamsTable) -> Result<SourceOptions, SettingsError> {
        let mut options = SourceOptions::default();
        if let Some(text) = &table.socket_mode {
            options.socket_mode = mode(text).ok_or_else(|| {
                let message = format!("{text:?} is no mode of a file such as \"0660\"");
                self.wrong("streams.socket-mode", message)
            })?;
        }
        let mut rules = Vec::new();
        for access in table.access {
            let who = match (access.uid, access.gid) {
                (Some(uid), None) => Who::User(uid),
                (None, Some(gid)) => Who::Group(gid),
                _ => {
                    let message = "exactly one of uid and gid is needed";
                    return Err(self.wrong("streams.access", message));
                }
            };
            let sites = Patterns::new(access.sites);
            rules.push(Rule { who, sites });
        }
        options.access = Access::new(rules);
        Ok(options)
    }
}

/// Permissions as they are written in octal digits: `0660`, `600`.
fn mode(text: &str) -> Option<u32> {
    let digits = matches!(text.len(), 3 | 4) && text.bytes().all(|byte| byte.is_ascii_digit());
    let mode = u32::from_str_radix(text, 8).ok().filter(|_| digits)?;
    (mode <= 0o777).then_some(mode)
}
