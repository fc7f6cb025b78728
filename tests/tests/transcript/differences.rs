//! Where our server may answer in another way than the recorded heim, and why.
//! Values are written as the snapshots write them.
//!
//! What differs and is not listed here fails the test, and so does what is
//! listed and does not differ any more.

use crate::difference::{Change, Course, Differences, Field};

const NO_ACCOUNTS: &str = r#""accounts are not implemented""#;
const DENIED: &str = r#""access denied""#;
const MANAGER: &str = "manager: login, reconnect, private room, edit/delete";

/// In the public room.
pub(crate) const PUBLIC: Differences = Differences {
    fields: &[
        Field::new(("log-reply", "/data/log"), ("null", "[]"), 1, "lists"),
        Field::new(
            ("media-upload-reply", "/data"),
            (
                "null",
                r#"{id:<media object 1>, expires:<time>, headers:{Authorization:[<secret>], traceparent:[<trace>]}, max_size:26214400, method:"PUT", url:<url>}"#,
            ),
            1,
            "media",
        ),
        Field::new(
            ("media-upload-reply", "/error"),
            (r#""payload: invalid command type: media-upload""#, "absent"),
            1,
            "media",
        ),
        Field::new(
            ("nick-reply", "/error"),
            (
                r#""payload: json: cannot unmarshal number into Go struct field NickCommand.name of type string""#,
                r#""payload: json: cannot unmarshal: invalid type: integer `5`, expected a string""#,
            ),
            1,
            "words",
        ),
    ],
    courses: &[Course::new(
        "unknown fields in send (attachments)",
        "B 4",
        Change::Detour {
            instead_of: "send-reply",
            hears: &[r#"{"id":"4","type":"send-reply","data":null,"error":"media not found"}"#],
            sends: r#"{"id":"4","type":"send","data":{"content":"with att"}}"#,
            then: &[],
        },
        "attachments",
    )],
    reasons: &[
        ("lists", "Strict clients want a list where heim says null, and no client needs the null."),
        (
            "attachments",
            "heim does not know the field and drops it. Here it names media objects, and a message with one that is \
             not there is refused. The replay says the same without it, so that later logs are alike.",
        ),
        ("media", "The media extension is known here; heim refuses its commands."),
        ("words", "What is wrong with the JSON is said by our parser, not by Go's. Clients only show it."),
    ],
};

/// In private rooms, and by their manager.
pub(crate) const PRIVATE: Differences = Differences {
    fields: &[
        Field::new(("", "/sender/name"), (r#""""#, r#""quinn""#), 4, "long"),
        Field::new(("", "/sender/server_id"), (r#""""#, "<server 1>"), 4, "long"),
        Field::new(("", "/sender/server_era"), (r#""""#, "<era 1>"), 4, "long"),
        Field::new(("", "/content"), (r#""""#, r#""y"*4096"#), 4, "long"),
        Field::new(("login-reply", "/data/reason"), (DENIED, NO_ACCOUNTS), 1, "accounts"),
        Field::new(("login-reply", "/data/reason"), ("absent", NO_ACCOUNTS), 1, "accounts"),
        Field::new(("login-reply", "/data/success"), ("true", "false"), 1, "accounts"),
        Field::new(("login-reply", "/data/account_id"), ("<account number 1>", "absent"), 1, "accounts"),
        Field::new(("", ""), ("<account 1>", "<agent 3>"), 7, "accounts"),
        Field::new(
            ("hello-event", "/data/account"),
            (r#"{id:<account number 1>, email:"host@example.com", name:""}"#, "absent"),
            2,
            "accounts",
        ),
        Field::new(("hello-event", "/data/account_has_access"), ("true", "absent"), 1, "accounts"),
        Field::new(("hello-event", "/session/client_address"), (r#""127.0.0.1""#, "absent"), 2, "addresses"),
        Field::new(("", "/client_address"), (r#""718e:1cd0""#, "absent"), 4, "addresses"),
        Field::new(("", "/client_address"), (r#""225c:1a0a""#, "absent"), 3, "addresses"),
        Field::new(
            ("pm-initiate-reply", "/data"),
            (r#"{pm_id:<private talk 1>, to_nick:"guest"}"#, "null"),
            1,
            "hosts",
        ),
        Field::new(("pm-initiate-reply", "/error"), ("absent", DENIED), 1, "hosts"),
        Field::new(("ban-reply", "/data"), ("{id:<agent 4>, seconds:60}", "null"), 1, "hosts"),
        Field::new(("ban-reply", "/error"), ("absent", DENIED), 1, "hosts"),
    ],
    courses: &[
        Course::new(MANAGER, "M2 connects", Change::Manager { of: "<agent 3>", room: "managed" }, "accounts"),
        Course::new(MANAGER, "M2 6", Change::Unsent { to: "G", packet: "pm-initiate-event" }, "hosts"),
        Course::new(MANAGER, "M2 7", Change::Unsent { to: "G", packet: "disconnect-event" }, "hosts"),
        Course::new(MANAGER, "M2 7", Change::Open { of: "G" }, "hosts"),
        Course::new(MANAGER, "V connects", Change::Manager { of: "<agent 3>", room: "vault" }, "accounts"),
        Course::new(
            MANAGER,
            "V connects",
            Change::Detour {
                instead_of: "snapshot-event",
                hears: &[r#"{"type":"bounce-event","data":{"reason":"authentication required"}}"#],
                sends: r#"{"id":"0","type":"auth","data":{"type":"passcode","passcode":"sesame"}}"#,
                then: &[r#"{"id":"0","type":"auth-reply","data":{"success":true}}"#],
            },
            "access",
        ),
    ],
    reasons: &[
        (
            "long",
            "heim delivers a private message whose ciphertext is longer than 4096 bytes without its content and without the \
             name of its sender. Here it is cut as in public rooms: what the sender said is shown to those who may read it.",
        ),
        (
            "accounts",
            "There are no accounts. The API makes an agent a manager, and it stays an agent; a login is refused in the \
             form that heim's page reads.",
        ),
        ("addresses", "Nobody is told of network addresses, and managers are not either."),
        (
            "hosts",
            "Bans and private talks are not offered, and are refused as heim refuses a stranger. The replay closes the \
             connection that heim cuts, so that what others hear is alike.",
        ),
        ("access", "An account that a host granted access needs no passcode on heim. Here everybody does."),
    ],
};

/// In the flooded room.
pub(crate) const FLOOD: Differences = Differences { fields: &[], courses: &[], reasons: &[] };
