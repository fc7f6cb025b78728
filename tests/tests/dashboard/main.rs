//! The dashboard at `/ops`: who comes in, whether its numbers are those of the
//! database, what is done from it, and how it is to use in a real Chromium.

mod agreed;
mod browser;
mod confirmed;
mod door;
mod history;
mod looked_at;
mod numbers;
mod poison;
mod private;
mod steering;
mod transport;

use heim_tests::{
    dashboard::{Dashboard, address},
    standalone::Standalone,
};

const TOKEN: &str = "the token of the operator";

/// The whole in one process, with a dashboard, and somebody who has logged in.
async fn start() -> (Standalone, Dashboard) {
    start_with(&[]).await
}

async fn start_with(settings: &[(&str, &str)]) -> (Standalone, Dashboard) {
    let own = [("admin.token", TOKEN), ("ops.listen", "127.0.0.1:0")];
    let heim = Standalone::with(&[&own, settings].concat()).await;
    let base = address(&heim.process).await;
    let dashboard = Dashboard::login(&base, TOKEN).await;
    (heim, dashboard)
}
