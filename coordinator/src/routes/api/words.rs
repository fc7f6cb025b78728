//! The words of the API as its document has them: what an id looks like, and which
//! words there are. Lists of words come from the tables that read them.

use heim_common::{
    job::{JobState, Lane as Lanes, Reason as Reasons},
    media::MediaState as MediaStates,
    worker::WorkerState as WorkerStates,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{AdditionalProperties, Object, ObjectBuilder, OneOfBuilder, Schema, Type},
    },
};

fn text(about: &str, pattern: &str, example: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about))
        .pattern(Some(pattern))
        .examples([example])
        .build()
}

fn list<'a>(about: &str, words: impl IntoIterator<Item = &'a str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).description(Some(about)).enum_values(Some(words)).build()
}

/// An object with one of these keys, each with what it means and what it takes.
pub(super) fn one_of<const N: usize>(keys: [(&str, &str, RefOr<Schema>); N]) -> RefOr<Schema> {
    let object = |(key, about, value): (&str, &str, RefOr<Schema>)| {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(about))
            .property(key, value)
            .required(key)
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
    };
    keys.into_iter().fold(OneOfBuilder::new(), |all, key| all.item(object(key))).into()
}

/// Types that only the document knows, each with its schema.
macro_rules! words {
    ($($name:ident = $schema:expr;)+) => {$(
        #[derive(Debug)]
        pub(super) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

/// 13 digits to the base of 36, of which no id is older than heim.
const ID: &str = "^(0[1-9a-z]|1[0-9a-x])[0-9a-z]{11}$";

words! {
    RoomName = text("The name of a room: at most 64 characters of a-z and 0-9.", "^[a-z0-9]{1,64}$", "welcome");
    AgentId = text(
        "An agent, by its cookie: `agent:` or `bot:` and eight bytes in base 64.",
        "^(agent|bot):[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]=$",
        "agent:9fX19fX19fU=",
    );
    MediaId = text("A media object.", ID, "0c1oft7ew7ojk");
    MessageId = text("A message.", ID, "0c1ofyfafs1z4");
    JobId = text("A job.", ID, "0c1ofy7941g5c");
    TranscodingName = text("The name of a transcoding.", "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", "thumb-320");
    Line = text(
        "A name that others chose: 1 to 256 characters, none of control.",
        r"^[^\x00-\x1f\x7f-\x9f]{1,256}$",
        "worker-1",
    );
    Sha256 = text(
        "The SHA-256 of a file.",
        "^[0-9a-fA-F]{64}$",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    Lane = list("Which queue a job waits in.", Lanes::ALL.iter().map(|lane| lane.as_str()));
    LaneOrAll = list("A lane, or all of them.", Lanes::ALL.iter().map(|lane| lane.as_str()).chain(["all"]));
    State = list(
        "Where a job is in its life. One that is pending may rest: `rests` says so.",
        JobState::ALL.iter().map(|state| state.as_str()),
    );
    Reason = list(
        "Why an attempt ended badly, a job was given up or a media object failed.",
        Reasons::ALL.iter().map(|reason| reason.as_str()),
    );
    WorkerState = list(
        "What a worker does, or what is wanted of it.",
        WorkerStates::ALL.iter().map(|state| state.as_str()),
    );
    MediaState = list(
        "Where a media object is in its life: its upload is waited for, its transcodings are being made, all of them \
         are there, or one never will be.",
        [MediaStates::Created, MediaStates::Uploaded, MediaStates::Ready, MediaStates::Failed]
            .iter()
            .map(|state| state.as_str()),
    );
}

#[cfg(test)]
mod tests {
    use heim_common::{MediaId as Id, Millis, Snowflake};

    /// As the pattern has it: its two first digits, and eleven more.
    fn fits(id: &str) -> bool {
        let (first, second) = (id.as_bytes()[0], id.as_bytes()[1]);
        id.len() == 13 && ((first == b'0' && second != b'0') || (first == b'1' && second <= b'x'))
    }

    #[test]
    fn every_id_fits_the_pattern_and_what_fits_is_one() {
        // The milliseconds of heim's ids end in 2084.
        for year in [2016, 2026, 2046, 2080] {
            let id = Snowflake::earliest(Millis((year - 1970) * 31_557_600_000)).to_string();
            assert!(fits(&id), "{year}: {id}");
        }
        for id in ["0100000000000", "0zzzzzzzzzzzz", "1xzzzzzzzzzzz"] {
            assert!(fits(id) && id.parse::<Id>().is_ok(), "{id}");
        }
        assert!("1zzzzzzzzzzzz".parse::<Id>().is_err() && "0000000000000".parse::<Id>().is_err());
    }
}
