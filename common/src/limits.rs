//! Every limit that a client can run into, with its default. All of them are
//! keys of the configuration's section `limits`.

use serde::{Deserialize, Serialize};

/// The limits of one deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest upload, in bytes.
    pub upload_bytes_max: u64,
    /// Most pixels that an original may declare.
    pub pixels_max: u64,
    /// Most media objects of one agent that wait for their upload.
    pub pending_per_agent: u32,
    /// Most attachments of one message.
    pub attachments_max: usize,
    /// Largest frame that a socket may send, in bytes.
    pub frame_bytes_max: usize,
    /// Largest JSON body of a hook or an API call, in bytes.
    pub json_bytes_max: usize,
    /// Most connections at a time.
    pub connections_max: usize,
    /// How long a connection may take to send a request's header, or stay idle
    /// between requests, in milliseconds.
    pub header_timeout_ms: u64,
    /// How long a body may stand still, in milliseconds.
    pub body_idle_timeout_ms: u64,
    /// How long a body may take, in milliseconds.
    pub body_timeout_ms: u64,
    /// Slowest body, in bytes a second, judged after the first idle timeout.
    pub body_rate_min: u64,
    /// How long a peer may refuse to read what it is sent, in milliseconds.
    pub write_timeout_ms: u64,
    /// How long an upload handle lives, in seconds.
    pub upload_handle_s: u64,
    /// How long a download handle lives at least, in seconds.
    pub download_handle_s: u64,
    /// Wall seconds that one file may take of a pixel child.
    pub pixel_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload_bytes_max: 25 << 20,
            pixels_max: 100_000_000,
            pending_per_agent: 64,
            attachments_max: 16,
            frame_bytes_max: 2 << 20,
            json_bytes_max: 64 << 10,
            connections_max: 16_384,
            header_timeout_ms: 10_000,
            body_idle_timeout_ms: 10_000,
            body_timeout_ms: 600_000,
            body_rate_min: 1_024,
            write_timeout_ms: 60_000,
            upload_handle_s: 3_600,
            download_handle_s: 3_600,
            pixel_seconds: 20,
        }
    }
}
