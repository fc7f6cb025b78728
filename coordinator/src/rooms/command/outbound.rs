//! The packets that only servers send. A client that sends one hears so in the
//! words of heim, which names the type of the packet in its own source.

/// The events.
const EVENTS: &[&str] = &[
    "bounce",
    "disconnect",
    "edit-message",
    "hello",
    "join",
    "login",
    "logout",
    "media-upload",
    "network",
    "nick",
    "part",
    "ping",
    "pm-initiate",
    "send",
    "snapshot",
];

/// The commands whose replies are known.
const COMMANDS: &[&str] = &[
    "auth",
    "ban",
    "change-email",
    "change-name",
    "change-password",
    "edit-message",
    "get-media",
    "get-message",
    "grant-access",
    "grant-manager",
    "log",
    "login",
    "logout",
    "media-upload",
    "nick",
    "ping",
    "pm-initiate",
    "register-account",
    "resend-verification-email",
    "reset-password",
    "revoke-access",
    "revoke-manager",
    "send",
    "unban",
    "who",
];

/// heim's name of a packet's type, if it is an event or a reply.
pub(super) fn name(kind: &str) -> Option<String> {
    let is_event = kind.strip_suffix("-event").is_some_and(|event| EVENTS.contains(&event));
    let is_reply = kind.strip_suffix("-reply").is_some_and(|command| COMMANDS.contains(&command));
    (is_event || is_reply).then(|| kind.split('-').map(capitalized).collect())
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_replies_have_heims_names_and_nothing_else_has() {
        for (kind, expected) in [
            ("send-event", "SendEvent"),
            ("hello-event", "HelloEvent"),
            ("send-reply", "SendReply"),
            ("edit-message-event", "EditMessageEvent"),
            ("resend-verification-email-reply", "ResendVerificationEmailReply"),
        ] {
            assert_eq!(name(kind).as_deref(), Some(expected));
        }
        for kind in ["send", "hello-reply", "nope-event", "-event", "", "event", "send-event-reply", "ä-event"] {
            assert_eq!(name(kind), None, "{kind}");
        }
    }
}
