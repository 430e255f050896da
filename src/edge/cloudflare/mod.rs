//! Cloudflare's API: whose account, how it is called, and what it answers.
//!
//! Every call goes through [`Client::call`], so that the allowance of a token, retries, and the reading of
//! errors are the same for projects, DNS records and whatever comes later.

mod account;
mod answer;
mod client;

pub use account::{
    Account, AccountId, AccountSettings, Allowances, Cloudflare, CloudflareSettings,
};
pub use answer::{ApiError, Code, PageInfo, Reply, codes};
pub use client::Client;

/// Where the API is, unless the operator says otherwise (<https://developers.cloudflare.com/api>).
pub const BASE_URL: &str = "https://api.cloudflare.com/client/v4";

/// Requests that one token may make in five minutes, all programs together
/// (<https://developers.cloudflare.com/fundamentals/api/reference/limits/>).
pub const REQUESTS: u32 = 1200;

/// The time in which they are counted.
pub const WINDOW: std::time::Duration = std::time::Duration::from_secs(300);
