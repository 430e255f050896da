//! `[status]`: where the daemon can be looked at.

use super::{Keys, SettingsError};
use crate::edge::secret::Credentials;
use crate::status::{Listen, StatusSettings};
use serde::Deserialize;
use std::path::PathBuf;

/// The table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct StatusTable {
    listen: Option<String>,
    token: Option<String>,
}

impl Keys {
    pub(super) fn status(
        &self,
        table: StatusTable,
        credentials: &Credentials,
    ) -> Result<Option<StatusSettings>, SettingsError> {
        let Some(text) = table.listen else {
            return match table.token {
                Some(_) => Err(self.wrong("status.token", "without status.listen nobody asks")),
                None => Ok(None),
            };
        };
        let listen = listen(&text).ok_or_else(|| {
            let example = "use \"127.0.0.1:9640\" or \"unix:PATH\"";
            let message = format!("{text:?} is no address to listen at; {example}");
            self.wrong("status.listen", message)
        })?;
        let token = match table.token {
            None => None,
            Some(name) => {
                let name = self.name("status.token", &name)?;
                if !credentials.has(&name) {
                    let message = format!("there is no [credentials.{name}]");
                    return Err(self.wrong("status.token", message));
                }
                Some(name)
            }
        };
        if let (Listen::Tcp(address), None) = (&listen, &token)
            && !address.ip().is_loopback()
        {
            let message = format!(
                "{address} can be reached by others: set status.token to the name of a credential, \
                 or listen at 127.0.0.1"
            );
            return Err(self.wrong("status.listen", message));
        }
        Ok(Some(StatusSettings {
            listen,
            token,
            credentials: credentials.clone(),
        }))
    }
}

fn listen(text: &str) -> Option<Listen> {
    match text.strip_prefix("unix:") {
        Some("") => None,
        Some(path) => Some(Listen::Unix(PathBuf::from(path))),
        None => text.parse().ok().map(Listen::Tcp),
    }
}
