//! Requests that must be refused, and sending very many of them: over
//! connections that stay open, several at once.

use heim_tests::raw::Raw;

/// Connections at a time.
const LINES: usize = 6;

/// A request with something altered in it.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) what: &'static str,
    pub(super) request: Vec<u8>,
    /// Whether it may not be a request at all, so that what follows it on the
    /// same connection may be misunderstood, or the connection be closed.
    pub(super) is_garbled: bool,
}

impl Attempt {
    /// A request with `altered` between these two parts of it.
    pub(super) fn new(what: &'static str, before: &str, altered: &[u8], after: &[u8]) -> Self {
        let is_garbled = altered.iter().any(u8::is_ascii_control);
        Self { what, request: [before.as_bytes(), altered, after].concat(), is_garbled }
    }

    fn shown(&self) -> String {
        format!("{}: {:?}", self.what, String::from_utf8_lossy(&self.request))
    }
}

/// What came of many attempts.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) refused: usize,
    /// What was not refused, as it was sent.
    pub(super) accepted: Vec<String>,
}

impl Outcome {
    pub(super) fn add(&mut self, other: Self) {
        self.refused += other.refused;
        self.accepted.extend(other.accepted);
    }
}

/// Shares attempts out to several connections.
pub(super) async fn shared_out<F>(attempts: Vec<Attempt>, send: impl Fn(Vec<Attempt>) -> F) -> Outcome
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let share = attempts.len().div_ceil(LINES).max(1);
    let lines: Vec<_> = attempts.chunks(share).map(|some| tokio::spawn(send(some.to_vec()))).collect();
    let mut outcome = Outcome::default();
    for line in lines {
        outcome.add(line.await.expect("no attempt fails in an unexpected way"));
    }
    outcome
}

/// Sends all of them.
pub(super) async fn tried(base: &str, attempts: Vec<Attempt>) -> Outcome {
    shared_out(attempts, |some| send(base.to_owned(), some)).await
}

async fn send(base: String, attempts: Vec<Attempt>) -> Outcome {
    let (mut line, mut outcome) = (Raw::connect(&base).await, Outcome::default());
    for attempt in attempts {
        line.write(&attempt.request).await;
        let status = line.answer().await.map(|answer| answer.status);
        match status {
            Some(400..500) => outcome.refused += 1,
            None if attempt.is_garbled => outcome.refused += 1,
            _ => outcome.accepted.push(format!("{status:?} {}", attempt.shown())),
        }
        if attempt.is_garbled || matches!(status, Some(400) | None) {
            line = Raw::connect(&base).await;
        }
    }
    outcome
}
