//! Cookies: a bad one is never an error, and never somebody who was here before.

use super::{
    alteration::flipped,
    attempt::{Attempt, Outcome, shared_out},
};
use heim_tests::raw::Raw;

/// Every bit of every cookie flipped, and every part taken from the others.
pub(super) fn cookies(cookies: &[String]) -> Vec<Attempt> {
    let with = |cookie: &[u8]| {
        let before = "GET /room/vault/ws?h=1 HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
            sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\ncookie: ";
        Attempt::new("cookie", before, cookie, b"\r\n\r\n")
    };
    let mut all = Vec::new();
    for cookie in cookies {
        all.extend(flipped(cookie.as_bytes()).map(|cookie| with(&cookie)));
        let (text, signature) = cookie.split_once('.').expect("a text and its signature");
        let forms = [text.to_owned(), format!("{text}."), format!(".{signature}"), format!("{text}=.{signature}")];
        all.extend(forms.iter().map(|cookie| with(cookie.as_bytes())));
        for other in cookies.iter().filter(|other| *other != cookie) {
            let (_, others) = other.split_once('.').expect("a text and its signature");
            all.push(with(format!("{text}.{others}").as_bytes()));
        }
    }
    all
}

/// Shakes hands with each of them. None may be an error, nor be taken for one of
/// `known`.
pub(super) async fn tried(base: &str, attempts: Vec<Attempt>, known: &[String]) -> Outcome {
    let texts: Vec<_> = known.iter().map(|cookie| text(cookie).to_owned()).collect();
    shared_out(attempts, |some| shake(base.to_owned(), some, texts.clone())).await
}

async fn shake(base: String, attempts: Vec<Attempt>, known: Vec<String>) -> Outcome {
    let mut outcome = Outcome::default();
    for attempt in attempts {
        match why_not(&base, &attempt, &known).await {
            None => outcome.refused += 1,
            Some(why) => {
                outcome.accepted.push(format!("{why}: {:?}", String::from_utf8_lossy(&attempt.request)));
            }
        }
    }
    outcome
}

async fn why_not(base: &str, attempt: &Attempt, known: &[String]) -> Option<String> {
    let mut line = Raw::connect(base).await;
    line.write(&attempt.request).await;
    let answer = line.answer().await;
    line.cut();
    match answer {
        Some(answer) if answer.status == 101 => {
            let agent = text(answer.header("set-cookie")).to_owned();
            (agent.is_empty() || known.contains(&agent)).then(|| format!("taken for {agent:?}"))
        }
        Some(answer) if answer.status == 400 && attempt.is_garbled => None,
        None if attempt.is_garbled => None,
        other => Some(format!("{:?}", other.map(|answer| answer.status))),
    }
}

/// The part of a cookie that names the agent.
fn text(cookie: &str) -> &str {
    let value = cookie.strip_prefix("a=").unwrap_or_default();
    value.split_once('.').map_or("", |(text, _)| text)
}
