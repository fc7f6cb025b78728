//! Rows of `message`: what was said. `content` is empty where it is `sealed`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "message")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub room: String,
    pub parent: Option<i64>,
    pub agent_id: String,
    pub session_id: String,
    pub name: String,
    pub server_id: String,
    pub server_era: String,
    pub content: String,
    pub posted: i64,
    pub edited: Option<i64>,
    pub deleted: Option<i64>,
    pub sealed: Option<Vec<u8>>,
    pub sealed_rest: Option<Vec<u8>>,
    pub encryption_key_id: Option<i64>,
    pub edit_id: Option<i64>,
    pub is_manager: bool,
    pub announced_edit_id: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
