//! Calls to the API.

use super::answer::{ApiError, PageInfo, Reply, read};
use crate::edge::http::{Answer, Budget, Http, Part, Request};
use crate::edge::secret::Secret;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Pages of a list that are asked for at once.
const AT_ONCE: usize = 4;

/// Calls with one token.
#[derive(Clone)]
pub struct Client {
    http: Http,
    base_url: String,
    token: Secret,
    budget: Budget,
}

impl Client {
    pub(super) const fn new(http: Http, base_url: String, token: Secret, budget: Budget) -> Self {
        Self {
            http,
            base_url,
            token,
            budget,
        }
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// The token, for Cloudflare's own client.
    #[must_use]
    pub const fn token(&self) -> &Secret {
        &self.token
    }

    /// The same with another token, within the same allowance.
    #[must_use]
    pub fn with_token(&self, token: Secret) -> Self {
        Self {
            token,
            ..self.clone()
        }
    }

    /// Reads one thing.
    ///
    /// # Errors
    /// It is not there, or the call failed.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.need(Request::get(self.url(path)), &format!("GET {path}"))
            .await
    }

    /// Reads one thing that may not be there.
    ///
    /// # Errors
    /// The call failed.
    pub async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ApiError> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads one page of a list; pages are counted from 1.
    ///
    /// # Errors
    /// The call failed.
    pub async fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        page: usize,
        per_page: usize,
    ) -> Result<Reply<Vec<T>>, ApiError> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{mark}page={page}&per_page={per_page}");
        let call = format!("GET {path}");
        let reply = self.call(Request::get(self.url(&path)), &call).await?;
        Ok(Reply {
            result: reply.result.unwrap_or_default(),
            info: reply.info,
        })
    }

    /// Reads a whole list, several pages at once.
    ///
    /// # Errors
    /// A call failed.
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        per_page: usize,
    ) -> Result<Vec<T>, ApiError> {
        let first = self.page(path, 1, per_page).await?;
        let pages = pages(first.info, per_page);
        let mut items = first.result;
        let rest: Vec<Reply<Vec<T>>> = stream::iter(2..=pages)
            .map(|page| self.page(path, page, per_page))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        items.extend(rest.into_iter().flat_map(|reply| reply.result));
        Ok(items)
    }

    /// Makes something. A call whose answer was lost is not repeated: see [`ApiError::is_ambiguous`].
    ///
    /// # Errors
    /// The call failed.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        let request = Request::post(self.url(path)).json(body);
        self.need(request, &format!("POST {path}")).await
    }

    /// Does something that may be done twice, and whose result does not matter.
    ///
    /// # Errors
    /// The call failed.
    pub async fn post_again(&self, path: &str, body: &impl Serialize) -> Result<(), ApiError> {
        let request = Request::post(self.url(path)).json(body).repeatable(true);
        self.call::<serde::de::IgnoredAny>(request, &format!("POST {path}"))
            .await
            .map(drop)
    }

    /// Makes something of the parts of a form.
    ///
    /// # Errors
    /// The call failed.
    pub async fn form<T: DeserializeOwned>(
        &self,
        path: &str,
        parts: Vec<Part>,
    ) -> Result<T, ApiError> {
        let request = Request::post(self.url(path)).multipart(parts);
        self.need(request, &format!("POST {path}")).await
    }

    /// Changes something in part.
    ///
    /// # Errors
    /// The call failed.
    pub async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        let request = Request::patch(self.url(path)).json(body);
        self.need(request, &format!("PATCH {path}")).await
    }

    /// Takes something away. What is not there any more is gone as asked.
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete(&self, path: &str) -> Result<(), ApiError> {
        let request = Request::delete(self.url(path));
        let call = format!("DELETE {path}");
        match self.call::<serde::de::IgnoredAny>(request, &call).await {
            Err(error) if !error.is_missing() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Sends a request with the token and reads its answer.
    ///
    /// # Errors
    /// There was no answer, it is a refusal, or it is not understood.
    pub async fn call<T: DeserializeOwned>(
        &self,
        request: Request,
        call: &str,
    ) -> Result<Reply<Option<T>>, ApiError> {
        let answer = self.answer(request).await?;
        read(call, &answer)
    }

    /// Sends a request with the token.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn answer(&self, request: Request) -> Result<Answer, ApiError> {
        let request = request.bearer(&self.token);
        Ok(self.http.send(&request, &self.budget).await?)
    }

    async fn need<T: DeserializeOwned>(&self, request: Request, call: &str) -> Result<T, ApiError> {
        let reply = self.call(request, call).await?;
        reply.result.ok_or_else(|| ApiError::Garbled {
            call: call.into(),
            what: "it has no result".into(),
            text: String::new(),
        })
    }
}

/// How many pages a list has.
fn pages(info: PageInfo, per_page: usize) -> usize {
    info.total_pages.max(info.total_count.div_ceil(per_page))
}
