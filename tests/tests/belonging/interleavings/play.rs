//! Plays a schedule: everybody does what they are to do, all that is done is
//! noted, and at the end nothing more is on its way.

use super::{
    history::{Answered, History, Object, Question, Said, Span, Turn},
    schedule::{AGENTS, Change, Schedule, Seat, Step, Which, Wish},
    sitting::{Comer, Sitting},
    stage::Stage,
};
use crate::vault::picture;
use futures_util::future::join_all;
use heim_common::wire::UploadHandle;
use heim_tests::{packets::Heard, sharing::THUMBNAILS, until::until};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};
use tokio::sync::{Mutex as Turnstile, RwLock};

/// A media object, and the handle that it is uploaded by.
type Handled = (Arc<Object>, UploadHandle);

/// A play on its way.
pub(crate) struct Play {
    stage: Arc<Stage>,
    pub(crate) room: String,
    seats: Vec<(Seat, RwLock<Option<Sitting>>)>,
    /// Cookies. The first session of an agent makes its, and the others wait.
    agents: Vec<Turnstile<Option<String>>>,
    handles: Mutex<Vec<Handled>>,
    history: Mutex<History>,
    /// One at each coordinator, who see everything and have never heard of media.
    bystanders: Vec<Sitting>,
}

fn one<T: Clone>(all: &[T], which: Which) -> Option<T> {
    all.get(usize::from(which).checked_rem(all.len())?).cloned()
}

