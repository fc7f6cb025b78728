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
    /// Most pixels that the frames of an animation, and those of a transcoding
    /// that are made of them, may have together if it is to go on moving; beyond
    /// it, the transcoding shows the first frame.
    pub animation_pixels_max: u64,
    /// Most frames of such an animation.
    pub animation_frames_max: u32,
    /// Most media objects of one agent that wait for their upload.
    pub pending_per_agent: u32,
    /// Most attachments of one message.
    pub attachments_max: usize,
    /// Largest frame that a socket may send, in bytes.
    pub frame_bytes_max: usize,
    /// Largest JSON body of a hook or an API call, in bytes.
    pub json_bytes_max: usize,
    /// Most sessions that are on their way into a room at a time; the others wait.
    pub entering_max: usize,
    /// Most connections at a time. One more takes the place of the one that has
    /// been silent for longest.
    pub connections_max: usize,
    /// Most connections at a time from one IPv4 address or one /64 network of
    /// IPv6; 0 is no limit. Clients behind `coordinator.trusted_proxies` are
    /// counted one by one.
    pub connections_per_ip: usize,
    /// Most sockets of one agent on one coordinator.
    pub sockets_per_agent: usize,
    /// Bytes of news, and bytes of replies, that may wait for one socket.
    pub socket_queue_bytes: u32,
    /// Most bytes that one agent may upload within 24 hours; 0 is no limit.
    pub bytes_per_agent_day: u64,
    /// Most bytes that may be uploaded to one room within 24 hours; 0 is no
    /// limit.
    pub bytes_per_room_day: u64,
    /// How long a connection may take to send a request's header, or stay idle
    /// between requests, in milliseconds.
    pub header_timeout_ms: u64,
    /// How long a body may stand still, in milliseconds.
    pub body_idle_timeout_ms: u64,
    /// How long a body may take, in milliseconds.
    pub body_timeout_ms: u64,
    /// Slowest body, in bytes a second, judged after the first idle timeout.
    pub body_rate_min: u64,
    /// How long a peer may refuse to read what it is sent, or take to read 64 KiB
    /// of it, in milliseconds.
    pub write_timeout_ms: u64,
    /// How long an upload handle lives, in seconds.
    pub upload_handle_s: u64,
    /// How long a download handle lives at least, in seconds.
    pub download_handle_s: u64,
    /// Wall seconds that one file may take of a pixel child.
    pub pixel_seconds: u64,
}

/// Limits with which nothing could be served, or that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimits {
    /// Nothing would pass it.
    #[error("{0} must be at least 1")]
    Zero(&'static str),
    /// The first would never be reached.
    #[error("{0} must not be more than {1}")]
    More(&'static str, &'static str),
}

impl Limits {
    /// Checks what types alone cannot say.
    ///
    /// # Errors
    /// The first thing that is wrong, by its key.
    pub fn validate(&self) -> Result<(), InvalidLimits> {
        let counts = [
            ("limits.upload_bytes_max", self.upload_bytes_max),
            ("limits.pixels_max", self.pixels_max),
            ("limits.pending_per_agent", self.pending_per_agent.into()),
            ("limits.frame_bytes_max", self.frame_bytes_max as u64),
            ("limits.json_bytes_max", self.json_bytes_max as u64),
            ("limits.connections_max", self.connections_max as u64),
            ("limits.sockets_per_agent", self.sockets_per_agent as u64),
            ("limits.socket_queue_bytes", self.socket_queue_bytes.into()),
            ("limits.header_timeout_ms", self.header_timeout_ms),
            ("limits.body_idle_timeout_ms", self.body_idle_timeout_ms),
            ("limits.body_timeout_ms", self.body_timeout_ms),
            ("limits.write_timeout_ms", self.write_timeout_ms),
            ("limits.upload_handle_s", self.upload_handle_s),
            ("limits.download_handle_s", self.download_handle_s),
            ("limits.pixel_seconds", self.pixel_seconds),
        ];
        if let Some((key, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(InvalidLimits::Zero(key));
        }
        if self.body_idle_timeout_ms > self.body_timeout_ms {
            return Err(InvalidLimits::More("limits.body_idle_timeout_ms", "limits.body_timeout_ms"));
        }
        // One upload of the largest size must be possible within a day.
        let quotas = [
            ("limits.bytes_per_agent_day", self.bytes_per_agent_day),
            ("limits.bytes_per_room_day", self.bytes_per_room_day),
        ];
        if let Some((key, _)) = quotas.into_iter().find(|(_, quota)| (1..self.upload_bytes_max).contains(quota)) {
            return Err(InvalidLimits::More("limits.upload_bytes_max", key));
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload_bytes_max: 25 << 20,
            pixels_max: 100_000_000,
            animation_pixels_max: 200_000_000,
            animation_frames_max: 2_000,
            pending_per_agent: 64,
            attachments_max: 16,
            frame_bytes_max: 2 << 20,
            json_bytes_max: 64 << 10,
            entering_max: 32,
            connections_max: 16_384,
            connections_per_ip: 1_024,
            sockets_per_agent: 128,
            socket_queue_bytes: 1 << 20,
            bytes_per_agent_day: 0,
            bytes_per_room_day: 0,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_serve_nobody_are_named() {
        let error = |change: fn(&mut Limits)| {
            let mut limits = Limits::default();
            change(&mut limits);
            limits.validate().unwrap_err().to_string()
        };
        assert_eq!(Limits::default().validate(), Ok(()));
        assert_eq!(error(|limits| limits.connections_max = 0), "limits.connections_max must be at least 1");
        assert_eq!(error(|limits| limits.pixel_seconds = 0), "limits.pixel_seconds must be at least 1");
        assert_eq!(
            error(|limits| limits.body_idle_timeout_ms = 600_001),
            "limits.body_idle_timeout_ms must not be more than limits.body_timeout_ms"
        );
        assert_eq!(
            error(|limits| limits.bytes_per_room_day = 1),
            "limits.upload_bytes_max must not be more than limits.bytes_per_room_day"
        );
    }
}
