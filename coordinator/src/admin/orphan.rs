//! Removing what no row names, before its time has come.

use super::Tools;
use crate::{failure::Failure, reconcile};
use heim_common::{key::ObjectKey, problem::Code};
use heim_db::StrayKind;
use std::{collections::BTreeSet, time::Duration};

/// Names that are looked at in one go.
const BATCH: u64 = 256;

/// Removes objects that were noted as nobody's at least `known` ago: these, or all.
/// Returns those that were removed, or would be. An object that a row names by now is
/// left where it is.
pub(crate) async fn remove_orphans(
    tools: Tools<'_>,
    names: Option<&[String]>,
    known: Duration,
    dry_run: bool,
) -> Result<Vec<String>, Failure> {
    let subject = names.map_or_else(|| "all".to_owned(), |names| names.join(" "));
    let work = Box::pin(async {
        let removed = remove(tools, names, known, dry_run).await?;
        if removed.is_empty() && names.is_some() {
            return Err(Failure::with(Code::NotFound, "none of these is known as an orphan for long enough"));
        }
        let count = removed.len() as u64;
        Ok((removed, count))
    });
    tools.audited("orphan remove", &subject, dry_run, work).await
}

async fn remove(
    tools: Tools<'_>,
    names: Option<&[String]>,
    known: Duration,
    dry_run: bool,
) -> Result<Vec<String>, Failure> {
    let wanted: Option<BTreeSet<&str>> = names.map(|names| names.iter().map(String::as_str).collect());
    let (store, old) = (tools.store()?, tools.db.now().await?.before(known));
    let (mut removed, mut after) = (Vec::new(), None);
    loop {
        let some = tools.db.strays_page(Some(StrayKind::Orphan), after.as_deref(), BATCH).await?;
        let Some(last) = some.last() else { return Ok(removed) };
        after = Some(last.name.clone());
        for stray in some {
            let is_meant = wanted.as_ref().is_none_or(|wanted| wanted.contains(stray.name.as_str()));
            if !is_meant || stray.seen > old {
                continue;
            }
            let key = ObjectKey::from_stored(stray.name.clone());
            let is_gone = if dry_run {
                reconcile::is_still_orphan(tools.db, &key).await?
            } else {
                Box::pin(reconcile::remove_orphan(tools.db, store, &key)).await?
            };
            if is_gone {
                removed.push(stray.name);
            }
        }
    }
}
