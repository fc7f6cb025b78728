//! Makes the rows of this coordinator's sessions agree with the sessions that
//! are here. They drift apart when the database is away: another coordinator
//! may take the living for dead, and a session that leaves may leave its row.

use super::{announce, bus::announce_elsewhere, end::Why, hub::Here};
use crate::{app::App, background::PRESENCE_LEASE};
use heim_common::{RoomName, SessionId, room_event::News, session::SessionView};
use heim_db::{DbError, Mended};
use std::collections::{HashMap, HashSet};

type InRoom = (RoomName, SessionView);

/// Renews the leases of all sessions here, and mends what is wrong with their
/// rows. Whoever removed a row has told the other coordinators' sessions that it
/// left, so they are told that one that is put back has joined; those here never
/// missed it. One whose room was closed to it is ended.
pub(crate) async fn keep_sessions(app: &App) -> Result<(), DbError> {
    let rows = app.db.sessions_renew(&app.server_era, PRESENCE_LEASE).await?;
    // In this order: who has a row and is not here any more is leaving or has left.
    let Drift { gone, renamed, lost } = drift(&rows, app.rooms.hub.sessions());
    if gone.is_empty() && renamed.is_empty() && lost.is_empty() {
        return Ok(());
    }
    let here: Vec<_> = renamed.iter().chain(&lost).cloned().map(|(room, view, at)| (room, view, at.epoch)).collect();
    let Mended { went, refused } = app.db.sessions_mend(&gone, &here, PRESENCE_LEASE, app.now()).await?;
    tracing::info!(gone = went.len(), lost = lost.len(), refused = refused.len(), "rows of sessions mended");
    for (room, session) in went {
        announce(app, &room, News::Part { session }).await;
    }
    for (room, session) in &refused {
        let deleted = app.db.room(room).await?.is_none_or(|room| room.deleted);
        for member in app.rooms.hub.members(room, |id, _| id == session) {
            member.end.end(Why::closed(deleted));
        }
    }
    for (room, session, _) in lost {
        if !refused.iter().any(|(_, id)| *id == session.session_id) {
            announce_elsewhere(app, &room, News::Join { session });
        }
    }
    Ok(())
}

/// How rows differ from sessions.
#[derive(Debug, Default, PartialEq, Eq)]
struct Drift {
    /// Rows of nobody.
    gone: Vec<SessionId>,
    /// Sessions whose row shows another nick.
    renamed: Vec<Here>,
    /// Sessions without a row.
    lost: Vec<Here>,
}

fn drift(rows: &[InRoom], sessions: Vec<(Here, bool)>) -> Drift {
    let mut drift = Drift::default();
    let here: HashSet<_> = sessions.iter().map(|((_, session, _), _)| &session.session_id).collect();
    let of_nobody = rows.iter().filter(|(_, row)| !here.contains(&row.session_id));
    drift.gone.extend(of_nobody.map(|(_, row)| row.session_id.clone()));
    let names: HashMap<_, _> = rows.iter().map(|(_, row)| (&row.session_id, &row.name)).collect();
    for (session, has_joined) in sessions {
        match names.get(&session.1.session_id) {
            // It is about to have its row.
            _ if !has_joined => {}
            Some(name) if **name == session.1.name => {}
            Some(_) => drift.renamed.push(session),
            None => drift.lost.push(session),
        }
    }
    drift
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::hub::Admission;
    use heim_common::UserId;

    fn session(number: &str, name: &str) -> InRoom {
        let view = SessionView {
            id: UserId::from_stored("agent:a".into()),
            name: name.into(),
            server_id: "heim.1".into(),
            server_era: "era".into(),
            session_id: SessionId::from_stored(number.into()),
            is_manager: false,
        };
        ("hall".parse().unwrap(), view)
    }

    fn in_it((room, view): InRoom) -> Here {
        (room, view, Admission { private: false, epoch: 0 })
    }

    fn here(session: InRoom, has_joined: bool) -> (Here, bool) {
        (in_it(session), has_joined)
    }

    #[test]
    fn what_agrees_is_left_alone_and_all_else_is_mended() {
        let rows = [session("agrees", "ann"), session("renamed", "ben"), session("left", "cleo"), session("joins", "")];
        let sessions = vec![
            here(session("agrees", "ann"), true),
            here(session("renamed", "bert"), true),
            here(session("lost", "dora"), true),
            here(session("joins", "eve"), false),
            here(session("comes", ""), false),
        ];
        let expected = Drift {
            gone: vec![SessionId::from_stored("left".into())],
            renamed: vec![in_it(session("renamed", "bert"))],
            lost: vec![in_it(session("lost", "dora"))],
        };
        assert_eq!(drift(&rows, sessions), expected);
    }
}
