//! Since when the job waits that has waited for longest, whatever the backlog is.

use crate::column::index_of_some;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let pending = Expr::col("state").eq(Expr::cust("'pending'"));
        manager.create_index(index_of_some("job", "oldest", &["lane", "run_after"], pending)).await
    }
}
