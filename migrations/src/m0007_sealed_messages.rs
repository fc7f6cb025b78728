//! Messages of private rooms, and changes of messages.

use crate::column::{add, bytes_null, index_where, number_null};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            bytes_null("sealed"),
            bytes_null("sealed_rest"),
            number_null("encryption_key_id"),
            number_null("edit_id"),
            ColumnDef::new("is_manager").boolean().not_null().default(false).take(),
        ];
        add(manager, "message", columns).await?;
        // Few messages are deleted, and the sweep asks for those alone.
        let deleted = Expr::col("deleted").is_not_null();
        manager.create_index(index_where("message", "deleted", deleted)).await?;
        let sealed = Expr::col("encryption_key_id").is_not_null();
        manager.create_index(index_where("message", "encryption_key_id", sealed)).await
    }
}
