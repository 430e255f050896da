//! DNS providers: who answers for a zone.

use crate::desired::DesiredDns;
use crate::edge::EdgeError;
use crate::model::DnsProvider;
use crate::schema::enumerant_name;

/// Whether this daemon can keep these records.
///
/// # Errors
/// It cannot: the provider's name is given. `DnsProvider::None` asks for nothing but to be shown, which the
/// plan does.
pub fn supported(dns: Option<&DesiredDns>) -> Result<(), EdgeError> {
    let Some(dns) = dns.filter(|dns| !dns.sets.is_empty()) else {
        return Ok(());
    };
    match dns.provider {
        DnsProvider::None => Ok(()),
        DnsProvider::Cloudflare
        | DnsProvider::Rfc2136
        | DnsProvider::Powerdns
        | DnsProvider::Route53 => Err(EdgeError::unsupported(format!(
            "dns.provider = {} is not supported by this version",
            enumerant_name(dns.provider)
        ))
        .at("dns.provider")
        .hint("with dns.provider = none the records are listed for a person to enter")),
    }
}
