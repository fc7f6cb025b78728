//! The HTTP client: `object_store`'s own, that also hears when the server is full.

use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
    },
};
use std::{io, pin::Pin};

/// What servers say that have no room left, `MinIO` among them. To the library it
/// is one of the 5xx, and would be tried again.
const INSUFFICIENT_STORAGE: u16 = 507;

#[derive(Clone, Copy, Debug)]
pub(super) struct Sorting;

#[derive(Debug)]
struct Sorted(HttpClient);

impl HttpConnector for Sorting {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Sorted(ReqwestConnector::default().connect(options)?)))
    }
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Sorted {
    // As `async_trait` writes it.
    fn call<'life0, 'async_trait>(&'life0 self, request: HttpRequest) -> Answer<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let answer = self.0.execute(request).await?;
            if answer.status().as_u16() == INSUFFICIENT_STORAGE {
                return Err(HttpError::new(HttpErrorKind::Unknown, io::Error::from(io::ErrorKind::StorageFull)));
            }
            Ok(answer)
        })
    }
}
