//! What an HTTP client is told when a request fails: `application/problem+json`
//! (RFC 9457) with a `code` from one closed table.

use crate::MediaId;
use serde::Serialize;

/// The media type of a [`Problem`].
pub const CONTENT_TYPE: &str = "application/problem+json";

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal;)+) => {
        /// Everything that can go wrong with an HTTP request. The codes are for
        /// ever; the titles are for people.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* #[doc = $title] $variant,)+
        }

        impl Code {
            /// Every one, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable code.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// The sentence for people.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }
    };
}

codes! {
    BadRequest = "bad-request", 400, "The request could not be understood.";
    EmptyUpload = "empty-upload", 400, "The upload has no content.";
    IncompleteUpload = "incomplete-upload", 400, "The upload ended before its announced length.";
    InvalidJson = "invalid-json", 400, "The body is not the JSON that is expected here.";
    AuthorizationRequired = "authorization-required", 401, "authorization required";
    Forbidden = "forbidden", 403, "forbidden";
    BadSignature = "bad-signature", 403, "The handle was altered or belongs to something else.";
    HandleExpired = "handle-expired", 403, "The handle has expired.";
    ForeignOrigin = "foreign-origin", 403, "Requests from this origin are not accepted.";
    NotFound = "not-found", 404, "There is nothing here.";
    MessageNotFound = "message-not-found", 404, "message not found";
    MediaNotFound = "media-not-found", 404, "media not found";
    RoomNotFound = "room-not-found", 404, "room not found";
    MethodNotAllowed = "method-not-allowed", 405, "invalid method";
    BodyTimeout = "body-timeout", 408, "The body came too slowly.";
    RoomExists = "room-exists", 409, "There is such a room already, of another kind.";
    AlreadyUploaded = "already-uploaded", 409, "This media object has its content already.";
    NotUploaded = "not-uploaded", 409, "This media object has no content yet.";
    NotYours = "not-yours", 409, "The job is done, or another worker holds it.";
    LeaseLost = "lease-lost", 409, "The lease of this job is no longer held.";
    TranscodingConflict = "transcoding-conflict", 409, "This version of the transcoding is registered with another body.";
    LengthRequired = "length-required", 411, "An upload must announce its length.";
    TooLarge = "too-large", 413, "The body is larger than allowed.";
    TypeNotAllowed = "type-not-allowed", 415, "media type not allowed";
    UnsupportedEncoding = "unsupported-encoding", 415, "Encoded bodies are not accepted.";
    RangeNotSatisfiable = "range-not-satisfiable", 416, "The range lies outside of the content.";
    UpgradeRequired = "upgrade-required", 400, "This address speaks WebSocket.";
    TooManyConnections = "too-many-connections", 429, "Too many connections from your address.";
    TooManySockets = "too-many-sockets", 429, "You are connected too many times.";
    TooManyPending = "too-many-pending", 429, "Too many uploads of this agent are unfinished.";
    QuotaExceeded = "quota-exceeded", 429, "As much as may be uploaded in a day was uploaded.";
    Internal = "internal", 500, "Something went wrong on our side.";
    KeysUnavailable = "keys-unavailable", 503, "This private room cannot be opened right now.";
    Unavailable = "unavailable", 503, "Not available right now; try again.";
    StoreFull = "store-full", 507, "The store has no room left.";
}

/// The body of a failed request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// `about:blank` stands for "the status says it all": the code says more.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The sentence for people.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: &'static str,
    /// What is particular about this time. Never a path, a key or a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The media object that has its content already: whoever tries again after
    /// a reply that was lost knows by it that the upload is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MediaId>,
}

impl Problem {
    /// The problem with this code.
    #[must_use]
    pub fn new(code: Code, detail: Option<String>) -> Self {
        Self { kind: "about:blank", title: code.title(), status: code.status(), code: code.as_str(), detail, id: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_distinct_and_kebab_case() {
        let codes: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            assert!((400..600).contains(&code.status()));
        }
    }
}
