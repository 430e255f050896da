//! Registrars: where domains are bought.

use crate::edge::EdgeError;
use crate::model::PurchaseConfig;
use crate::schema::enumerant_name;

/// Whether this daemon can buy a domain.
///
/// # Errors
/// It cannot: no registrar is supported by this version, and a message that asks for a purchase must not
/// seem to have been carried out.
pub fn supported(purchase: Option<&PurchaseConfig>) -> Result<(), EdgeError> {
    let Some(purchase) = purchase else {
        return Ok(());
    };
    Err(EdgeError::unsupported(format!(
        "buying {} at {} is not supported by this version",
        purchase.domain,
        enumerant_name(purchase.provider)
    ))
    .at("purchase")
    .hint("register the domain by hand and leave the purchase section out"))
}
