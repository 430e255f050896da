//! What can be wrong with a message: a [`Fault`] names the field, what is wrong and what to do.

use std::fmt;

/// The longest message, in bytes. Messages show the value at fault, which may be as long as a whole
/// message may be; so much of it is enough to find it by.
const LONGEST: usize = 500;

/// What is wrong with one value, before it is known where the value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// A name for programs, never changed once given.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Defect {
    /// A defect without a hint.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > LONGEST {
            let whole = (0..=LONGEST).rev().find(|&at| message.is_char_boundary(at));
            message.truncate(whole.unwrap_or(0));
            message.push('…');
        }
        Self {
            code,
            message,
            hint: None,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A text of `count` units where `max` are allowed.
    #[must_use]
    pub fn too_long(count: usize, max: usize, unit: &str) -> Self {
        Self::new(
            "too-long",
            format!("{count} {unit}; at most {max} are allowed"),
        )
    }

    /// The fault of a value at `path`.
    #[must_use]
    pub fn at(self, path: impl Into<String>) -> Fault {
        Fault {
            code: self.code,
            path: path.into(),
            message: self.message,
            hint: self.hint,
        }
    }
}

/// Something wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A name for programs, never changed once given.
    pub code: &'static str,
    /// The field, as `dns.records[3].ttl`; empty when no field is at fault.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything wrong with a message, in the order of its fields. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// The faults, if there is any.
    #[must_use]
    pub fn of(faults: Vec<Fault>) -> Option<Self> {
        (!faults.is_empty()).then_some(Self(faults))
    }

    /// The faults.
    #[must_use]
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }

    /// The faults.
    #[must_use]
    pub fn into_vec(self) -> Vec<Fault> {
        self.0
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
