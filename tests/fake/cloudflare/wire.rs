//! Requests and answers in the service's envelope.

use super::refusal::{self, Refusal};
use hyper::body::Bytes;
use hyper::{Method, Uri};
use serde_json::{Value, json};

/// A request whose body has been read.
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The path below `/client/v4`, as it was sent.
    pub(crate) path: String,
    /// The parts of that path, percent-decoded.
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

impl Request {
    /// Takes a request's address apart. `None` when it lies outside `/client/v4`.
    pub(crate) fn new(method: Method, uri: &Uri) -> Option<Self> {
        let path = uri.path().strip_prefix("/client/v4")?.to_owned();
        let segments = path.strip_prefix('/')?.split('/').map(decoded).collect();
        let pairs = uri.query().unwrap_or_default().split('&');
        let query = pairs.filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded_form(name), decoded_form(value))
        });
        Some(Self {
            method,
            segments,
            query: query.collect(),
            path,
            authorization: None,
            content_type: String::new(),
            body: Bytes::new(),
        })
    }

    /// The body as JSON, whatever its content type says: the service does not look at it.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body)
            .map_err(|error| refusal::bad_json(&format!("the body is not JSON: {error}")))
    }

    /// The value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Refuses query parameters of other names.
    pub(crate) fn only(&self, names: &[&str]) -> Result<(), Refusal> {
        let unknown = self.query.iter().find(|(key, _)| !names.contains(&&**key));
        match unknown {
            None => Ok(()),
            Some((key, _)) => Err(refusal::bad_shape(&format!("there is no parameter {key}"))),
        }
    }

    /// Which page is asked for.
    pub(crate) fn page(&self, sizes: &Sizes) -> Result<Page, Refusal> {
        let number = |name, otherwise| match self.parameter(name) {
            None => Ok(otherwise),
            Some(text) => text.parse::<usize>().map_err(|_| sizes.refused()),
        };
        let page = Page {
            number: number("page", 1)?,
            size: number("per_page", sizes.usual)?,
        };
        if page.number < 1 || page.size < sizes.least || page.size > sizes.most {
            return Err(sizes.refused());
        }
        Ok(page)
    }
}

/// How long the pages of a list may be.
pub(crate) struct Sizes {
    pub(crate) least: usize,
    pub(crate) most: usize,
    /// Without `per_page`.
    pub(crate) usual: usize,
    /// The code of the refusal of others.
    pub(crate) code: u32,
}

impl Sizes {
    fn refused(&self) -> Refusal {
        let message = "Invalid list options provided. Review the `page` or `per_page` parameter.";
        Refusal::new(400, self.code, message)
    }
}

/// A page of a list, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) number: usize,
    pub(crate) size: usize,
}

/// An answer on its way out.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A success with a result.
    pub(crate) fn result(result: Value) -> Self {
        let mut body = json!({ "result": null, "success": true, "errors": [], "messages": [] });
        body["result"] = result;
        Self::json(200, &body)
    }

    /// A success with a page of a list.
    pub(crate) fn list(all: Vec<Value>, page: Page) -> Self {
        let total = all.len();
        let start = page.size.saturating_mul(page.number - 1);
        let shown: Vec<Value> = all.into_iter().skip(start).take(page.size).collect();
        let info = json!({
            "page": page.number,
            "per_page": page.size,
            "count": shown.len(),
            "total_count": total,
            "total_pages": total.div_ceil(page.size),
        });
        let mut body = json!({ "result": shown, "result_info": info });
        body["success"] = true.into();
        body["errors"] = json!([]);
        body["messages"] = json!([]);
        Self::json(200, &body)
    }

    /// An answer with a JSON body.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            body: body.to_string().into(),
        }
    }

    /// An answer with a body of another type.
    pub(crate) fn text(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body: body.into(),
        }
    }
}

/// A part of a path without its percent-encoding.
fn decoded(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A part of a query, where a plus sign is a space.
fn decoded_form(text: &str) -> String {
    decoded(&text.replace('+', " "))
}
