//! The forms in which our server may differ from the recorded heim; which
//! differences there are stands in `differences`.

use crate::{compare::Place, snapshot};

/// All differences in a part of the recording.
#[derive(Debug)]
pub(crate) struct Differences {
    pub(crate) fields: &'static [Field],
    pub(crate) courses: &'static [Course],
    /// By the keys that the others name.
    pub(crate) reasons: &'static [(&'static str, &'static str)],
}

/// Other content of a packet.
#[derive(Debug)]
pub(crate) struct Field {
    /// The packet's type; empty for any.
    packet: &'static str,
    /// The end of the place's path.
    path: &'static str,
    /// As the snapshot writes it.
    heim: &'static str,
    ours: &'static str,
    /// In how many places.
    pub(crate) times: usize,
    /// The key of the reason.
    pub(crate) why: &'static str,
}

/// Another course of packets.
#[derive(Debug)]
pub(crate) struct Course {
    /// The title of the section.
    pub(crate) section: &'static str,
    /// `A 20` is what A sends with the id 20, `A connects` what it says.
    pub(crate) at: &'static str,
    pub(crate) change: Change,
    /// The key of the reason.
    pub(crate) why: &'static str,
}

/// What is different in the course.
#[derive(Debug)]
pub(crate) enum Change {
    /// Our server does not send this packet.
    Unsent { to: &'static str, packet: &'static str },
    /// Our server does not end this connection: the replay closes it.
    Open { of: &'static str },
    /// Before this the API makes an agent the manager of a room.
    Manager { of: &'static str, room: &'static str },
    /// Instead of a packet the same socket hears others, and has to send
    /// something more before that packet and those behind it come.
    Detour {
        instead_of: &'static str,
        hears: &'static [&'static str],
        sends: &'static str,
        then: &'static [&'static str],
    },
}

impl Field {
    pub(crate) const fn new(
        (packet, path): (&'static str, &'static str),
        (heim, ours): (&'static str, &'static str),
        times: usize,
        why: &'static str,
    ) -> Self {
        Self { packet, path, heim, ours, times, why }
    }

    /// Whether this is the difference that is meant.
    pub(crate) fn is(&self, place: &Place) -> bool {
        (self.packet.is_empty() || self.packet == place.packet)
            && place.path.ends_with(self.path)
            && self.heim == snapshot::value(place.heim.as_ref())
            && self.ours == snapshot::value(place.ours.as_ref())
    }
}

impl Course {
    pub(crate) const fn new(section: &'static str, at: &'static str, change: Change, why: &'static str) -> Self {
        Self { section, at, change, why }
    }
}
