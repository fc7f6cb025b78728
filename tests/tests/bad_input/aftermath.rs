//! What must be so after every bad input.

use heim_common::{media::MediaState, wire::UploadHandle};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    process::Launch,
    sharing::{finished, share_accepted},
    standalone::Standalone,
    truth,
    until::until,
};

/// A server, somebody in a room of it, and an upload handle of theirs.
pub(crate) struct Scene {
    pub(crate) heim: Standalone,
    pub(crate) ana: Client,
    pub(crate) handle: UploadHandle,
    rows: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        Self::of(Standalone::with(settings).await).await
    }

    /// Of a server whose start is prepared in another way.
    pub(crate) async fn prepared(prepare: impl FnOnce(Launch) -> Launch) -> Self {
        Self::of(Standalone::prepared(&[], prepare).await).await
    }

    async fn of(heim: Standalone) -> Self {
        let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
        let handle = ana.upload_handle().await;
        let rows = truth::rows(&heim.database().await).await;
        assert_eq!(rows.lines().count(), 1, "the handle's media object: {rows}");
        Self { heim, ana, handle, rows }
    }

    /// The upload failed, and the handle may be used again.
    pub(crate) async fn left_all_as_before(self) {
        until("the store is empty", async || self.heim.stored().is_empty().then_some(())).await;
        assert_eq!(truth::rows(&self.heim.database().await).await, self.rows);
        still_serves(self.heim).await;
    }

    /// The upload can never be accepted: nobody knew of the media object yet, so
    /// nothing at all is left of it.
    pub(crate) async fn left_nothing(self) {
        until("the store is empty", async || self.heim.stored().is_empty().then_some(())).await;
        assert_eq!(truth::rows(&self.heim.database().await).await, "");
        still_serves(self.heim).await;
    }
}

/// The process is the same, and a good picture goes through.
pub(crate) async fn still_serves(mut heim: Standalone) {
    assert!(heim.process.is_alive(), "{}", heim.process.log());
    let eve = Client::enter(heim.base(), "aftermath", Entrance::aware(), "eve").await;
    let id = share_accepted(&eve, corpus::read(corpus::SMALL)).await;
    assert_eq!(finished(&eve, id).await.state, MediaState::Ready);
    let log = heim.process.log();
    assert!(!log.contains("panicked"), "{log}");
}
