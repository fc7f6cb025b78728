//! Managers: agents who may change what others say in a room.

use crate::{
    database::Database,
    entity::room_manager::{ActiveModel, Column, Entity},
    error::DbError,
    room,
    transaction::transact,
};
use heim_common::{RoomName, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict,
};

impl Database {
    /// Whether an agent is a manager of a room.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_is_manager(&self, room: &RoomName, agent: &UserId) -> Result<bool, DbError> {
        let key = (room.to_string(), agent.to_string());
        self.read(DbError::ChangeRoom, async { Ok(Entity::find_by_id(key).one(&self.pool).await?.is_some()) }).await
    }

    /// The managers of a room.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_managers(&self, room: &RoomName) -> Result<Vec<UserId>, DbError> {
        let query = Entity::find().filter(Column::Room.eq(room.as_str())).order_by_asc(Column::AgentId);
        let agents = query.select_only().column(Column::AgentId).into_tuple::<String>();
        let agents = self.read(DbError::ChangeRoom, async { Ok(agents.all(&self.pool).await?) }).await?;
        Ok(agents.into_iter().map(UserId::from_stored).collect())
    }

    /// Makes an agent a manager. False if there is no such room.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_manager_add(&self, room: &RoomName, agent: &UserId) -> Result<bool, DbError> {
        transact!(self, DbError::ChangeRoom, async |tx| {
            if !room::is_live(tx, room.as_str()).await? {
                return Ok(false);
            }
            let row = ActiveModel { room: Set(room.to_string()), agent_id: Set(agent.to_string()) };
            Entity::insert(row)
                .on_conflict(OnConflict::columns([Column::Room, Column::AgentId]).do_nothing().to_owned())
                .exec_without_returning(tx)
                .await?;
            Ok(true)
        })
    }

    /// Takes it back. False if the agent was no manager of this room.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn room_manager_remove(&self, room: &RoomName, agent: &UserId) -> Result<bool, DbError> {
        let key = (room.to_string(), agent.to_string());
        transact!(self, DbError::ChangeRoom, async |tx| {
            Ok(Entity::delete_by_id(key.clone()).exec(tx).await?.rows_affected == 1)
        })
    }
}
