//! Chat messages as clients see them.

use super::MediaView;
use crate::{EditId, MessageId, session::SessionView};
use serde::Serialize;

/// heim's `Message`, with attachments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// The change that was the newest when it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_edit_id: Option<EditId>,
    /// The message it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<MessageId>,
    /// Unix seconds.
    pub time: i64,
    /// Who sent it.
    pub sender: SessionView,
    /// What they said.
    pub content: String,
    /// In private rooms, `v1/` and the id of the room's key. For information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_key_id: Option<String>,
    /// Unix seconds; `null` if never.
    pub edited: Option<i64>,
    /// Unix seconds; `null` if never.
    pub deleted: Option<i64>,
    /// Whether `content` was cut.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// The attached media objects, in order; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MediaView>,
}
