//! Sending files: only those that Pages does not have, a few megabytes at a time.
//!
//! What was sent stays there, so an upload that was cut off goes on where it stopped: the next attempt asks
//! again which files are missing.

use super::assets::{Asset, Assets};
use super::blocking;
use super::jwt::UploadToken;
use crate::artifact::PagesHash;
use crate::edge::EdgeError;
use crate::edge::cloudflare::{Account, ApiError, Client, codes};
use crate::edge::http::Request;
use crate::progress::Uploading;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use serde::Serialize;
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The most bytes of files in one request: small enough that a slow line finishes it in time, and that several
/// of them do not fill memory; large enough that requests do not count. A single file may be larger.
const BUCKET: u64 = 4 * 1024 * 1024;

/// The most files in one request, well below what Cloudflare's own client sends (2,000).
const BUCKET_FILES: usize = 1000;

/// Bytes for a file's name, type and punctuation in a request, to make room for: more is found when needed.
const ENVELOPE: usize = 192;

/// Requests under way at once, as with Cloudflare's own client.
const AT_ONCE: usize = 3;

/// Bytes of files in requests under way at once, so that three of the largest files do not come together.
const IN_FLIGHT: u64 = 32 * 1024 * 1024;

/// Times that a refused token is renewed for one request.
const RENEWALS: usize = 3;

/// Times that a request is repeated while too many others are under way (code 10046), and the first pause
/// between; each is twice as long as the one before.
const BUSY: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// How long one request may take: at 25 MiB a line of 1 Mbit/s takes four minutes.
const TIMEOUT: Duration = Duration::from_secs(300);

/// What was sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) files: usize,
    pub(super) bytes: u64,
}

/// Files that travel together.
type Bucket<'a> = Vec<&'a Asset>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    content_type: &'a str,
}

#[derive(Serialize)]
struct Upload<'a> {
    key: PagesHash,
    value: String,
    metadata: Metadata<'a>,
    base64: bool,
}

/// Sends the files of a release that are not there. `told` begins to tell of so many files and bytes.
pub(super) async fn upload(
    account: &Account,
    project: &str,
    assets: &Arc<Assets>,
    told: impl FnOnce(usize, u64) -> Uploading,
) -> Result<Sent, EdgeError> {
    // The token is asked for when all is hashed: it lasts minutes, and hashing a large site takes some.
    let token = UploadToken::get(account, project).await?;
    if let Some(max) = token
        .max_files()
        .await
        .filter(|max| assets.manifest.len() > *max)
    {
        return Err(EdgeError::rejected(format!(
            "the site has {} files, and the account's plan allows {max}",
            assets.manifest.len()
        )));
    }
    let hashes: Vec<String> = assets.files.keys().map(ToString::to_string).collect();
    let hashes = json!({ "hashes": hashes });
    let missing: HashSet<String> = call(&token, "/pages/assets/check-missing", &hashes).await?;
    let missing: Vec<&Asset> = assets
        .files
        .values()
        .filter(|asset| missing.contains(&asset.hash.to_string()))
        .collect();
    let sent = Sent {
        files: missing.len(),
        bytes: missing.iter().map(|asset| asset.size).sum(),
    };
    let room = Semaphore::new(usize::try_from(IN_FLIGHT).unwrap_or(Semaphore::MAX_PERMITS));
    let uploading = (sent.files > 0).then(|| told(sent.files, sent.bytes));
    stream::iter(buckets(missing).into_iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, async |bucket| {
            let (files, bytes) = (bucket.len(), bucket.iter().map(|asset| asset.size).sum());
            send(&token, assets, &room, bucket).await?;
            if let Some(uploading) = &uploading {
                uploading.sent(files, bytes);
            }
            Ok::<(), EdgeError>(())
        })
        .await?;
    // Files that are not used for a while are cleared away; this says that they are. It failing loses nothing now.
    if let Err(error) =
        call::<serde::de::IgnoredAny>(&token, "/pages/assets/upsert-hashes", &hashes).await
    {
        tracing::warn!(project, "the files' use was not noted: {}", error.full());
    }
    Ok(sent)
}

/// Deals files out, the largest first, so that no bucket is much larger than the others.
fn buckets(mut missing: Vec<&Asset>) -> Vec<Bucket<'_>> {
    missing.sort_by(|one, two| two.size.cmp(&one.size).then(one.hash.cmp(&two.hash)));
    let mut buckets: Vec<(u64, Bucket<'_>)> = Vec::new();
    for asset in missing {
        let fits = |(size, bucket): &&mut (u64, Bucket<'_>)| {
            size.saturating_add(asset.size) <= BUCKET && bucket.len() < BUCKET_FILES
        };
        // Only the last few buckets can have room; looking at them all would take quadratic time.
        match buckets.iter_mut().rev().take(AT_ONCE).find(fits) {
            Some((size, bucket)) => {
                *size += asset.size;
                bucket.push(asset);
            }
            None => buckets.push((asset.size, vec![asset])),
        }
    }
    buckets.into_iter().map(|(_, bucket)| bucket).collect()
}

