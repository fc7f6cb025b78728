//! What is drawn at random: who sits where, and what they do. The steps of a
//! round are begun at once; a round begins when the one before it is over.

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
};

/// How many agents there are. The first one is a manager.
pub(crate) const AGENTS: usize = 3;

/// What a session says of media when it comes, and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// It wants media events from the start.
    Aware,
    /// It begins to want them with its first command about media.
    Late,
    /// It has never heard of media.
    Unaware,
}

/// Where an agent connects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    pub(crate) agent: usize,
    pub(crate) coordinator: usize,
    pub(crate) wish: Wish,
}

/// One of many: as many as there are when the step is made.
pub(crate) type Which = u8;

/// How a message is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Delete,
    Restore,
    Reword,
}

/// Something that somebody does, if it can be done then.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Join {
        seat: Which,
    },
    Part {
        seat: Which,
    },
    /// Asks for an upload handle.
    Ask {
        seat: Which,
    },
    Upload {
        media: Which,
    },
    /// Registers one of the four transcodings, at one of the two coordinators.
    Register {
        media: Which,
        name: Which,
        coordinator: Which,
        described: bool,
    },
    /// Registers all four at once, by turns at both coordinators.
    RegisterAll {
        media: Which,
        described: bool,
    },
    /// Sends a message that shows some of the agent's media objects.
    Send {
        seat: Which,
        media: Vec<Which>,
    },
    /// By the manager's session, if there is one, and told to the room or not.
    Edit {
        message: Which,
        change: Change,
        announced: bool,
    },
    /// By the API, which always tells the room.
    DeleteByApi {
        message: Which,
        coordinator: Which,
    },
    GetMedia {
        seat: Which,
        media: Which,
    },
    GetMessage {
        seat: Which,
        message: Which,
    },
    Log {
        seat: Which,
    },
}

/// A whole play.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) seats: Vec<Seat>,
    pub(crate) rounds: Vec<Vec<Step>>,
}

/// Any schedule.
pub(crate) fn schedules() -> impl Strategy<Value = Schedule> {
    (vec(seat(), 4..8), vec(vec(step(), 1..6), 4..18)).prop_map(|(seats, rounds)| Schedule { seats, rounds })
}

fn seat() -> impl Strategy<Value = Seat> {
    let wish = prop_oneof![4 => Just(Wish::Aware), 1 => Just(Wish::Late), 1 => Just(Wish::Unaware)];
    (0..AGENTS, 0..2_usize, wish).prop_map(|(agent, coordinator, wish)| Seat { agent, coordinator, wish })
}

fn step() -> impl Strategy<Value = Step> {
    let one = any::<Which>;
    let change = prop_oneof![3 => Just(Change::Delete), 3 => Just(Change::Restore), 1 => Just(Change::Reword)];
    prop_oneof![
        4 => one().prop_map(|seat| Step::Join { seat }),
        1 => one().prop_map(|seat| Step::Part { seat }),
        3 => one().prop_map(|seat| Step::Ask { seat }),
        4 => one().prop_map(|media| Step::Upload { media }),
        9 => (one(), one(), one(), any::<bool>())
            .prop_map(|(media, name, coordinator, described)| Step::Register { media, name, coordinator, described }),
        2 => (one(), any::<bool>()).prop_map(|(media, described)| Step::RegisterAll { media, described }),
        5 => (one(), vec(one(), 1..4)).prop_map(|(seat, media)| Step::Send { seat, media }),
        4 => (one(), change, any::<bool>())
            .prop_map(|(message, change, announced)| Step::Edit { message, change, announced }),
        1 => (one(), one()).prop_map(|(message, coordinator)| Step::DeleteByApi { message, coordinator }),
        2 => (one(), one()).prop_map(|(seat, media)| Step::GetMedia { seat, media }),
        1 => (one(), one()).prop_map(|(seat, message)| Step::GetMessage { seat, message }),
        2 => one().prop_map(|seat| Step::Log { seat }),
    ]
}
