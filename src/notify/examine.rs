//! Whether receivers could be told, found out without telling them anything.

use super::webhook::Sender;
use super::{Notification, Notifications, Receiver};
use crate::edge::EdgeError;
use crate::model::SettingsName;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The permission bits of a file that somebody may execute.
const EXECUTABLE: u32 = 0o111;

/// What was found of one notification: how its receiver is there, or why it is not.
pub type Examined<'n> = (&'n Notification, Result<String, EdgeError>);

/// Looks whether each receiver is there: a server answers `HEAD`, whatever its answer is, and a program may be
/// executed. Keys of webhooks are read and not used.
pub async fn examine(notifications: &Notifications) -> Vec<Examined<'_>> {
    let sender = Sender::new(notifications.credentials.clone(), notifications.retry.0);
    let mut examined = Vec::new();
    for notification in &notifications.list {
        let found = match &notification.receiver {
            Receiver::Webhook { url, secret } => server(&sender, url, secret).await,
            Receiver::Program { path, .. } => program(path),
        };
        examined.push((notification, found));
    }
    examined
}

/// Whether a server answers and its key is one. Its address is not told: it may be a secret.
async fn server(sender: &Sender, url: &str, secret: &SettingsName) -> Result<String, EdgeError> {
    if let Err(error) = sender.key(secret) {
        return Err(EdgeError::rejected(error.to_string()));
    }
    match sender.knock(url).await {
        Ok(()) => Ok("its server answers, and its key can be read".into()),
        Err(error) => Err(EdgeError::rejected("its server does not answer").source(error)),
    }
}

fn program(path: &Path) -> Result<String, EdgeError> {
    let wrong = |what: &str| EdgeError::rejected(format!("{} {what}", path.display()));
    let found = fs::metadata(path).map_err(|error| wrong("cannot be run").source(error))?;
    if !found.is_file() {
        return Err(wrong("is not a file"));
    }
    if found.permissions().mode() & EXECUTABLE == 0 {
        return Err(wrong("may not be executed").hint("make it executable: chmod +x"));
    }
    Ok(format!("{} is there", path.display()))
}
