//! Rows of `room`: what a room is. `passcode` is a PHC string; `epoch` changes with
//! who may be in the room.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "room")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub private: bool,
    pub created: i64,
    pub epoch: i64,
    pub passcode: Option<String>,
    pub deleted: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
