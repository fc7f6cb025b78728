//! An S3 server of one test's own: `s3s-fs` over a temp folder, on a free port
//! of the loopback, with signatures checked. It answers with errors when it is
//! told to; what happens on the wire is the proxy's to spoil.
//!
//! It runs on threads of its own, so that it goes on while a test blocks. Only
//! what it needs itself is used here, so that other crates' tests can include
//! this file by its path.

mod bucket;
mod keys;
mod seen;
mod trouble;

pub use seen::Seen;
pub use trouble::Trouble;

use bucket::Bucket;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use keys::Keys;
use s3s::service::S3ServiceBuilder;
use seen::Requests;
use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};
use tokio::sync::oneshot;
use trouble::Troubles;

/// The only bucket.
pub const BUCKET: &str = "media-of-a-test";
/// Whose requests are accepted.
pub const ACCESS_KEY: &str = "key-of-a-test";
/// What they are signed with.
pub const SECRET_KEY: &str = "secret of the test's bucket";

/// A running server. It ends with this.
#[derive(Debug)]
pub struct S3 {
    address: SocketAddr,
    root: PathBuf,
    /// Removed with the server, where it is the server's own.
    _folder: Option<tempfile::TempDir>,
    bucket: Bucket,
    keys: Keys,
    between: Arc<Between>,
    /// Dropping it stops the server.
    _hold: oneshot::Sender<()>,
}

impl S3 {
    /// Starts a server with one empty bucket.
    ///
    /// # Panics
    /// If there is no port left.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temp folder can be made");
        fs::create_dir(folder.path().join(BUCKET)).expect("a bucket is a folder");
        let server = Self::at(folder.path(), 0, Between { is_noting: true, ..Between::default() });
        server.accept_keys(ACCESS_KEY, SECRET_KEY);
        Self { _folder: Some(folder), ..server }
    }

    /// Starts a server over a folder that is there and stays, in which each folder is a
    /// bucket. It accepts no keys yet, and does not remember what it was asked.
    ///
    /// # Panics
    /// If it cannot have that port.
    #[must_use]
    pub fn over(root: &Path, port: u16) -> Self {
        Self::at(root, port, Between::default())
    }

    fn at(root: &Path, port: u16, between: Between) -> Self {
        let bucket = Bucket::over(root);
        let mut service = S3ServiceBuilder::new(bucket.clone());
        let keys = Keys::default();
        service.set_auth(keys.clone());
        let (service, between) = (service.build(), Arc::new(between));
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        listener.set_nonblocking(true).expect("a listener can be made so");
        let address = listener.local_addr().expect("it is bound");
        let (hold, stop) = oneshot::channel();
        let on_the_way = between.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, service, on_the_way) => {}
                    _ = stop => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { address, root: root.to_owned(), _folder: None, bucket, keys, between, _hold: hold }
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The section `store` of processes that reach a server by this port, its
    /// own or a proxy's, and use this prefix.
    #[must_use]
    pub fn settings(prefix: &str, port: u16) -> Vec<(&'static str, String)> {
        vec![
            ("store.url", format!("s3://{BUCKET}/{prefix}")),
            ("store.endpoint", format!("http://127.0.0.1:{port}")),
            ("store.allow_plain_http", "true".to_owned()),
            ("store.access_key", ACCESS_KEY.to_owned()),
            ("store.secret_key", SECRET_KEY.to_owned()),
        ]
    }

    /// Does this with the requests that come from now on.
    pub fn set(&self, trouble: Trouble) {
        self.between.troubles.set(trouble);
    }

    /// How many requests it was asked since [`Self::set`] that trouble came over.
    #[must_use]
    pub fn troubled(&self) -> u32 {
        self.between.troubles.count()
    }

    /// From now on it accepts parts of uploads and has them no more, or keeps them again.
    pub fn lose_parts(&self, is: bool) {
        self.bucket.lose_parts(is);
    }

    /// Accepts requests that are signed with these keys, too.
    pub fn accept_keys(&self, id: &str, secret: &str) {
        self.keys.accept(id, secret);
    }

    /// Refuses from now on what is signed with these keys.
    pub fn revoke_keys(&self, id: &str) {
        self.keys.revoke(id);
    }

    /// All requests that it was asked, in the order of its answers.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.between.requests.all()
    }

    /// The keys of all objects.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        let (root, mut keys) = (self.root.join(BUCKET), Vec::new());
        walk(&root, &root, &mut keys);
        keys.sort();
        keys
    }

    /// Uploads in parts that were begun and neither completed nor aborted: their
    /// keys and their own ids.
    #[must_use]
    pub fn unfinished(&self) -> Vec<(String, String)> {
        self.bucket.unfinished()
    }

    /// Where an object's bytes are, for a test that spoils or reads them.
    #[must_use]
    pub fn path(&self, key: &str) -> PathBuf {
        self.root.join(BUCKET).join(key)
    }
}

/// What stands between a request and the service.
#[derive(Debug, Default)]
struct Between {
    /// Whether requests are remembered, however many there are.
    is_noting: bool,
    troubles: Troubles,
    requests: Requests,
}

async fn accept(listener: TcpListener, service: s3s::service::S3Service, between: Arc<Between>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it is not blocking");
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let _ = client.set_nodelay(true);
        let (service, between) = (service.clone(), between.clone());
        let answer = service_fn(move |request| {
            let (service, between) = (service.clone(), between.clone());
            async move {
                let seen = between.is_noting.then(|| Seen::of(&request));
                let answer = between.troubles.answer(&service, request).await;
                if let Some(seen) = seen {
                    between.requests.note(seen, answer.as_ref().ok());
                }
                answer
            }
        });
        // Fails where the client went away, or was to be left without an answer.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(client), answer));
    }
}

fn walk(root: &Path, folder: &Path, keys: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(root, &path, keys);
        } else if let Ok(key) = path.strip_prefix(root) {
            keys.push(key.display().to_string());
        }
    }
}
