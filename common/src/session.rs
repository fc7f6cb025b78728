//! Agents and their sessions, as heim names them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A heim user id: `agent:` or `bot:` and twelve characters of base 64.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(String);

/// What kind of client an agent was when its cookie was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentKind {
    /// Connected with `h=1`.
    Human,
    /// Everything else.
    Bot,
}

impl UserId {
    /// The id of the agent with these random bytes.
    #[must_use]
    pub fn agent(kind: AgentKind, random: [u8; 8]) -> Self {
        let prefix = match kind {
            AgentKind::Human => "agent",
            AgentKind::Bot => "bot",
        };
        Self(format!("{prefix}:{}", data_encoding::BASE64URL.encode(&random)))
    }

    /// The id that somebody wrote; `None` if no agent can have it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let random = text.strip_prefix("agent:").or_else(|| text.strip_prefix("bot:"))?;
        let bytes = data_encoding::BASE64URL.decode(random.as_bytes()).ok()?;
        (bytes.len() == 8).then(|| Self(text.to_owned()))
    }

    /// The id in a row or a packet that this project wrote itself.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one connection. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(String);

impl SessionId {
    /// heim's form: the hex of the agent's part of the user id, `-`, and a
    /// 64-bit number that no other connection has.
    #[must_use]
    pub fn new(user: &UserId, unique: u64) -> Self {
        let agent = user.as_str().split_once(':').map_or(user.as_str(), |(_, id)| id);
        Self(format!("{}-{unique:016x}", data_encoding::HEXLOWER.encode(agent.as_bytes())))
    }

    /// The id in a row or a packet that this project wrote itself.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A connection, as everybody in its room may see it: heim's `SessionView`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Whose connection it is.
    pub id: UserId,
    /// The nick; empty until one was chosen.
    pub name: String,
    /// The coordinator that holds the connection.
    pub server_id: String,
    /// Which start of that coordinator.
    pub server_era: String,
    /// Which connection.
    pub session_id: SessionId,
    /// Whether they may edit and delete what others say; absent where not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_manager: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_heims_form() {
        let user = UserId::agent(AgentKind::Human, [0xf5; 8]);
        assert_eq!(user.as_str(), "agent:9fX19fX19fU=");
        let user = UserId::from_stored("bot:_dzkQJWywwM=".into());
        let session = SessionId::new(&user, 0xfc1e_a152_c020_9f6c);
        assert_eq!(session.as_str(), "5f647a6b514a577977774d3d-fc1ea152c0209f6c");
    }
}