async fn send(
    token: &UploadToken<'_>,
    assets: &Arc<Assets>,
    room: &Semaphore,
    bucket: Bucket<'_>,
) -> Result<(), EdgeError> {
    let size: u64 = bucket.iter().map(|asset| asset.size).sum();
    let permits = u32::try_from(size.clamp(1, IN_FLIGHT)).unwrap_or(u32::MAX);
    // The semaphore is never closed.
    let _room = room.acquire_many(permits).await.ok();
    let body = body(assets, bucket).await?;
    call_with::<serde::de::IgnoredAny>(token, "/pages/assets/upload", body)
        .await
        .map(drop)
}

/// The request's body, made on a thread that may wait for the disk.
async fn body(assets: &Arc<Assets>, bucket: Bucket<'_>) -> Result<Bytes, EdgeError> {
    let assets = Arc::clone(assets);
    let bucket: Vec<Asset> = bucket.into_iter().cloned().collect();
    blocking(move || written(&assets, &bucket)).await
}

/// Files as a JSON array, written one by one: of a bucket's content no more is held than what will be sent.
fn written(assets: &Assets, bucket: &[Asset]) -> Result<Bytes, EdgeError> {
    let size: u64 = bucket.iter().map(|asset| asset.size).sum();
    let size = usize::try_from(size).unwrap_or(0);
    let mut body = Vec::with_capacity(size / 3 * 4 + bucket.len() * ENVELOPE);
    body.push(b'[');
    for asset in bucket {
        if body.len() > 1 {
            body.push(b',');
        }
        let upload = Upload {
            key: asset.hash,
            value: STANDARD.encode(assets.read(asset)?),
            metadata: Metadata {
                content_type: &asset.content_type,
            },
            base64: true,
        };
        serde_json::to_writer(&mut body, &upload)
            .map_err(|error| EdgeError::rejected("the files cannot be sent").source(error))?;
    }
    body.push(b']');
    Ok(body.into())
}

async fn call<T: serde::de::DeserializeOwned + Default>(
    token: &UploadToken<'_>,
    path: &str,
    body: &impl Serialize,
) -> Result<T, EdgeError> {
    let body = serde_json::to_vec(body)
        .map_err(|error| EdgeError::rejected("the request cannot be written").source(error))?;
    Ok(call_with(token, path, body.into())
        .await?
        .unwrap_or_default())
}

/// One call with the upload token: renewed when it is refused, patient when too much is going on.
async fn call_with<T: serde::de::DeserializeOwned>(
    token: &UploadToken<'_>,
    path: &str,
    body: Bytes,
) -> Result<Option<T>, EdgeError> {
    let (mut renewals, mut busy) = (0, 0);
    loop {
        let client = token.client().await?;
        let error = match attempt(&client, path, body.clone()).await {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        if is_expired(&error) && renewals < RENEWALS {
            renewals += 1;
            token.renew(&client).await?;
        } else if error.has(codes::BULK) && busy < BUSY {
            tokio::time::sleep(PAUSE * 2_u32.pow(busy)).await;
            busy += 1;
        } else {
            return Err(error.into());
        }
    }
}

async fn attempt<T: serde::de::DeserializeOwned>(
    client: &Client,
    path: &str,
    body: Bytes,
) -> Result<Option<T>, ApiError> {
    let request = Request::post(client.url(path))
        .body("application/json", body)
        .repeatable(true)
        .timeout(TIMEOUT);
    let reply = client.call(request, &format!("POST {path}")).await?;
    Ok(reply.result)
}

/// Whether the upload token has run out. The answer to that is plain text.
fn is_expired(error: &ApiError) -> bool {
    error.has(codes::UPLOAD_TOKEN)
        || matches!(error, ApiError::Refused { text, .. } if text.contains("Expired JWT"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Artifact;
    use crate::desired::Rules;

    #[test]
    fn buckets_hold_every_file_once_and_keep_their_limits() {
        let sizes = [
            10, 3_000_000, 3_000_000, 5_000_000, 2_000_000, 900_000, 1, 1, 1,
        ];
        let files = (0..2500).map(|number| {
            let size = sizes[number % sizes.len()].min(40_000 + number);
            let mut content = vec![b'x'; size];
            content.extend(number.to_le_bytes());
            (format!("{number}.bin"), content)
        });
        let mut files: std::collections::BTreeMap<String, Vec<u8>> = files.collect();
        files.insert("large.bin".into(), vec![0; 5_000_000]);
        let artifact = Arc::new(Artifact::in_memory(files));
        let assets = Assets::of(&artifact, &Rules::default()).unwrap();
        let buckets = buckets(assets.files.values().collect());
        let total: usize = buckets.iter().map(Vec::len).sum();
        assert_eq!(total, assets.files.len());
        for bucket in &buckets {
            let size: u64 = bucket.iter().map(|asset| asset.size).sum();
            assert!(size <= BUCKET || bucket.len() == 1);
            assert!(bucket.len() <= BUCKET_FILES);
        }
        let all: u64 = assets.files.values().map(|asset| asset.size).sum();
        let least = usize::try_from(all / BUCKET).unwrap();
        assert!(
            buckets.len() <= 2 * least + 4,
            "{} of {least}",
            buckets.len()
        );
    }
}
