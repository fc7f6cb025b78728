//! One file a table. Nothing in here leaves the crate: rows become domain
//! values in the files named after the nouns.

pub(crate) mod attempt;
pub(crate) mod audit;
pub(crate) mod coordinator;
pub(crate) mod departure;
pub(crate) mod event;
pub(crate) mod job;
pub(crate) mod lane_day;
pub(crate) mod lane_pause;
pub(crate) mod media_object;
pub(crate) mod media_transcoding;
pub(crate) mod message;
pub(crate) mod message_attachment;
pub(crate) mod nick;
pub(crate) mod room;
pub(crate) mod room_key;
pub(crate) mod room_manager;
pub(crate) mod session;
pub(crate) mod stray;
pub(crate) mod worker;
