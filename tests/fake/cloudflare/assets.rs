//! Assets: files by the hash of their content and extension, and the endpoints that take them.

use super::access;
use super::jwt::Claims;
use super::refusal::{self, Refusal, strict};
use super::route::Place;
use super::shapes;
use super::wire::{Answer, Request};
use super::world::World;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The longest file, in bytes: <https://developers.cloudflare.com/pages/platform/limits/>.
const FILE: usize = 25 << 20;

/// The most content in one request, in bytes before base64, as the official client bounds it.
const BUCKET: usize = 40 << 20;

/// The most files in one request, as the official client bounds them.
const BUCKET_FILES: usize = 2_000;

/// The extensions that files of some types have. Types that files of any extension may have are not here.
const EXTENSIONS: [(&str, &[&str]); 8] = [
    ("text/html", &["html", "htm", "shtml", ""]),
    ("text/css", &["css"]),
    ("image/png", &["png"]),
    ("image/gif", &["gif"]),
    ("image/webp", &["webp"]),
    ("image/svg+xml", &["svg", "svgz"]),
    ("font/woff2", &["woff2"]),
    ("application/pdf", &["pdf"]),
];

/// An uploaded file.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) content: Bytes,
    pub(crate) content_type: String,
    /// Whether it was named to `upsert-hashes`.
    pub(crate) kept: bool,
    /// The extensions that its key was found to be right for.
    verified: Vec<String>,
}

impl Asset {
    /// Whether the key is that of this content in a file with this extension.
    pub(crate) fn fits(&mut self, key: &str, extension: &str) -> bool {
        if self.verified.iter().any(|verified| verified == extension) {
            return true;
        }
        let fits = asset_key(&self.content, extension) == key;
        if fits {
            self.verified.push(extension.to_owned());
        }
        fits
    }
}

/// The key of a file: the first 32 hexadecimal digits of the BLAKE3 hash of the content in base64 followed
/// by the extension, which has no dot and keeps its case.
pub(crate) fn asset_key(content: &[u8], extension: &str) -> String {
    let mut text = BASE64_STANDARD.encode(content);
    text.push_str(extension);
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

/// The extension that goes into a file's key: what follows the last dot of its name, if that dot does not
/// begin the name.
pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => "",
    }
}

/// A new upload token.
pub(crate) fn token(world: &mut World, at: Place<'_>) -> Result<Answer, Refusal> {
    world.project(at.account, at.name)?;
    let expires = world.clock.since_epoch() + world.settings.jwt_lifetime;
    let claims = Claims {
        account: at.account.to_owned(),
        project: at.name.to_owned(),
        expires: expires.as_secs(),
        files: world.settings.files,
    };
    Ok(Answer::result(json!({ "jwt": claims.sign() })))
}

/// The endpoints below `/pages/assets`.
pub(crate) fn answer(
    world: &mut World,
    request: &Request,
    action: &str,
) -> Result<Answer, Refusal> {
    let claims = Claims::of(access::bearer(request)?, world.clock.since_epoch())?;
    let project = world.project(&claims.account, &claims.project)?;
    let assets = &mut project.assets;
    match action {
        "check-missing" => Ok(check_missing(assets, &hashes(request, claims.files)?)),
        "upsert-hashes" => upsert(assets, &hashes(request, claims.files)?),
        "upload" => upload(assets, request),
        _ => Err(refusal::no_route(&request.path)),
    }
}

type Assets = BTreeMap<String, Asset>;

fn hashes(request: &Request, most: usize) -> Result<Vec<String>, Refusal> {
    let body = request.json()?;
    shapes::HASHES.check(&body)?;
    let hashes = body["hashes"].as_array().into_iter().flatten();
    let hashes: Vec<String> = hashes.filter_map(Value::as_str).map(Into::into).collect();
    if let Some(bad) = hashes.iter().find(|hash| !is_key(hash)) {
        return Err(refusal::bad_shape(&format!(
            "{bad:?} is no key of an asset"
        )));
    }
    if hashes.len() > most {
        return Err(refusal::over_limit(format!("more than {most} files")));
    }
    Ok(hashes)
}

/// Whether a text has the form of an asset's key.
pub(crate) fn is_key(text: &str) -> bool {
    super::route::is_identifier(text)
}

fn check_missing(assets: &Assets, hashes: &[String]) -> Answer {
    let mut told = BTreeSet::new();
    let missing = hashes.iter().filter(|hash| !assets.contains_key(*hash));
    let missing: Vec<&String> = missing.filter(|hash| told.insert(*hash)).collect();
    Answer::result(json!(missing))
}

fn upsert(assets: &mut Assets, hashes: &[String]) -> Result<Answer, Refusal> {
    for hash in hashes {
        let Some(asset) = assets.get_mut(hash) else {
            return Err(refusal::bad_manifest(format!("{hash} was not uploaded")));
        };
        asset.kept = true;
    }
    Ok(Answer::result(Value::Null))
}

fn upload(assets: &mut Assets, request: &Request) -> Result<Answer, Refusal> {
    let body = request.json()?;
    shapes::UPLOADS.check(&body)?;
    let uploads = body.as_array().map(Vec::as_slice).unwrap_or_default();
    if uploads.len() > BUCKET_FILES {
        return Err(refusal::over_limit(format!(
            "more than {BUCKET_FILES} files at once"
        )));
    }
    let uploads = uploads.iter().map(received);
    let uploads = uploads.collect::<Result<Vec<_>, _>>()?;
    let total: usize = uploads.iter().map(|(_, asset)| asset.content.len()).sum();
    if total > BUCKET {
        return Err(refusal::over_limit(format!(
            "more than {BUCKET} bytes at once"
        )));
    }
    assets.extend(uploads);
    Ok(Answer::result(Value::Null))
}

/// One uploaded file, checked as far as it can be without its path.
fn received(upload: &Value) -> Result<(String, Asset), Refusal> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let key = text(&upload["key"]);
    if !is_key(&key) {
        return Err(refusal::bad_shape(&format!(
            "{key:?} is no key of an asset"
        )));
    }
    if upload["base64"] != true {
        return Err(refusal::bad_shape("the value must be in base64"));
    }
    let content = BASE64_STANDARD.decode(text(&upload["value"]));
    let content = content.map_err(|error| refusal::bad_shape(&format!("{key}: {error}")))?;
    if content.len() > FILE {
        return Err(refusal::over_limit(format!(
            "{key} has more than {FILE} bytes"
        )));
    }
    let mut asset = Asset {
        content: content.into(),
        content_type: text(&upload["metadata"]["contentType"]),
        kept: false,
        verified: Vec::new(),
    };
    if !asset.plausible(&key) {
        return Err(wrong_hash(&key, &asset.content_type));
    }
    Ok((key, asset))
}

impl Asset {
    /// Whether the key can be right for a file of this type.
    fn plausible(&mut self, key: &str) -> bool {
        let kind = self.content_type.split(';').next().unwrap_or_default();
        let known = EXTENSIONS.iter().find(|(known, _)| *known == kind.trim());
        known.is_none_or(|(_, extensions)| extensions.iter().any(|it| self.fits(key, it)))
    }
}

/// The refusal of a key that is not the hash of its file.
pub(crate) fn wrong_hash(key: &str, what: &str) -> Refusal {
    let message = format!("{key} is not the hash of the content and extension of {what}");
    Refusal::new(400, strict::HASH, message)
}
