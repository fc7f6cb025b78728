//! What 10,000 silent and slow connections do to an honest upload: rounds without
//! them and with them in turn. Prints the figures, and fails where the median
//! grows by more than a fifth, or a connection is not closed in time.

use heim_tests::{
    client::{Client, Entrance},
    slow::{Crowd, handles, honest, median},
    standalone::Standalone,
    usage::{open_sockets, resident_kib},
    web::Web,
};
use std::time::{Duration, Instant};

/// A third of the connections.
const BODIES: usize = 3_334;
const ROUNDS: usize = 6;
const UPLOADS: usize = 12;
const RATIO_MAX: f64 = 1.2;
/// Ten seconds by the defaults, and what it takes to close so many at once.
const OPEN_MAX: Duration = Duration::from_secs(15);

fn main() {
    let open_files = heim_runtime::open_files::raise();
    assert!(open_files > 11_000, "10,000 connections need more than {open_files} open files: raise the hard limit");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(measure());
}

async fn measure() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let (slow, web) = (handles(heim.base(), BODIES).await, Web::default());
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let (mut last, mut held) = (Duration::ZERO, usize::MAX);
    honest(&ana, &web, ana.upload_handles(UPLOADS).await).await;
    for round in 0..ROUNDS {
        let alone = honest(&ana, &web, ana.upload_handles(UPLOADS).await).await;
        let more = ana.upload_handles(UPLOADS).await;
        let before = resident_kib(&heim.process);
        let began = Instant::now();
        let crowd = Crowd::gather(heim.base(), &slow).await;
        let gathered = began.elapsed();
        let (sockets, during) = (open_sockets(&heim.process), resident_kib(&heim.process));
        let beside = honest(&ana, &web, more).await;
        held = held.min(crowd.open());
        let open = crowd.closed().await;
        last = last.max(open);
        say(&format!(
            "round {round}: alone {:?}, beside {sockets} sockets {:?}; opened in {gathered:?}, {} KiB for each; the last was open for {open:?}",
            median(alone.clone()),
            median(beside.clone()),
            during.saturating_sub(before) / (3 * BODIES as u64),
        ));
        without.extend(alone);
        with.extend(beside);
    }
    let (without, with) = (median(without), median(with));
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    say(&format!(
        "p50 of an upload: {without:?} alone, {with:?} beside {} connections (x {ratio:.3}); at least {held} were open to \
         the end of each round; the last was open for {last:?}",
        3 * BODIES
    ));
    assert!(ratio <= RATIO_MAX, "more than a fifth slower");
    assert!(last <= OPEN_MAX, "not closed in time");
}

#[expect(clippy::print_stdout, reason = "a bench tells what it measured")]
fn say(line: &str) {
    println!("{line}");
}
