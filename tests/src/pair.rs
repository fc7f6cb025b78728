//! A picture on its way through a fleet: somebody who uploads it by the first
//! coordinator, and somebody who sees it by the second.

use crate::{
    client::{Client, Entrance},
    fleet::Fleet,
    sharing::{NAMES, all_heard, finished, names, share_accepted},
};
use heim_common::{MediaId, media::MediaState, wire::MediaView};

/// Two sessions of one room, at the two coordinators of a fleet.
#[derive(Debug)]
pub struct Pair {
    /// At the first.
    pub uploader: Client,
    /// At the second.
    pub viewer: Client,
}

impl Pair {
    /// Both enter a room, and hear each other.
    pub async fn enter(fleet: &Fleet, room: &str) -> Self {
        let uploader = Client::enter(fleet.base(0), room, Entrance::aware(), "ana").await;
        let viewer = Client::enter(fleet.base(1), room, Entrance::aware(), "ben").await;
        // Each knows that the other is there: pub/sub works between the two.
        all_heard(&uploader, &viewer).await;
        all_heard(&viewer, &uploader).await;
        Self { uploader, viewer }
    }

    /// A picture is accepted, and shown in a message.
    pub async fn share(&self, picture: &[u8]) -> MediaId {
        share_accepted(&self.uploader, picture.to_vec()).await
    }

    /// The picture becomes ready, and both are told of each transcoding once.
    pub async fn see_it_ready(&self, id: MediaId) -> MediaView {
        let media = finished(&self.uploader, id).await;
        assert_eq!(media.state, MediaState::Ready, "{media:?}");
        assert_eq!(finished(&self.viewer, id).await.state, MediaState::Ready);
        all_heard(&self.uploader, &self.viewer).await;
        all_heard(&self.viewer, &self.uploader).await;
        let told = |client| {
            let mut told = names(client, id);
            told.sort_by_key(|name| NAMES.iter().position(|known| known == name));
            told
        };
        assert_eq!(told(&self.uploader), NAMES, "each once");
        // Where news is late, some of them are in the message.
        let mut once = told(&self.viewer);
        once.dedup();
        assert_eq!(told(&self.viewer), once, "each at most once");
        media
    }
}
