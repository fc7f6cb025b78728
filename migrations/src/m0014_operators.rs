//! What operators look at and steer: each attempt at a job, the workers, and what
//! was done by hand.

use crate::column::{index, index_of_some, number, number_null, primary, text, text_null};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        attempts(manager).await?;
        let worker = Table::create()
            .table("worker")
            .col(text("name").primary_key())
            .col(text("version"))
            .col(text("host"))
            .col(number("started"))
            .col(number("heard"))
            .col(text("state"))
            .col(text("wish"))
            .col(number("concurrency"))
            .col(text("jobs"))
            .col(text("walls"))
            .col(number("cpu_percent"))
            .col(number("child_memory"))
            .take();
        manager.create_table(worker).await?;

        let audit = Table::create()
            .table("audit")
            .col(number("seq").auto_increment().primary_key())
            .col(number("at"))
            .col(text("who"))
            .col(text("action"))
            .col(text("subject"))
            .col(ColumnDef::new("dry_run").boolean().not_null().take())
            .col(number_null("affected"))
            .take();
        manager.create_table(audit).await?;

        // Arrivals; and what is looked for by hand, of which there is little.
        manager.create_index(index("job", &["created"])).await?;
        let has_reason = Expr::col("reason").is_not_null();
        manager.create_index(index_of_some("job", "reason", &["reason", "id"], has_reason)).await?;
        let has_digest = Expr::col("digest").is_not_null();
        manager.create_index(index_of_some("media_object", "digest", &["digest"], has_digest)).await
    }
}

async fn attempts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // No reference to the job: an attempt is looked at for longer than its job's row
    // may be there, and counts in the figures of its hour.
    let attempt = Table::create()
        .table("attempt")
        .col(number("job"))
        .col(number("fence"))
        .col(number("media_id"))
        .col(text("room"))
        .col(text("lane"))
        .col(text("worker"))
        .col(number("began"))
        .col(number("waited"))
        .col(number_null("ended"))
        .col(text_null("verdict"))
        .col(text_null("reason"))
        .col(text_null("error"))
        .col(text_null("stages"))
        .primary_key(&mut primary(&["job", "fence"]))
        .take();
    manager.create_table(attempt).await?;
    manager.create_index(index("attempt", &["worker", "job"])).await?;
    let is_over = Expr::col("ended").is_not_null();
    manager.create_index(index_of_some("attempt", "ended", &["ended"], is_over)).await?;
    // Those that run, which are few.
    let runs = Expr::col("ended").is_null();
    manager.create_index(index_of_some("attempt", "running", &["began"], runs)).await
}
