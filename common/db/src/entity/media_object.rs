//! Rows of `media_object`: media objects. `storage` is the original's object key,
//! `seq` the newest event's number, `attached` when the first message showed it,
//! `gone` since when it is given up for removal.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "media_object")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub room: String,
    pub agent_id: String,
    pub name: String,
    pub server_id: String,
    pub server_era: String,
    pub created: i64,
    pub expires: i64,
    pub max_size: i64,
    pub uploaded: Option<i64>,
    pub state: String,
    pub failure: Option<String>,
    pub storage: Option<String>,
    pub content_type: Option<String>,
    pub size: Option<i64>,
    pub digest: Option<Vec<u8>>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub placeholder: Option<Vec<u8>>,
    pub color: Option<Vec<u8>>,
    pub frames: Option<i64>,
    pub alpha: Option<i64>,
    pub encryption_key_id: Option<i64>,
    pub wrapped_key: Option<Vec<u8>>,
    pub seq: i64,
    pub attached: Option<i64>,
    pub gone: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
