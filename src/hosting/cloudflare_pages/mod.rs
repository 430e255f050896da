//! Publishing on Cloudflare Pages.

pub mod wrangler;
