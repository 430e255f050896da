//! Forms of several parts: `multipart/form-data`, RFC 7578.

use super::refusal::{self, Refusal};
use super::wire::Request;
use hyper::body::Bytes;
use std::collections::BTreeMap;

/// The parts of a request's body by name. A part that comes twice is refused.
pub(crate) fn parts(request: &Request) -> Result<BTreeMap<String, Bytes>, Refusal> {
    let boundary = boundary(&request.content_type)
        .ok_or_else(|| refusal::bad_shape("the body is no multipart/form-data"))?;
    let delimiter = format!("--{boundary}");
    let malformed = || refusal::bad_shape("the form breaks off or is malformed");
    let mut parts = BTreeMap::new();
    let mut at = find(&request.body, delimiter.as_bytes(), 0).ok_or_else(malformed)?;
    let next = format!("\r\n{delimiter}");
    loop {
        let start = at + delimiter.len();
        let rest = &request.body[start..];
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        if !rest.starts_with(b"\r\n") {
            return Err(malformed());
        }
        let end = find(&request.body, next.as_bytes(), start).ok_or_else(malformed)?;
        let (name, content) = part(&request.body.slice(start + 2..end)).ok_or_else(malformed)?;
        if parts.insert(name.clone(), content).is_some() {
            return Err(refusal::bad_shape(&format!("the part {name} comes twice")));
        }
        at = end + 2;
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let rest = content_type.strip_prefix("multipart/form-data")?;
    let (_, boundary) = rest.split_once("boundary=")?;
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    (!boundary.is_empty()).then_some(boundary)
}

/// A part's name and content.
fn part(part: &Bytes) -> Option<(String, Bytes)> {
    let end = find(part, b"\r\n\r\n", 0)?;
    let head = std::str::from_utf8(&part[..end]).ok()?;
    let disposition = head.lines().find(|line| {
        let name = line.split(':').next().unwrap_or_default();
        name.eq_ignore_ascii_case("content-disposition")
    })?;
    let mut fields = disposition.split(';').map(str::trim);
    let name = fields.find_map(|field| field.strip_prefix("name="))?;
    Some((name.trim_matches('"').to_owned(), part.slice(end + 4..)))
}

/// Where a text begins in another one, from an index on.
fn find(text: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let found = text
        .get(from..)?
        .windows(wanted.len())
        .position(|it| it == wanted);
    found.map(|at| from + at)
}
