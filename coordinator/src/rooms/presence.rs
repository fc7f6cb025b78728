//! Makes the rows of this coordinator's sessions agree with the sessions that
//! are here. They drift apart when the database is away: another coordinator
//! may take the living for dead, and a session that leaves may leave its row.

use super::announce;
use crate::{app::App, background::PRESENCE_LEASE};
use heim_common::{RoomName, SessionId, room_event::News, session::SessionView};
use heim_db::DbError;
use std::collections::{HashMap, HashSet};

type InRoom = (RoomName, SessionView);

/// Renews the leases of all sessions here, and mends what is wrong with their
/// rows. Whoever removed a row has told that the session left, so one that is
/// put back is told to have joined.
pub(crate) async fn keep_sessions(app: &App) -> Result<(), DbError> {
    let rows = app.db.sessions_renew(&app.server_era, PRESENCE_LEASE).await?;
    // In this order: who has a row and is not here any more is leaving or has left.
    let Drift { gone, renamed, lost } = drift(&rows, app.rooms.hub.sessions());
    if gone.is_empty() && renamed.is_empty() && lost.is_empty() {
        return Ok(());
    }
    let here = [renamed, lost.clone()].concat();
    let went = app.db.sessions_mend(&gone, &here, PRESENCE_LEASE, app.now()).await?;
    tracing::info!(gone = went.len(), lost = lost.len(), "rows of sessions mended");
    for (room, session) in went {
        announce(app, &room, News::Part { session }).await;
    }
    for (room, session) in lost {
        announce(app, &room, News::Join { session }).await;
    }
    Ok(())
}

/// How rows differ from sessions.
#[derive(Debug, Default, PartialEq, Eq)]
struct Drift {
    /// Rows of nobody.
    gone: Vec<SessionId>,
    /// Sessions whose row shows another nick.
    renamed: Vec<InRoom>,
    /// Sessions without a row.
    lost: Vec<InRoom>,
}

fn drift(rows: &[InRoom], sessions: Vec<(RoomName, SessionView, bool)>) -> Drift {
    let mut drift = Drift::default();
    let here: HashSet<_> = sessions.iter().map(|(_, session, _)| &session.session_id).collect();
    let of_nobody = rows.iter().filter(|(_, row)| !here.contains(&row.session_id));
    drift.gone.extend(of_nobody.map(|(_, row)| row.session_id.clone()));
    let names: HashMap<_, _> = rows.iter().map(|(_, row)| (&row.session_id, &row.name)).collect();
    for (room, session, has_joined) in sessions {
        match names.get(&session.session_id) {
            // It is about to have its row.
            _ if !has_joined => {}
            Some(name) if **name == session.name => {}
            Some(_) => drift.renamed.push((room, session)),
            None => drift.lost.push((room, session)),
        }
    }
    drift
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::UserId;

    fn session(number: &str, name: &str) -> InRoom {
        let view = SessionView {
            id: UserId::from_stored("agent:a".into()),
            name: name.into(),
            server_id: "heim.1".into(),
            server_era: "era".into(),
            session_id: SessionId::from_stored(number.into()),
        };
        ("hall".parse().unwrap(), view)
    }

    fn here((room, view): InRoom, has_joined: bool) -> (RoomName, SessionView, bool) {
        (room, view, has_joined)
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
            renamed: vec![session("renamed", "bert")],
            lost: vec![session("lost", "dora")],
        };
        assert_eq!(drift(&rows, sessions), expected);
    }
}
