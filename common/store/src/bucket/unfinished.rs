//! Uploads in parts that were begun and not ended: whoever began one died, or
//! never heard its id. They cost room, and no listing of objects shows them.

use super::{Bucket, client::REFUSED};
use crate::StoreError;
use futures_util::{Stream, TryStreamExt, stream};
use http::Method;
use object_store::{
    client::{HttpRequest, HttpRequestBody, HttpResponse},
    multipart::MultipartStore,
    path::Path,
    signer::{SignedUrlOptions, Signer},
};
use serde::Deserialize;
use std::{io, time::Duration};

const ATTEMPT: &str = "list unfinished uploads";
/// How long the signature of a request holds: only for the request itself.
const SIGNED_FOR: Duration = Duration::from_mins(1);
/// Uploads in one answer.
const PAGE: &str = "1000";

/// One that is not ended: its object's path, without the store's prefix, and
/// its own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UploadId {
    pub(crate) path: String,
    pub(crate) id: String,
}

/// The answer to `ListMultipartUploads`, as far as it is of interest.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Page {
    is_truncated: bool,
    next_key_marker: String,
    next_upload_id_marker: String,
    upload: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    key: String,
    upload_id: String,
}

enum Next {
    Page { key: String, upload: String },
    None,
}

impl Bucket {
    /// Those under a folder, which is empty for all or ends with a slash. A page
    /// is in memory at a time.
    pub(crate) fn unfinished(&self, folder: &str) -> impl Stream<Item = Result<UploadId, StoreError>> + Send + use<> {
        let (bucket, root) = (self.clone(), self.root());
        let prefix = format!("{root}{folder}");
        let first = Next::Page { key: String::new(), upload: String::new() };
        let pages = stream::try_unfold(first, move |next| {
            let (bucket, prefix, root) = (bucket.clone(), prefix.clone(), root.clone());
            async move {
                let Next::Page { key, upload } = next else { return Ok(None) };
                let page = bucket.page(&prefix, &key, &upload).await?;
                let ids = page.upload.into_iter().filter_map(move |Listed { key, upload_id }| {
                    let path = key.strip_prefix(&root)?.to_owned();
                    Some(Ok(UploadId { path, id: upload_id }))
                });
                // A server that forgets where it was would be asked for ever.
                let is_further = (&page.next_key_marker, &page.next_upload_id_marker) != (&key, &upload);
                let next = if page.is_truncated && is_further {
                    Next::Page { key: page.next_key_marker, upload: page.next_upload_id_marker }
                } else {
                    Next::None
                };
                Ok(Some((stream::iter(ids), next)))
            }
        });
        pages.try_flatten()
    }

    /// Ends one for good. One that is gone is as well.
    pub(crate) async fn abort(&self, upload: &UploadId) -> Result<(), StoreError> {
        let path = Path::from(format!("{}{}", self.root(), upload.path));
        let aborted = self.s3.abort_multipart(&path, &upload.id).await;
        match aborted.map_err(|error| StoreError::failed("end an unfinished upload", error)) {
            Ok(()) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What the server's keys begin with.
    pub(super) fn root(&self) -> String {
        match self.prefix.as_ref() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        }
    }

    async fn ask(&self, options: &SignedUrlOptions) -> Result<HttpResponse, StoreError> {
        let failed = |error: object_store::Error| StoreError::failed(ATTEMPT, error);
        let url = self.s3.signed_url_opts(Method::GET, &Path::default(), SIGNED_FOR, options).await.map_err(failed)?;
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.uri_mut() = url.as_str().parse().map_err(|error| StoreError::failed(ATTEMPT, Box::new(error)))?;
        self.client.execute(request).await.map_err(|error| StoreError::failed(ATTEMPT, error))
    }

    async fn page(&self, prefix: &str, key: &str, upload: &str) -> Result<Page, StoreError> {
        let mut query = vec![("uploads", ""), ("max-uploads", PAGE)];
        let markers = [("prefix", prefix), ("key-marker", key), ("upload-id-marker", upload)];
        query.extend(markers.into_iter().filter(|(_, value)| !value.is_empty()));
        let options = SignedUrlOptions::new().with_query(query);
        let mut answer = self.ask(&options).await?;
        if let Some(keys) = self.keys.as_ref().filter(|_| REFUSED.contains(&answer.status().as_u16())) {
            keys.other_than(&*keys.current().await).await;
            answer = self.ask(&options).await?;
        }
        if !answer.status().is_success() {
            let status = format!("the server answered with {}", answer.status());
            return Err(StoreError::failed(ATTEMPT, io::Error::other(status)));
        }
        let body = answer.into_body().bytes().await.map_err(|error| StoreError::failed(ATTEMPT, error))?;
        quick_xml::de::from_reader(&body[..]).map_err(|error| StoreError::failed(ATTEMPT, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_the_manual_is_understood() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>bucket</Bucket>
            <KeyMarker/><UploadIdMarker/><NextKeyMarker>my-movie.m2ts</NextKeyMarker>
            <NextUploadIdMarker>YW55IGlkZWE</NextUploadIdMarker><MaxUploads>2</MaxUploads><IsTruncated>true</IsTruncated>
            <Upload><Key>my-divisor</Key><UploadId>XMgbGlrZSBlbHZpbmc</UploadId><StorageClass>STANDARD</StorageClass>
            <Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>
            <Upload><Key>my-movie.m2ts</Key><UploadId>VXBsb2FkIElE</UploadId></Upload></ListMultipartUploadsResult>"#;
        let page: Page = quick_xml::de::from_reader(text.as_bytes()).unwrap();
        assert!(page.is_truncated);
        assert_eq!(
            (page.next_key_marker.as_str(), page.next_upload_id_marker.as_str()),
            ("my-movie.m2ts", "YW55IGlkZWE")
        );
        let ids: Vec<_> = page.upload.iter().map(|listed| (listed.key.as_str(), listed.upload_id.as_str())).collect();
        assert_eq!(ids, [("my-divisor", "XMgbGlrZSBlbHZpbmc"), ("my-movie.m2ts", "VXBsb2FkIElE")]);
        let page: Page =
            quick_xml::de::from_reader(&b"<ListMultipartUploadsResult></ListMultipartUploadsResult>"[..]).unwrap();
        assert!(page.upload.is_empty() && !page.is_truncated);
    }
}
