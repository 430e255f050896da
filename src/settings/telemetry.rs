//! `[telemetry]`: where spans are exported to.

use super::{Keys, SettingsError};
use crate::edge::secret::Credentials;
use crate::telemetry::TelemetrySettings;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What receivers call the daemon when nothing else is said.
const SERVICE_NAME: &str = "mycelia-spore";

/// The table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct TelemetryTable {
    otlp: Option<String>,
    headers: BTreeMap<String, String>,
    service_name: Option<String>,
}

impl Keys {
    pub(super) fn telemetry(
        &self,
        table: TelemetryTable,
        credentials: &Credentials,
    ) -> Result<Option<TelemetrySettings>, SettingsError> {
        let Some(otlp) = table.otlp else {
            let unused = [
                (!table.headers.is_empty(), "telemetry.headers"),
                (table.service_name.is_some(), "telemetry.service-name"),
            ];
            return match unused.into_iter().find(|(set, _)| *set) {
                Some((_, key)) => {
                    Err(self.wrong(key, "without telemetry.otlp nothing is exported"))
                }
                None => Ok(None),
            };
        };
        let mut headers = Vec::new();
        for (header, name) in table.headers {
            let key = format!("telemetry.headers.{header}");
            let name = self.name(&key, &name)?;
            if !credentials.has(&name) {
                return Err(self.wrong(key, format!("there is no [credentials.{name}]")));
            }
            headers.push((header, name));
        }
        let service_name = table.service_name.unwrap_or_else(|| SERVICE_NAME.into());
        if service_name.is_empty() {
            return Err(self.wrong("telemetry.service-name", "it is empty"));
        }
        let settings = TelemetrySettings {
            otlp,
            headers,
            credentials: credentials.clone(),
            service_name,
        };
        match settings.fault() {
            Some(fault) => Err(self.wrong("telemetry.otlp", fault)),
            None => Ok(Some(settings)),
        }
    }
}
