//! Which changes of messages are to be heard of: so that one of which no news
//! came is found in the rows.

use crate::column::{add, index_where, number_null};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add(manager, "message", [number_null("announced_edit_id")]).await?;
        // Few messages are changed, and each coordinator asks for the latest changes every two seconds.
        let announced = Expr::col("announced_edit_id").is_not_null();
        manager.create_index(index_where("message", "announced_edit_id", announced)).await
    }
}
