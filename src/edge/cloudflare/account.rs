//! Which account a message uses, and with which token.

use super::{Client, REQUESTS, WINDOW};
use crate::edge::http::{Budget, Http};
use crate::edge::secret::{Credentials, Secret, SecretPlace};
use crate::edge::{EdgeError, EdgeErrorKind};
use crate::model::SettingsName;
use crate::release::Digest;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The variable that holds the default account's token, as Cloudflare's own tools read it.
pub(super) const TOKEN: &str = "CLOUDFLARE_API_TOKEN";

/// The variable that holds the default account's id.
const ACCOUNT_ID: &str = "CLOUDFLARE_ACCOUNT_ID";

/// An account's id: 32 hexadecimal digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// An id as it was written; `None` when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(digit)).then(|| Self(text.into()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An account of the operator's settings.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// Its id.
    pub id: AccountId,
    /// The credential that holds its token.
    pub token: SettingsName,
    /// The most files of a release, where the account's plan allows more than the usual number.
    pub max_files: Option<usize>,
}

/// How Cloudflare is reached.
#[derive(Clone, Debug)]
pub struct CloudflareSettings {
    /// Where the API is, without a final slash.
    pub base_url: String,
    /// The id of the account that is used when a message names none, as `CLOUDFLARE_ACCOUNT_ID` gives it; `None`
    /// when it is not set. Its token is that of `CLOUDFLARE_API_TOKEN`.
    pub default_account: Option<String>,
    /// Accounts by the name that messages use. One called `default` takes the place of the variables.
    pub accounts: BTreeMap<SettingsName, AccountSettings>,
    /// Where credentials are kept.
    pub credentials: Credentials,
    /// Requests in five minutes for each token.
    pub requests: u32,
}

impl Default for CloudflareSettings {
    fn default() -> Self {
        Self {
            base_url: super::BASE_URL.into(),
            default_account: None,
            accounts: BTreeMap::new(),
            credentials: Credentials::default(),
            requests: REQUESTS,
        }
    }
}

/// Cloudflare, as the operator's settings reach it. Clones share what is known of each token's allowance.
#[derive(Clone)]
pub struct Cloudflare {
    shared: Arc<Shared>,
}

struct Shared {
    settings: CloudflareSettings,
    http: Http,
    allowances: Allowances,
}

/// What is left of the allowance of each token. Clones share it, so that it outlives settings that are read anew:
/// the other side goes on counting.
#[derive(Clone, Default)]
pub struct Allowances(Arc<Mutex<ByToken>>);

/// The allowances by the token that they are for, with the name it was used by first.
type ByToken = HashMap<Digest, (String, Budget)>;

impl Allowances {
    fn lock(&self) -> MutexGuard<'_, ByToken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cloudflare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloudflare")
            .field("base_url", &self.shared.settings.base_url)
            .finish_non_exhaustive()
    }
}

/// An account and the way to it.
#[derive(Clone)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Calls with its token.
    pub client: Client,
    /// The most files of a release, where it is not the usual number.
    pub max_files: Option<usize>,
}

impl Account {
    /// A path below the account, as `pages/projects`.
    #[must_use]
    pub fn path(&self, below: &str) -> String {
        format!("/accounts/{}/{below}", self.id)
    }
}

impl Cloudflare {
    /// Cloudflare as these settings reach it.
    #[must_use]
    pub fn new(settings: CloudflareSettings, http: Http) -> Self {
        Self::going_on(settings, http, &Allowances::default())
    }

    /// The same, going on with what is left of allowances. From now on they have the size that these settings give.
    #[must_use]
    pub fn going_on(settings: CloudflareSettings, http: Http, allowances: &Allowances) -> Self {
        for (_, budget) in allowances.lock().values() {
            budget.set_limit(settings.requests);
        }
        let allowances = allowances.clone();
        Self {
            shared: Arc::new(Shared {
                settings,
                http,
                allowances,
            }),
        }
    }

    /// The account of this name, or the default one. Its token is read anew each time, so that one that was
    /// replaced is taken up without a restart.
    ///
    /// # Errors
    /// There is no such account, or its token is not there.
    pub fn account(&self, name: Option<&SettingsName>) -> Result<Account, EdgeError> {
        let accounts = &self.shared.settings.accounts;
        let by_default = accounts
            .iter()
            .find(|(name, _)| name.as_str() == "default")
            .map(|(_, account)| account);
        let account = match name {
            Some(name) => Some(accounts.get(name).ok_or_else(|| unknown(name))?),
            None => by_default,
        };
        let Some(account) = account else {
            return self.account_of_environment();
        };
        let token = self.shared.settings.credentials.get(&account.token)?;
        Ok(Account {
            id: account.id.clone(),
            client: self.with_token(
                token,
                &format!(
                    "cloudflare/{}",
                    name.map_or("default", SettingsName::as_str)
                ),
            ),
            max_files: account.max_files,
        })
    }

    /// The account of the environment's variables.
    fn account_of_environment(&self) -> Result<Account, EdgeError> {
        let id = self
            .shared
            .settings
            .default_account
            .as_deref()
            .ok_or_else(|| not_set(ACCOUNT_ID))?;
        let id = AccountId::parse(id).ok_or_else(|| {
            unauthorised(format!(
                "{ACCOUNT_ID} is not an account id: it has 32 hexadecimal digits"
            ))
        })?;
        let token = SecretPlace::Environment(TOKEN.into());
        let token = token.read().map_err(|error| not_set(TOKEN).source(error))?;
        Ok(Account {
            id,
            client: self.with_token(token, "cloudflare/default"),
            max_files: None,
        })
    }

    /// Calls with the token of a credential.
    ///
    /// # Errors
    /// There is no such credential.
    pub fn client(&self, credential: &SettingsName) -> Result<Client, EdgeError> {
        let token = self.shared.settings.credentials.get(credential)?;
        Ok(self.with_token(token, &format!("cloudflare/credential {credential}")))
    }

    /// A credential of the operator's settings.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn credential(&self, name: &SettingsName) -> Result<Secret, EdgeError> {
        self.shared.settings.credentials.get(name)
    }

    /// Where the API is.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.shared.settings.base_url
    }

    /// The allowances that were used so far, by the name of an account.
    #[must_use]
    pub fn budgets(&self) -> Vec<(String, Budget)> {
        self.shared.allowances.lock().values().cloned().collect()
    }

    fn with_token(&self, token: Secret, name: &str) -> Client {
        let key = token.digest("cloudflare token");
        let requests = self.shared.settings.requests;
        let new = || (name.to_owned(), Budget::new(requests, WINDOW));
        let mut allowances = self.shared.allowances.lock();
        let (_, budget) = allowances.entry(key).or_insert_with(new).clone();
        drop(allowances);
        Client::new(
            self.shared.http.clone(),
            self.base_url().into(),
            token,
            budget,
        )
    }
}

fn unauthorised(message: impl Into<String>) -> EdgeError {
    EdgeError::new(EdgeErrorKind::Unauthorised, message)
        .at("hosting.cloudflarePages.account")
        .remote()
}

/// A variable of the default account is missing.
fn not_set(variable: &str) -> EdgeError {
    unauthorised(format!("{variable} is not set")).hint(format!(
        "the default account is that of {ACCOUNT_ID} and {TOKEN} in the daemon's environment; \
         [cloudflare.accounts.NAME] in the settings declares others"
    ))
}

fn unknown(name: &SettingsName) -> EdgeError {
    unauthorised(format!("there is no Cloudflare account {name}")).hint(format!(
        "declare [cloudflare.accounts.{name}] in the settings"
    ))
}
