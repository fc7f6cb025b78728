//! What the dispatcher chooses from, whatever the backlog is; lanes that are
//! paused; and when finished jobs ended.

use crate::column::{add, index_of_some, number, number_null, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Of the jobs that wait for another attempt, those that may still be resting.
const RESTING: &str = "UPDATE job SET rests_until = run_after
    WHERE state = 'pending' AND dispatched IS NULL AND run_after > created";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let paused = Table::create().table("lane_pause").col(text("lane").primary_key()).col(number("since")).take();
        manager.create_table(paused).await?;
        // A copy of `run_after` for as long as that lies ahead: an index cannot
        // compare with the time, and rows that rest are not to be passed over again
        // and again.
        add(manager, "job", [number_null("rests_until")]).await?;
        manager.get_connection().execute_unprepared(RESTING).await?;

        let pending = || Expr::col("state").eq(Expr::cust("'pending'"));
        let untold = || pending().and(Expr::col("dispatched").is_null());
        // In which the dispatcher walks from room to room.
        let waiting = untold().and(Expr::col("rests_until").is_null());
        manager.create_index(index_of_some("job", "waiting", &["lane", "room", "id"], waiting)).await?;
        // Few: as many as the transport's window holds.
        let told = pending().and(Expr::col("dispatched").is_not_null());
        manager.create_index(index_of_some("job", "told", &["lane", "dispatched"], told)).await?;
        let resting = pending().and(Expr::col("rests_until").is_not_null());
        manager.create_index(index_of_some("job", "resting", &["rests_until"], resting)).await?;
        // What is trimmed first.
        let finished = Expr::col("finished").is_not_null();
        manager.create_index(index_of_some("job", "finished", &["finished"], finished)).await
    }
}
