//! Who is in a room, through which coordinator, and under which nick.

use crate::{
    cause::Cause,
    clock, column,
    database::Database,
    departure::{self, Ended},
    entity::{nick, room_manager, session},
    error::DbError,
    room as rooms,
    transaction::transact,
};
use heim_common::{Millis, RoomName, SessionId, UserId, session::SessionView};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, InsertStatement, OnConflict, Query},
};
use session::Column;
use std::{collections::HashSet, time::Duration};

impl Database {
    /// Notes that a session joined a room, until its lease runs out. False if
    /// the room is deleted or has another epoch by now: the session must not be
    /// in it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn session_join(
        &self,
        room: &RoomName,
        session: &SessionView,
        epoch: i64,
        lease: Duration,
        now: Millis,
    ) -> Result<bool, DbError> {
        let insert = insert([(room, session)], &clock::after(self.backend(), lease), now);
        transact!(self, DbError::KeepSessions, async |tx| {
            if !rooms::is_open(tx, room, epoch).await? {
                return Ok(false);
            }
            tx.execute(&insert).await?;
            Ok(true)
        })
    }

    /// Notes a session's new nick, which its agent then has in this room. There
    /// are none in a room that is deleted.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn session_rename(&self, room: &RoomName, session: &SessionView) -> Result<(), DbError> {
        let SessionView { id, name, server_id: _, server_era: _, session_id, is_manager: _ } = session;
        transact!(self, DbError::KeepSessions, async |tx| {
            if !rooms::is_live(tx, room.as_str()).await? {
                return Ok(());
            }
            session::Entity::update_many()
                .col_expr(Column::Name, Expr::value(name.as_str()))
                .filter(Column::Id.eq(session_id.as_str()))
                .exec(tx)
                .await?;
            let row = nick::ActiveModel {
                room: Set(room.to_string()),
                agent_id: Set(id.to_string()),
                name: Set(name.clone()),
            };
            let key = [nick::Column::Room, nick::Column::AgentId];
            nick::Entity::insert(row)
                .on_conflict(OnConflict::columns(key).update_column(nick::Column::Name).to_owned())
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    }

    /// Notes that a session left. False if it was gone already.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn session_part(&self, session: &SessionId) -> Result<bool, DbError> {
        transact!(self, DbError::KeepSessions, async |tx| {
            let gone =
                session::Entity::delete_many().filter(Column::Id.eq(session.as_str())).exec_with_returning(tx).await?;
            departure::note(tx, &gone, Ended::Now).await?;
            Ok(!gone.is_empty())
        })
    }

    /// The sessions of a room, of all coordinators; by nick, agent and session.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn sessions(&self, room: &RoomName) -> Result<Vec<SessionView>, DbError> {
        let now = clock::now(self.backend());
        let query =
            session::Entity::find().filter(Column::Room.eq(room.as_str())).filter(Expr::col(Column::Expires).gte(now));
        let of_room = room_manager::Column::Room.eq(room.as_str());
        let read = self.read(DbError::KeepSessions, async {
            let managers = room_manager::Entity::find().filter(of_room).all(&self.pool).await?;
            Ok((query.all(&self.pool).await?, managers))
        });
        let (rows, managers) = read.await?;
        let managers: HashSet<_> = managers.into_iter().map(|row| row.agent_id).collect();
        let view = |row| {
            let view = view(row);
            SessionView { is_manager: managers.contains(view.id.as_str()), ..view }
        };
        let mut sessions: Vec<_> = rows.into_iter().map(view).collect();
        // Here and not in the query: databases differ in how they order text.
        sessions.sort_by(|a, b| (&a.name, &a.id, &a.session_id).cmp(&(&b.name, &b.id, &b.session_id)));
        Ok(sessions)
    }

    /// Holds on to all sessions of a coordinator, and tells which there are,
    /// but not whether they are managers.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn sessions_renew(&self, era: &str, lease: Duration) -> Result<Vec<(RoomName, SessionView)>, DbError> {
        let expires = clock::after(self.backend(), lease);
        transact!(self, DbError::KeepSessions, async |tx| {
            let renewed = session::Entity::update_many()
                .col_expr(Column::Expires, expires.clone())
                .filter(Column::Era.eq(era))
                .exec_with_returning(tx)
                .await?;
            renewed.into_iter().map(in_room).collect()
        })
    }

    /// Removes all sessions of a coordinator that stops.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn sessions_end(&self, era: &str) -> Result<(), DbError> {
        transact!(self, DbError::KeepSessions, async |tx| {
            let gone = session::Entity::delete_many().filter(Column::Era.eq(era)).exec_with_returning(tx).await?;
            departure::note(tx, &gone, Ended::Now).await
        })
    }

    /// Removes the sessions of coordinators that died. Each is returned to one
    /// caller only, who announces that it left.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn sessions_expire(&self) -> Result<Vec<(RoomName, SessionView)>, DbError> {
        let now = clock::now(self.backend());
        transact!(self, DbError::KeepSessions, async |tx| {
            let expired = session::Entity::delete_many()
                .filter(Expr::col(Column::Expires).lt(now.clone()))
                .exec_with_returning(tx)
                .await?;
            departure::note(tx, &expired, Ended::WithTheLease).await?;
            expired.into_iter().map(in_room).collect()
        })
    }

    /// The nick that an agent chose last in a room.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn nick(&self, room: &RoomName, agent: &UserId) -> Result<Option<String>, DbError> {
        let key = (room.to_string(), agent.to_string());
        let row = self.read(DbError::KeepSessions, async { Ok(nick::Entity::find_by_id(key).one(&self.pool).await?) });
        Ok(row.await?.map(|row| row.name))
    }
}

/// Inserts sessions. Of one that is there already, nick and lease are changed.
pub(crate) fn insert<'a>(
    sessions: impl IntoIterator<Item = (&'a RoomName, &'a SessionView)>,
    expires: &Expr,
    now: Millis,
) -> InsertStatement {
    let mut insert = Query::insert()
        .into_table(session::Entity)
        .columns([
            Column::Id,
            Column::Room,
            Column::AgentId,
            Column::Name,
            Column::ServerId,
            Column::Era,
            Column::Created,
            Column::Expires,
        ])
        .on_conflict(OnConflict::column(Column::Id).update_columns([Column::Name, Column::Expires]).to_owned())
        .to_owned();
    for (room, SessionView { id, name, server_id, server_era, session_id, is_manager: _ }) in sessions {
        insert.values_panic([
            session_id.as_str().into(),
            room.as_str().into(),
            id.as_str().into(),
            name.as_str().into(),
            server_id.as_str().into(),
            server_era.as_str().into(),
            now.0.into(),
            expires.clone(),
        ]);
    }
    insert
}

fn view(row: session::Model) -> SessionView {
    let session::Model { id, room: _, agent_id, name, server_id, era, created: _, expires: _ } = row;
    SessionView {
        id: UserId::from_stored(agent_id),
        name,
        server_id,
        server_era: era,
        session_id: SessionId::from_stored(id),
        is_manager: false,
    }
}

/// A session and its room; whether it is a manager's, the row does not say.
pub(crate) fn in_room(row: session::Model) -> Result<(RoomName, SessionView), Cause> {
    Ok((column::of("session", "room").word(&row.room)?, view(row)))
}
