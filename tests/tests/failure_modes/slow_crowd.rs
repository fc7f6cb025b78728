//! F21 and F22 at once and in number. `make slow-clients` does the same with
//! 10,000 connections and prints what they cost.

use heim_tests::{
    client::{Client, Entrance},
    slow::{Crowd, handles, honest, median},
    standalone::Standalone,
    web::Web,
};
use std::time::Duration;

/// A third of the connections.
const BODIES: usize = 666;
const ROUNDS: usize = 2;
const UPLOADS: usize = 9;
/// In a build without optimisation, and on a machine that is busy.
const RATIO_MAX: f64 = 2.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f21_two_thousand_silent_and_slow_connections_do_not_slow_others_and_are_closed() {
    heim_runtime::open_files::raise();
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let slow = handles(heim.base(), BODIES).await;
    let web = Web::default();
    let (mut without, mut with, mut last) = (Vec::new(), Vec::new(), Duration::ZERO);
    for _ in 0..ROUNDS {
        without.extend(honest(&ana, &web, ana.upload_handles(UPLOADS).await).await);
        let crowd = Crowd::gather(heim.base(), &slow).await;
        with.extend(honest(&ana, &web, ana.upload_handles(UPLOADS).await).await);
        last = last.max(crowd.closed().await);
    }
    let (without, with) = (median(without), median(with));
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    println!(
        "an upload took {without:?} alone and {with:?} beside the crowd ({ratio:.2}); the last was closed after {last:?}"
    );
    assert!(ratio < RATIO_MAX, "{with:?} beside the crowd, {without:?} alone");
    assert!(last < Duration::from_secs(30), "{last:?}");
}
