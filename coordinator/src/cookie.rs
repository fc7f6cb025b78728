//! The cookie that names an agent: signed, a year long, as heim's.

use crate::sign::{Purpose, Signer};
use data_encoding::BASE64URL_NOPAD;
use heim_common::{UserId, session::AgentKind};

/// The cookie's name.
const NAME: &str = "a";
const YEAR_S: u32 = 365 * 24 * 3600;

/// An agent, and the cookie that will name it next time.
pub(crate) struct Agent {
    pub(crate) id: UserId,
    pub(crate) set_cookie: String,
}

/// The agent that the request's `Cookie` header names, or a new one: a bad
/// cookie is never an error.
pub(crate) fn agent(signer: &Signer, cookie: Option<&str>, kind: AgentKind, secure: bool) -> Agent {
    let id = known(signer, cookie).unwrap_or_else(|| UserId::agent(kind, rand::random()));
    let text = BASE64URL_NOPAD.encode(id.as_str().as_bytes());
    let signature = signer.sign(Purpose::Cookie, &[id.as_str()]);
    let secure = if secure { "; Secure" } else { "" };
    let set_cookie = format!("{NAME}={text}.{signature}; Path=/; Max-Age={YEAR_S}; HttpOnly; SameSite=Lax{secure}");
    Agent { id, set_cookie }
}

/// The agent that the request's `Cookie` header names.
pub(crate) fn known(signer: &Signer, cookie: Option<&str>) -> Option<UserId> {
    cookie.and_then(value).and_then(|value| read(signer, value))
}

fn value(header: &str) -> Option<&str> {
    header.split(';').find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
}

fn read(signer: &Signer, value: &str) -> Option<UserId> {
    let (text, signature) = value.split_once('.')?;
    let id = String::from_utf8(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()?;
    signer.verify(Purpose::Cookie, &[&id], signature).then(|| UserId::from_stored(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_runtime::Secret;

    #[test]
    fn the_same_agent_comes_back_and_a_forged_cookie_makes_a_new_one() {
        let signer = Signer::new(&Secret::new("a secret for tests".into()));
        let first = agent(&signer, None, AgentKind::Human, false);
        assert!(first.id.as_str().starts_with("agent:"));
        let cookie = first.set_cookie.split(';').next().unwrap().to_owned();
        let again = agent(&signer, Some(&format!("x=1; {cookie}")), AgentKind::Bot, false);
        assert_eq!(again.id, first.id, "bot or human was decided when the cookie was made");
        for bad in ["", "a=", "a=.", "a=x.y", &cookie[..cookie.len() - 2], &format!("b{cookie}")] {
            assert_ne!(agent(&signer, Some(bad), AgentKind::Human, false).id, first.id, "{bad}");
        }
    }
}
