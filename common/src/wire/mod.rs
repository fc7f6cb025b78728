//! The JSON that leaves a process: socket packets, hooks, and the calls
//! between worker and coordinator. Additions are optional fields only.

mod hook;
mod media;
mod message;
mod packet;
mod work;
mod worker;

pub use hook::{TranscodedHook, UploadedHook, UploadedReply};
pub use media::{DescriptionView, Headers, MediaEvent, MediaView, TranscodingView, UploadHandle};
pub use message::MessageView;
pub use packet::{Packet, Reply};
pub use work::{
    ClaimReply, ClaimRequest, ClaimedMedia, ClaimedTranscoding, FenceRequest, FinishRequest, HEADER_FENCE, HEADER_JOB,
    HEADER_VERSION, LeaseReply, VERSION,
};
pub use worker::{Account, WorkerOrders, WorkerReport};
