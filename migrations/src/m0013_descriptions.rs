//! What else a picture is: its colour, sealed in private rooms, how many frames it
//! has, and whether one can see through it.

use crate::column::{add, bytes_null, number_null};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add(manager, "media_object", [bytes_null("color"), number_null("frames"), number_null("alpha")]).await
    }
}
