//! Long packets are cut in the recording. What is missing follows from a
//! pattern, and the length that is noted beside each cut proves it.

/// The fewest equal characters that are a pattern.
const RUN_MIN: usize = 50;
/// What a packet of these is cut to (heim's limit of a delivered message).
const DELIVERED: usize = 4096;
/// What was sent.
const SENT: usize = 5000;
const WHOLE: &str = r#"","edited":null,"deleted":null"#;
const TRUNCATED: &str = r#"","edited":null,"deleted":null,"truncated":true"#;
/// heim remembers a nick, and tells it behind the log.
const REMEMBERED: &str = r#"],"nick":"bob"}}"#;
const LOG: &str = r#""log":["#;

/// Makes received packets whole, in the order of the recording.
#[derive(Debug, Default)]
pub(crate) struct Mender {
    /// The messages of the last snapshot, and those that a cut log showed since.
    log: String,
}

impl Mender {
    /// The packet as it was received.
    pub(crate) fn received(&mut self, text: &str) -> String {
        let Some((shown, length)) = cut(text) else {
            if text.contains(r#""snapshot-event""#) {
                log(text).clone_into(&mut self.log);
            }
            return text.to_owned();
        };
        let whole = if run(shown) < RUN_MIN { self.with_known_log(shown) } else { with_content(shown, length) };
        assert_eq!(whole.len(), length, "{shown}");
        assert!(whole.starts_with(shown), "{shown}");
        if whole.contains(r#""log-reply""#) {
            self.log = format!("{},{}", self.log, log(&whole));
        }
        whole
    }

    /// A snapshot that is cut within its log.
    fn with_known_log(&self, shown: &str) -> String {
        let start = shown.find(LOG).expect("what is cut elsewhere has a pattern") + LOG.len();
        format!("{}{}{REMEMBERED}", &shown[..start], self.log)
    }
}

/// The packet as it was sent: its content is one character all along.
pub(crate) fn sent(text: &str) -> String {
    let Some((shown, length)) = cut(text) else { return text.to_owned() };
    let end = r#""}}"#;
    let character = shown.chars().last().expect("what is shown is not empty");
    format!("{shown}{}{end}", character.to_string().repeat(length - shown.len() - end.len()))
}

/// A packet that is cut within a message's content.
fn with_content(shown: &str, length: usize) -> String {
    let (head, character) = (&shown[..shown.len() - run(shown)], &shown[shown.len() - 1..]);
    let closing = if head.contains(LOG) { "}]}}" } else { "}}" };
    let candidates = [(DELIVERED, TRUNCATED), (SENT, WHOLE)];
    let whole = candidates.map(|(count, end)| format!("{head}{}{end}{closing}", character.repeat(count)));
    let fitting = whole.into_iter().find(|whole| whole.len() == length);
    fitting.unwrap_or_else(|| panic!("no known pattern has {length} bytes: {shown}"))
}

/// What is shown of a text that is cut, and how long it was.
fn cut(text: &str) -> Option<(&str, usize)> {
    let (shown, length) = text.strip_suffix(']')?.rsplit_once("...[")?;
    Some((shown, length.trim_end_matches(" bytes").parse().ok()?))
}

/// How often the last character is repeated at the end.
fn run(text: &str) -> usize {
    let last = text.chars().last();
    text.chars().rev().take_while(|&character| Some(character) == last).count()
}

/// The messages of a packet that ends with its log.
fn log(packet: &str) -> &str {
    let (_, log) = packet.split_once(LOG).expect("the packet has a log");
    log.strip_suffix("]}}").expect("the log is the last field")
}
