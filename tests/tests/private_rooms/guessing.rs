//! Passcodes that are guessed: not one session at a time, but by many at once.

use crate::operator::{API, Operator};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use heim_tests::{
    client::{Client, Entrance},
    standalone::Standalone,
};
use serde_json::{Value, json};

/// Sessions with one guess each.
const SESSIONS: usize = 80;
/// The answers that are waited for, and how many of them may be about the guess.
const ANSWERS: usize = 60;
const COMPARED_MAX: usize = 25;

#[tokio::test]
async fn one_guess_each_by_many_sessions_is_slowed_down() {
    let heim = Standalone::with(&[API]).await;
    Operator::of(heim.base()).make_private("vault", "sesame").await;
    let doors = (0..SESSIONS).map(|_| async {
        let door = Client::connect(heim.base(), "vault", Entrance::aware()).await.expect("everybody may knock");
        door.event("bounce-event").await;
        door
    });
    let doors = join_all(doors).await;
    let guesses = doors.iter().enumerate().map(|(number, door)| {
        let passcode = format!("guess {number}");
        async move { door.ask("auth", json!({ "type": "passcode", "passcode": passcode })).await }
    });
    let answers: Vec<Value> = guesses.collect::<FuturesUnordered<_>>().take(ANSWERS).collect().await;
    let compared = answers.iter().filter(|answer| answer["data"]["reason"] == "passcode incorrect").count();
    assert!((1..=COMPARED_MAX).contains(&compared), "{compared} of {ANSWERS} guesses were compared at once");
    let let_in = answers.iter().any(|answer| answer["data"]["success"] == true);
    assert!(!let_in, "{answers:?}");
}
