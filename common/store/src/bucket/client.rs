//! The HTTP client: `object_store`'s own, that also hears when the server is
//! full, and signs with the newest keys where they are in a file.

use super::keys::KeyFile;
use data_encoding::HEXLOWER;
use http::header::AUTHORIZATION;
use object_store::{
    ClientOptions,
    aws::{AwsAuthorizer, AwsCredential},
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
    },
};
use std::{io, pin::Pin, sync::Arc};

/// What servers say that have no room left, `MinIO` among them. To the library it
/// is one of the 5xx, and would be tried again.
const INSUFFICIENT_STORAGE: u16 = 507;
/// What servers say to keys that hold no more: Amazon's to those that have run
/// out, and everybody's to those that were taken back.
pub(super) const REFUSED: [u16; 3] = [400, 401, 403];
/// What a signature covers of a request's body.
const DIGEST: &str = "x-amz-content-sha256";
const TOKEN: &str = "x-amz-security-token";

/// Makes clients.
#[derive(Clone, Debug)]
pub(super) struct Sorting {
    pub(super) signing: Option<Signing>,
}

/// Where keys are in a file: the library signs a request once, and sends it
/// with the same signature however often it tries, and however late.
#[derive(Clone, Debug)]
pub(super) struct Signing {
    pub(super) keys: Arc<KeyFile>,
    pub(super) region: String,
}

#[derive(Debug)]
struct Sorted {
    client: HttpClient,
    signing: Option<Signing>,
}

impl HttpConnector for Sorting {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Sorted { client, signing: self.signing.clone() }))
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
            let answer = match &self.signing {
                Some(signing) if request.headers().contains_key(AUTHORIZATION) => self.signed(signing, request).await?,
                _ => self.client.execute(request).await?,
            };
            if answer.status().as_u16() == INSUFFICIENT_STORAGE {
                return Err(HttpError::new(HttpErrorKind::Unknown, io::Error::from(io::ErrorKind::StorageFull)));
            }
            Ok(answer)
        })
    }
}

impl Sorted {
    /// Sends a request with the newest keys, and once more where it is refused
    /// and the file has others by then.
    async fn signed(&self, signing: &Signing, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let keys = signing.keys.current().await;
        signing.sign(&mut request, &keys)?;
        // The parts of its body are shared, not copied.
        let mut again = request.clone();
        let answer = self.client.execute(request).await?;
        if !REFUSED.contains(&answer.status().as_u16()) {
            return Ok(answer);
        }
        match signing.keys.other_than(&keys).await {
            Some(keys) => {
                signing.sign(&mut again, &keys)?;
                self.client.execute(again).await
            }
            None => Ok(answer),
        }
    }
}

impl Signing {
    fn sign(&self, request: &mut HttpRequest, keys: &AwsCredential) -> Result<(), HttpError> {
        request.headers_mut().remove(TOKEN);
        // As the library has written it there.
        let digest = request.headers().get(DIGEST).and_then(|digest| HEXLOWER.decode(digest.as_bytes()).ok());
        let signed = AwsAuthorizer::new(keys, "s3", &self.region).try_authorize(request, digest.as_deref());
        signed.map_err(|error| HttpError::new(HttpErrorKind::Request, error))
    }
}
