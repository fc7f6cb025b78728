//! Jobs that wait for something that is away, and claims whose answer was lost.

use crate::column::{add, number, number_null};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [number("snoozes").default(0).take(), number_null("away_since"), number_null("claim_nonce")];
        add(manager, "job", columns).await
    }
}