impl Play {
    /// Plays all of it.
    pub(crate) async fn play(stage: Arc<Stage>, schedule: &Schedule) -> Self {
        let room = stage.new_room().await;
        let mut play = Self {
            room,
            seats: schedule.seats.iter().map(|seat| (*seat, RwLock::new(None))).collect(),
            agents: (0..AGENTS).map(|_| Turnstile::new(None)).collect(),
            handles: Mutex::default(),
            history: Mutex::default(),
            bystanders: Vec::new(),
            stage,
        };
        for coordinator in 0..2 {
            let name = format!("bystander {coordinator}");
            let comer = Comer { name, coordinator, agent: None, wish: Wish::Unaware, cookie: None };
            let bystander = play.sit(comer).await;
            play.bystanders.push(bystander);
        }
        join_all([0, 1].map(|seat| play.join(seat))).await;
        play.ask(0).await;
        for round in &schedule.rounds {
            join_all(round.iter().map(|step| play.step(step))).await;
        }
        play.come_to_rest().await;
        play
    }

    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// What was done.
    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().expect("no step panics while it writes")
    }

    fn objects(&self) -> Vec<Handled> {
        self.handles.lock().expect("no step panics while it writes").clone()
    }

    async fn step(&self, step: &Step) {
        match *step {
            Step::Join { seat } => self.join(seat).await,
            Step::Part { seat } => self.part(seat).await,
            Step::Ask { seat } => self.ask(seat).await,
            Step::Upload { media } => self.upload(media).await,
            Step::Register { media, name, coordinator, described } => {
                self.register(media, name, usize::from(coordinator % 2), described).await;
            }
            Step::RegisterAll { media, described } => {
                let all = (0..4).map(|name| self.register(media, name, usize::from(name % 2), described));
                join_all(all).await;
            }
            Step::Send { seat, ref media } => self.send(seat, media).await,
            Step::Edit { message, change, announced } => self.edit(message, change, announced).await,
            Step::DeleteByApi { message, coordinator } => {
                self.delete_by_api(message, usize::from(coordinator % 2)).await;
            }
            Step::GetMedia { seat, media } => self.get_media(seat, media).await,
            Step::GetMessage { seat, message } => {
                let Some(said) = one(&self.history().messages.clone(), message) else { return };
                let data = json!({ "id": said.id });
                self.question(seat, "get-message", data, Question::Message(said.id.clone())).await;
            }
            Step::Log { seat } => self.question(seat, "log", json!({ "n": 100 }), Question::Log).await,
        }
    }

    fn seat(&self, seat: Which) -> &(Seat, RwLock<Option<Sitting>>) {
        &self.seats[usize::from(seat) % self.seats.len()]
    }

    async fn join(&self, seat: Which) {
        let (Seat { agent, coordinator, wish }, place) = self.seat(seat);
        let mut place = place.write().await;
        if place.is_some() {
            return;
        }
        let mut cookie = self.agents[*agent].lock().await;
        let is_new = cookie.is_none();
        let name = format!("seat {} of agent {agent}", usize::from(seat) % self.seats.len());
        let (agent, coordinator, wish) = (*agent, *coordinator, *wish);
        let comer = Comer { name, coordinator, agent: Some(agent), wish, cookie: cookie.clone() };
        let sitting = self.sit(comer).await;
        cookie.get_or_insert_with(|| sitting.client.cookie());
        if is_new && agent == 0 {
            self.stage.operators[0].make_manager(&self.room, &sitting.session.user).await;
        }
        *place = Some(sitting);
    }

    async fn sit(&self, comer: Comer) -> Sitting {
        let sitting = Sitting::take(&self.stage, &self.room, comer).await;
        self.history().sessions.push(Arc::clone(&sitting.session));
        sitting
    }

    async fn part(&self, seat: Which) {
        if let Some(Sitting { client, session, .. }) = self.seat(seat).1.write().await.take() {
            session.left.get_or_init(Instant::now);
            client.cut();
        }
    }

    async fn ask(&self, seat: Which) {
        let (Seat { agent, wish, .. }, place) = self.seat(seat);
        let place = place.read().await;
        let Some(sitting) = place.as_ref().filter(|_| *wish != Wish::Unaware) else { return };
        if !sitting.may_ask_for_media() {
            return;
        }
        let handle = sitting.client.upload_handle().await;
        let object = Arc::new(Object { id: handle.id, agent: *agent, available: Mutex::default() });
        self.history().objects.push(Arc::clone(&object));
        self.handles.lock().expect("no step panics while it writes").push((object, handle));
    }

    async fn upload(&self, media: Which) {
        let Some((object, handle)) = one(&self.objects(), media) else { return };
        let began = Instant::now();
        let answer = self.stage.web.upload(&handle, picture(0)).await;
        match answer.status {
            201 => object.is_available("original", Span { began, ended: Instant::now() }),
            409 => {}
            _ => panic!("{answer:?}"),
        }
    }

    async fn register(&self, media: Which, name: Which, coordinator: usize, described: bool) {
        let Some((object, _)) = one(&self.objects(), media).filter(|_| !self.stage.has_workers) else { return };
        let is_uploaded = object.has("original");
        let (name, _) = THUMBNAILS[usize::from(name) % THUMBNAILS.len()];
        let began = Instant::now();
        let answer = self.stage.register(coordinator, &self.room, object.id, name, described).await;
        match answer.status {
            200 => object.is_available(name, Span { began, ended: Instant::now() }),
            404 if !is_uploaded => {}
            _ => panic!("{answer:?}"),
        }
    }

    async fn send(&self, seat: Which, media: &[Which]) {
        let (Seat { agent, wish, .. }, place) = self.seat(seat);
        let place = place.read().await;
        let Some(sitting) = place.as_ref() else { return };
        let own: Vec<_> = self
            .objects()
            .iter()
            .map(|(object, _)| object)
            .filter(|object| object.agent == *agent)
            .map(|object| object.id)
            .collect();
        let mut media: Vec<_> = media.iter().filter_map(|which| one(&own, *which)).collect();
        if *wish == Wish::Unaware {
            media.clear();
        }
        if !sitting.may_spend(10) || !(media.is_empty() || sitting.may_ask_for_media()) {
            return;
        }
        let began = Instant::now();
        let stored = sitting.client.send("look", &media).await;
        let said = Said {
            id: stored["id"].as_str().expect("an id").to_owned(),
            by: sitting.session.id.clone(),
            media,
            sent: Span { began, ended: Instant::now() },
            turns: Mutex::default(),
            edit: Mutex::default(),
        };
        self.history().messages.push(Arc::new(said));
    }

    async fn edit(&self, message: Which, change: Change, announced: bool) {
        let Some(said) = one(&self.history().messages.clone(), message) else { return };
        for (seat, place) in &self.seats {
            let place = place.read().await;
            let Some(sitting) = place.as_ref().filter(|_| seat.agent == 0) else { continue };
            let previous = said.edit.lock().expect("no step panics while it writes").clone();
            let deleted = change == Change::Delete;
            let content = (change == Change::Reword).then_some("look here");
            let data = json!({
                "id": said.id, "previous_edit_id": previous, "delete": deleted, "announce": announced, "content": content,
            });
            let began = Instant::now();
            let reply = sitting.client.ask("edit-message", data).await;
            let span = Span { began, ended: Instant::now() };
            match reply.get("error").and_then(Value::as_str) {
                None => said.turned(Turn { deleted, announced, span }, reply["data"]["edit_id"].as_str()),
                Some("edit inconsistent") => self.look_again(&said).await,
                Some(_) => panic!("{reply}"),
            }
            return;
        }
    }

    async fn delete_by_api(&self, message: Which, coordinator: usize) {
        let Some(said) = one(&self.history().messages.clone(), message) else { return };
        let began = Instant::now();
        self.stage.operators[coordinator].delete_message(&self.room, &said.id).await;
        said.turned(Turn { deleted: true, announced: true, span: Span { began, ended: Instant::now() } }, None);
        self.look_again(&said).await;
    }

    /// Learns of the newest change of a message.
    async fn look_again(&self, said: &Said) {
        let message = self.bystanders[0].client.command("get-message", json!({ "id": said.id })).await;
        *said.edit.lock().expect("no step panics while it writes") =
            message["previous_edit_id"].as_str().map(str::to_owned);
    }

    async fn get_media(&self, seat: Which, media: Which) {
        if self.seat(seat).0.wish == Wish::Unaware {
            return;
        }
        let Some((object, _)) = one(&self.objects(), media) else { return };
        self.question(seat, "get-media", json!({ "id": object.id }), Question::Media(object.id)).await;
    }

    async fn question(&self, seat: Which, command: &str, data: Value, question: Question) {
        let (Seat { agent, .. }, place) = self.seat(seat);
        let place = place.read().await;
        let Some(sitting) = place.as_ref() else { return };
        let may = match question {
            Question::Media(_) => sitting.may_ask_for_media(),
            Question::Message(_) | Question::Log => sitting.may_spend(1),
        };
        if may {
            let began = Instant::now();
            let reply = sitting.client.ask(command, data).await;
            let (session, span) = (sitting.session.name.clone(), Span { began, ended: Instant::now() });
            self.history().answers.push(Answered { session, agent: Some(*agent), question, span, reply });
        }
    }

    /// Returns when everybody has heard everything: news of a room stay in
    /// order, so a nick that is changed now at each coordinator is heard last.
    async fn come_to_rest(&self) {
        let here: BTreeSet<String> = self
            .history()
            .sessions
            .iter()
            .filter(|session| session.stayed())
            .map(|session| session.id.clone())
            .collect();
        let room = self.room.parse().expect("a room's name");
        until("rows of sessions agree with the sessions", async || {
            let rows = self.stage.database.sessions(&room).await.expect("the database answers");
            let ids: BTreeSet<String> = rows.into_iter().map(|view| view.session_id.to_string()).collect();
            (ids == here).then_some(())
        })
        .await;
        for bystander in &self.bystanders {
            bystander.client.command("nick", json!({ "name": "the end" })).await;
        }
        let sessions: Vec<_> = self.history().sessions.iter().filter(|session| session.stayed()).cloned().collect();
        for session in sessions {
            let others = self.bystanders.iter().filter(|bystander| bystander.session.id != session.id).count();
            let is_end = |heard: &&Heard| heard.kind() == "nick-event" && heard.data()["to"] == "the end";
            session
                .heard
                .wait_for("the end", |heard| (heard.iter().filter(is_end).count() == others).then_some(()))
                .await;
        }
    }
}
