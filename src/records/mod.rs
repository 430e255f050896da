//! DNS records as typed values: names, data, sets, and what a message declares of them.
//!
//! A set is all records of one name and type; they share one TTL (RFC 2181 section 5.2) and are made, changed
//! and deleted together. Values are kept in a canonical form, so that equal sets compare as equal whoever
//! wrote them: names in lower case without a final dot, addresses as numbers, texts as joined bytes.

mod capabilities;
mod data;
mod declared;
mod name;
mod quoted;
mod set;
mod zone;

pub use capabilities::{Capabilities, CnameBeside};
pub use data::{Plain, RecordData};
pub use declared::group;
pub use name::{Name, Owner};
pub use set::{Content, DeclaredSet, RecordKey, RecordSet, Terms, WantedSet, type_name};
pub use zone::{ZoneId, ZoneRef};
