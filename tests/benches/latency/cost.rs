//! What CPU time an upload takes in all, and what its pixels alone take.

use heim_tests::spent::Spent;
use std::{fmt, time::Duration};

/// Of the uploads of one measurement in a fleet.
pub(crate) struct Cost {
    pub(crate) at_once: usize,
    pub(crate) uploads: usize,
    pub(crate) spent: Spent,
    /// Of one photo on the average, before and after it.
    pub(crate) pixels: [Duration; 2],
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at_once, uploads, spent, pixels: [before, after] } = self;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let all = ms(spent.without_database()) / f64::from(u32::try_from(*uploads).map_err(|_| fmt::Error)?);
        let pixels = f64::midpoint(ms(*before), ms(*after));
        writeln!(f, "CPU of an upload, {at_once} at once: {}", spent.of_each(*uploads))?;
        let ratio = all / pixels;
        writeln!(f, "  without PostgreSQL {all:.1} ms, {ratio:.3} times its pixels alone ({pixels:.1} ms)")
    }
}
