//! What each lane did on the days that are over, for longer than its attempts are kept.

use crate::column::{number, primary, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // `day` counts the days of UTC since 1970.
        let day = Table::create()
            .table("lane_day")
            .col(number("day"))
            .col(text("lane"))
            .col(number("done"))
            .col(number("failed"))
            .primary_key(&mut primary(&["day", "lane"]))
            .take();
        manager.create_table(day).await
    }
}
