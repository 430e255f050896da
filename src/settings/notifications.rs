//! `[[notifications]]`: who is told what becomes of sites.

use super::{Keys, SettingsError, is_loopback};
use crate::edge::secret::Credentials;
use crate::notify::{Kind, Notification, Notifications, Receiver};
use crate::plan::Patterns;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// One notification: exactly one of webhook and command.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct NotificationTable {
    name: String,
    on: Option<Vec<On>>,
    sites: Option<Vec<String>>,
    webhook: Option<String>,
    secret: Option<String>,
    command: Option<Vec<String>>,
}

/// What is told.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum On {
    Failure,
    Recovery,
    Drift,
    Approval,
}

impl From<On> for Kind {
    fn from(on: On) -> Self {
        match on {
            On::Failure => Self::Failure,
            On::Recovery => Self::Recovery,
            On::Drift => Self::Drift,
            On::Approval => Self::Approval,
        }
    }
}

impl Keys {
    pub(super) fn notifications(
        &self,
        tables: Vec<NotificationTable>,
        credentials: Credentials,
    ) -> Result<Notifications, SettingsError> {
        let mut names = BTreeSet::new();
        let mut list = Vec::new();
        for table in tables {
            let name = self.name("notifications.name", &table.name)?;
            if !names.insert(name.clone()) {
                let message = format!("there are two of the name {name}");
                return Err(self.wrong("notifications.name", message));
            }
            let all = || Kind::ALL.to_vec();
            let on = table.on.as_ref();
            list.push(Notification {
                on: on.map_or_else(all, |on| on.iter().map(|it| (*it).into()).collect()),
                sites: table.sites.clone().map(Patterns::new).unwrap_or_default(),
                receiver: self.receiver(table, &credentials)?,
                name,
            });
        }
        Ok(Notifications {
            list,
            credentials,
            ..Notifications::default()
        })
    }

    fn receiver(
        &self,
        table: NotificationTable,
        credentials: &Credentials,
    ) -> Result<Receiver, SettingsError> {
        let key = |field: &str| format!("notifications.{}.{field}", table.name);
        match (table.webhook, table.secret, table.command) {
            (Some(url), Some(secret), None) => {
                if !url.starts_with("https://") && !is_loopback(&url) {
                    // The address is not shown: with some receivers it is all that keeps others out.
                    let message = "it would be sent in the clear; use https";
                    return Err(self.wrong(key("webhook"), message));
                }
                let secret = self.name(&key("secret"), &secret)?;
                if !credentials.has(&secret) {
                    let message = format!("there is no [credentials.{secret}]");
                    return Err(self.wrong(key("secret"), message));
                }
                Ok(Receiver::Webhook { url, secret })
            }
            (None, None, Some(command)) => {
                let mut words = command.into_iter();
                let program = words.next().unwrap_or_default();
                let path = PathBuf::from(&program);
                if !path.is_absolute() {
                    let message = format!("{program:?} is not the absolute path of a program");
                    return Err(self.wrong(key("command"), message));
                }
                let args = words.collect();
                Ok(Receiver::Program { path, args })
            }
            _ => {
                let message = "either webhook with secret, or command is needed";
                Err(self.wrong(format!("notifications.{}", table.name), message))
            }
        }
    }
}
