//! The data of one record.

use super::{Name, quoted, type_name};
use crate::model::{Defect, DnsRecordType};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest tag of a CAA record: its length is one byte (RFC 8659 section 4.1).
const LONGEST_TAG: usize = 255;

/// The data of one record in canonical form. [`Display`](fmt::Display) writes it as a zone file has it, with
/// final dots; [`plain`](Self::plain) as people read it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// Another name.
    Cname(Name),
    /// Text: the bytes of all its parts joined, since where they are cut means nothing.
    Txt(Vec<u8>),
    /// A mail server.
    Mx {
        /// Lower ones are tried first.
        preference: u16,
        /// The server; `None` for the root, which says that no mail is taken (RFC 7505).
        exchange: Option<Name>,
    },
    /// Which authorities may issue certificates.
    Caa {
        /// 128 for what an authority must understand to issue at all.
        flags: u8,
        /// What the value is about, in lower case: `issue`, `issuewild`, `iodef` ...
        tag: String,
        /// The value.
        value: Vec<u8>,
    },
    /// A service.
    Srv {
        /// Lower ones are tried first.
        priority: u16,
        /// The share among those of the same priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The server; `None` for the root, which says that there is no such service (RFC 2782).
        target: Option<Name>,
    },
    /// A name server for a zone below.
    Ns(Name),
}

impl RecordData {
    /// Reads data as a zone file has it, whole names with or without their final dot. Text is taken
    /// literally unless it begins with a quotation mark.
    ///
    /// # Errors
    /// The text has not the form of this type.
    pub fn parse(kind: DnsRecordType, text: &str) -> Result<Self, Defect> {
        let read = match kind {
            DnsRecordType::A => address(text).map(Self::A),
            DnsRecordType::Aaaa => address(text).map(Self::Aaaa),
            DnsRecordType::Cname => Name::target(text).map(Self::Cname),
            DnsRecordType::Ns => Name::target(text).map(Self::Ns),
            DnsRecordType::Txt => txt(text),
            DnsRecordType::Mx => mx(text),
            DnsRecordType::Caa => caa(text),
            DnsRecordType::Srv => srv(text),
        };
        read.map_err(|defect| about(kind, defect))
    }

    /// The type.
    #[must_use]
    pub const fn kind(&self) -> DnsRecordType {
        match self {
            Self::A(_) => DnsRecordType::A,
            Self::Aaaa(_) => DnsRecordType::Aaaa,
            Self::Cname(_) => DnsRecordType::Cname,
            Self::Txt(_) => DnsRecordType::Txt,
            Self::Mx { .. } => DnsRecordType::Mx,
            Self::Caa { .. } => DnsRecordType::Caa,
            Self::Srv { .. } => DnsRecordType::Srv,
            Self::Ns(_) => DnsRecordType::Ns,
        }
    }

    /// The name that the record points to, if it does.
    #[must_use]
    pub const fn target(&self) -> Option<&Name> {
        match self {
            Self::Cname(name) | Self::Ns(name) => Some(name),
            Self::Mx { exchange, .. } => exchange.as_ref(),
            Self::Srv { target, .. } => target.as_ref(),
            Self::A(_) | Self::Aaaa(_) | Self::Txt(_) | Self::Caa { .. } => None,
        }
    }

    /// The data as people read it: without final dots, text in one piece.
    #[must_use]
    pub const fn plain(&self) -> Plain<'_> {
        Plain(self)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, form: Form) -> fmt::Result {
        match self {
            Self::A(address) => write!(f, "{address}"),
            Self::Aaaa(address) => write!(f, "{address}"),
            Self::Cname(name) | Self::Ns(name) => form.name(f, Some(name)),
            Self::Txt(text) => match form {
                Form::ZoneFile => quoted::write_chunks(f, text),
                Form::People => quoted::write(f, text),
            },
            Self::Mx {
                preference,
                exchange,
            } => {
                write!(f, "{preference} ")?;
                form.name(f, exchange.as_ref())
            }
            Self::Caa { flags, tag, value } => {
                write!(f, "{flags} {tag} ")?;
                quoted::write(f, value)
            }
            Self::Srv {
                priority,
                weight,
                port,
                target,
            } => {
                write!(f, "{priority} {weight} {port} ")?;
                form.name(f, target.as_ref())
            }
        }
    }
}

impl fmt::Display for RecordData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Form::ZoneFile)
    }
}

/// A record's data as people read it.
#[derive(Clone, Copy, Debug)]
pub struct Plain<'d>(&'d RecordData);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, Form::People)
    }
}

