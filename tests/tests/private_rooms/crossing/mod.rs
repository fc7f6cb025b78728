//! Ten rooms, ten agents each, and everybody tries everything with what belongs
//! to another room.

mod requests;
mod sockets;
mod world;

use futures_util::{StreamExt, stream};
use heim_tests::web::Web;
use requests::Stranger;
use world::{AGENTS, ROOMS, World};

/// Agents who are at it at the same time.
const AT_ONCE: usize = 12;

async fn attack(world: &World, own: usize, agent: usize) {
    // Every pair of rooms has its turn.
    let other = &world.rooms[(own + 1 + agent % (ROOMS - 1)) % ROOMS];
    let stranger = Stranger { world, own, agent, other, web: Web::default() };
    stranger.look_around().await;
    stranger.download().await;
    stranger.follow().await;
    stranger.upload().await;
    stranger.hook().await;
    stranger.administer().await;
    sockets::attack(&world.rooms[own], agent, other).await;
    if other.passcode.is_some() {
        sockets::knock(world, own, agent, other).await;
    }
}

#[tokio::test]
async fn no_answer_crosses_a_room() {
    let world = World::new().await;
    let everybody = (0..ROOMS).flat_map(|own| (0..AGENTS).map(move |agent| (own, agent)));
    stream::iter(everybody).for_each_concurrent(AT_ONCE, |(own, agent)| attack(&world, own, agent)).await;
    for (place, room) in world.rooms.iter().enumerate() {
        for member in &room.members {
            world.assert_heard_own(place, member);
        }
        // And all that belongs to the room is as it was.
        let log = room.members[1].command("log", serde_json::json!({ "n": 1000 })).await;
        let log = log["log"].as_array().expect("a log");
        assert_eq!(log.len(), 1, "{}: {log:?}", room.name);
        assert_eq!(log[0]["id"], room.said["id"]);
        assert_eq!(room.members[1].media(room.shown.id).await.transcodings.len(), 5, "{}", room.name);
    }
}
