//! heim's rules for nicks.

/// Longest nick, in characters.
const CHARACTERS_MAX: usize = 36;
/// LRE, RLE, LRO, RLO: opened embeddings and overrides, closed by PDF.
const EMBEDDINGS: [char; 4] = ['\u{202a}', '\u{202b}', '\u{202d}', '\u{202e}'];
const POP_EMBEDDING: char = '\u{202c}';
/// LRI, RLI, FSI: opened isolates, closed by PDI.
const ISOLATES: [char; 3] = ['\u{2066}', '\u{2067}', '\u{2068}'];
const POP_ISOLATE: char = '\u{2069}';

/// The nick that a client's text stands for: trimmed, white space folded, and
/// with every bidirectional control closed, so that it turns nobody else's text
/// around. `None` if it is not a nick.
pub(crate) fn normalize(text: &str) -> Option<String> {
    let mut nick = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if nick.is_empty() || nick.contains('\0') || nick.chars().count() > CHARACTERS_MAX {
        return None;
    }
    let mut open = Vec::new();
    for character in nick.chars() {
        if EMBEDDINGS.contains(&character) {
            open.push(POP_EMBEDDING);
        } else if ISOLATES.contains(&character) {
            open.push(POP_ISOLATE);
        } else if open.last() == Some(&character) {
            open.pop();
        }
    }
    nick.extend(open.into_iter().rev());
    Some(nick)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_heim_answers() {
        assert_eq!(normalize("  alice   smith ").as_deref(), Some("alice smith"));
        assert_eq!(normalize(&"ä".repeat(36)), Some("ä".repeat(36)));
        assert_eq!(normalize(&"ä".repeat(37)), None);
        assert_eq!(normalize(" \t\n"), None);
        assert_eq!(normalize("a\0b"), None, "PostgreSQL keeps no NUL in text");
        assert_eq!(normalize("a\u{202e}b").as_deref(), Some("a\u{202e}b\u{202c}"));
        assert_eq!(normalize("a\u{2067}b\u{2069}").as_deref(), Some("a\u{2067}b\u{2069}"));
    }
}