/// For whom data is written.
#[derive(Clone, Copy)]
enum Form {
    ZoneFile,
    People,
}

impl Form {
    /// Writes a name; `None` is the root.
    fn name(self, f: &mut fmt::Formatter<'_>, name: Option<&Name>) -> fmt::Result {
        match (self, name) {
            (_, None) => f.write_str("."),
            (Self::ZoneFile, Some(name)) => write!(f, "{name}."),
            (Self::People, Some(name)) => write!(f, "{name}"),
        }
    }
}

/// A defect of data, with the type and its form.
fn about(kind: DnsRecordType, defect: Defect) -> Defect {
    let form = match kind {
        DnsRecordType::A => "give an IPv4 address, as 192.0.2.10",
        DnsRecordType::Aaaa => "give an IPv6 address, as 2001:db8::10",
        DnsRecordType::Cname => "give a name, as spore.example",
        DnsRecordType::Ns => "give a name, as ns1.spore.example",
        DnsRecordType::Txt => "give the text, or quoted parts as \"one\" \"two\"",
        DnsRecordType::Mx => "give a preference and a name, as 10 mail.example",
        DnsRecordType::Caa => "give flags, tag and value, as 0 issue \"ca.example\"",
        DnsRecordType::Srv => {
            "give priority, weight, port and name, as 10 20 5060 sip.spore.example"
        }
    };
    let message = format!(
        "not the data of a record of type {}: {}",
        type_name(kind),
        defect.message
    );
    let hint = defect.hint.unwrap_or_else(|| form.into());
    Defect::new("record-value", message).hint(hint)
}

fn wrong(message: impl Into<String>) -> Defect {
    Defect::new("record-value", message)
}

fn address<T: FromStr>(text: &str) -> Result<T, Defect> {
    text.parse().map_err(|_| wrong(format!("{text:?}")))
}

fn txt(text: &str) -> Result<RecordData, Defect> {
    if text.starts_with('"') {
        return Ok(RecordData::Txt(quoted::read(text)?.concat()));
    }
    Ok(RecordData::Txt(text.as_bytes().to_vec()))
}

/// The words of a text, exactly so many.
fn words<const COUNT: usize>(text: &str) -> Result<[&str; COUNT], Defect> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    <[&str; COUNT]>::try_from(words).map_err(|words| {
        wrong(format!(
            "{text:?} has {} parts where {COUNT} are needed",
            words.len()
        ))
    })
}

/// A number of decimal digits alone.
fn number<T: FromStr>(what: &str, text: &str) -> Result<T, Defect> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| wrong(format!("{what} {text:?} is not a number of its range")))
}

/// A name, or `None` for the root.
fn host(text: &str) -> Result<Option<Name>, Defect> {
    match text {
        "." => Ok(None),
        text => Name::target(text).map(Some),
    }
}

fn mx(text: &str) -> Result<RecordData, Defect> {
    let [preference, exchange] = words(text)?;
    Ok(RecordData::Mx {
        preference: number("the preference", preference)?,
        exchange: host(exchange)?,
    })
}

fn srv(text: &str) -> Result<RecordData, Defect> {
    let [priority, weight, port, target] = words(text)?;
    Ok(RecordData::Srv {
        priority: number("the priority", priority)?,
        weight: number("the weight", weight)?,
        port: number("the port", port)?,
        target: host(target)?,
    })
}

fn caa(text: &str) -> Result<RecordData, Defect> {
    let cut = |text: &str| -> Option<(String, String)> {
        let (word, rest) = text.trim_ascii().split_once([' ', '\t'])?;
        Some((word.into(), rest.trim_ascii().into()))
    };
    let parts = cut(text).and_then(|(flags, rest)| Some((flags, cut(&rest)?)));
    let Some((flags, (tag, value))) = parts else {
        return Err(wrong(format!("{text:?} has fewer than 3 parts")));
    };
    let letters = tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !letters || tag.len() > LONGEST_TAG {
        return Err(wrong(format!(
            "the tag {tag:?} has other than letters and digits"
        )));
    }
    Ok(RecordData::Caa {
        flags: number("the flags", &flags)?,
        tag: tag.to_ascii_lowercase(),
        value: caa_value(&value)?,
    })
}

fn caa_value(text: &str) -> Result<Vec<u8>, Defect> {
    if text.starts_with('"') {
        let mut texts = quoted::read(text)?;
        return match (texts.pop(), texts.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(wrong("more than one value")),
        };
    }
    if text.contains([' ', '\t', '"']) {
        return Err(wrong(format!("the value {text:?} is not quoted"))
            .hint("put a value with spaces between quotation marks"));
    }
    Ok(text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests;
