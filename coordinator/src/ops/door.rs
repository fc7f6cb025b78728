//! Who may look: whoever logged in with `admin.token`, or with `ops.view_token`, with
//! which nothing is changed. The session is a signed cookie, so that each coordinator
//! knows it; another token ends all sessions.

use super::{Ops, fields::Fields, frame};
use crate::{
    app::App,
    failure::Failure,
    sign::{Purpose, equal},
};
use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use heim_common::{Millis, problem::Code};
use heim_runtime::Secret;
use maud::html;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The cookie's name.
const NAME: &str = "ops";
/// How long a wrong token holds up all that come after it: two guesses a second, from
/// everywhere together.
const REST: Duration = Duration::from_millis(500);
/// Most logins that wait for their turn.
const WAITING_MAX: usize = 16;
/// Largest form, in bytes.
const FORM_BYTES_MAX: usize = 64 << 10;

/// Lets one login in after the other.
pub(super) struct Door {
    turn: Semaphore,
    waiting: Semaphore,
}

impl Default for Door {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), waiting: Semaphore::new(WAITING_MAX) }
    }
}

/// What one logs in with.
struct DoorKey<'a> {
    token: &'a Secret,
    may_steer: bool,
}

/// The tokens that there are.
fn door_keys(app: &App) -> impl Iterator<Item = DoorKey<'_>> {
    let keys = [(&app.settings.admin.token, true), (&app.settings.ops.view_token, false)];
    keys.into_iter().filter(|(token, _)| !token.is_empty()).map(|(token, may_steer)| DoorKey { token, may_steer })
}

/// Somebody who has logged in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    id: String,
    until: Millis,
    /// Whether it logged in with `admin.token`, and not with `ops.view_token`.
    pub(super) may_steer: bool,
    /// What each of its forms carries. Only our own pages know it.
    pub(super) form: String,
}

impl Session {
    fn new(app: &App, id: String, until: Millis, door_key: &DoorKey<'_>) -> Self {
        let form = app.signer.sign(Purpose::Form, &[&id, &until.0.to_string(), door_key.token.expose()]);
        Self { id, until, may_steer: door_key.may_steer, form }
    }

    /// As the audit has it.
    pub(super) fn who(&self) -> String {
        format!("dashboard:{}", self.id)
    }

    /// How long it is still good for.
    pub(super) fn left(&self, now: Millis) -> Duration {
        Duration::from_millis(u64::try_from(self.until.0 - now.0).unwrap_or(0))
    }
}

/// The session that the request's cookie names, if it is one.
fn known(app: &App, headers: &HeaderMap) -> Option<Session> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let value = cookies
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))?;
    let (id, rest) = value.split_once('.')?;
    let (until, signature) = rest.split_once('.')?;
    let is_of = |key: &DoorKey<'_>| app.signer.verify(Purpose::Dashboard, &[id, until, key.token.expose()], signature);
    let key = door_keys(app).find(is_of)?;
    let until = Millis(until.parse().ok()?);
    (app.now() < until).then(|| Session::new(app, id.to_owned(), until, &key))
}

/// `Set-Cookie` for a value; none, to forget it.
fn cookie(value: Option<&str>, seconds: u64, headers: &HeaderMap) -> String {
    let secure = if headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https") { "; Secure" } else { "" };
    let value = value.unwrap_or_default();
    format!("{NAME}={value}; Path=/ops; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// Lets nobody pass who has not logged in.
pub(super) async fn guard(State(Ops { app, .. }): State<Ops>, mut request: Request, next: Next) -> Response {
    let Some(session) = known(&app, request.headers()) else {
        let is_page = request.method() == Method::GET && !request.uri().path().ends_with("/events");
        return if is_page {
            Redirect::to("/ops/login").into_response()
        } else {
            frame::refusal(&Failure::with(Code::Forbidden, "Log in first: the session is missing or has ended."))
        };
    };
    request.extensions_mut().insert(session);
    next.run(request).await
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = Response<Body>;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| frame::refusal(&Code::Forbidden.into()))
    }
}

/// What a form of ours has sent: from our own origin, with the token of a session that
/// may steer.
pub(super) struct Posted {
    pub(super) session: Session,
    pub(super) fields: Fields,
}

impl FromRequest<Ops> for Posted {
    type Rejection = Response<Body>;

    async fn from_request(request: Request, ops: &Ops) -> Result<Self, Self::Rejection> {
        let Own(posted) = Own::from_request(request, ops).await?;
        if posted.session.may_steer {
            Ok(posted)
        } else {
            let detail = "This login may look, and change nothing.";
            Err(frame::refusal(&Failure::with(Code::Forbidden, detail)))
        }
    }
}

/// The same of whoever has logged in, about nothing but their own session.
pub(super) struct Own(Posted);

impl FromRequest<Ops> for Own {
    type Rejection = Response<Body>;

    async fn from_request(request: Request, ops: &Ops) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let session = Session::from_request_parts(&mut parts, ops).await?;
        let fields = read(&parts.headers, body).await.map_err(|failure| frame::refusal(&failure))?;
        if !equal(fields.get("form").as_bytes(), session.form.as_bytes()) {
            let detail = "The form is not one of this session. Reload the page and try again.";
            return Err(frame::refusal(&Failure::with(Code::Forbidden, detail)));
        }
        Ok(Self(Posted { session, fields }))
    }
}

/// Reads a form that came from a page of ours. Browsers say where every post comes from.
async fn read(headers: &HeaderMap, body: Body) -> Result<Fields, Failure> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let from = text(header::ORIGIN).split_once("://").map_or("", |(_, authority)| authority);
    if from.is_empty() || from != text(header::HOST) {
        return Err(Code::ForeignOrigin.into());
    }
    if text(header::CONTENT_TYPE) != "application/x-www-form-urlencoded" {
        return Err(Failure::with(Code::BadRequest, "Only forms are taken here."));
    }
    let bytes = axum::body::to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| Code::TooLarge)?;
    Fields::read(&bytes)
}

/// `GET /ops/login`.
pub(super) async fn form(State(Ops { app, .. }): State<Ops>, headers: HeaderMap) -> Response {
    if known(&app, &headers).is_some() { Redirect::to("/ops/").into_response() } else { ask(StatusCode::OK, "") }
}

fn ask(status: StatusCode, refusal: &str) -> Response {
    let body = html! {
        form .login method="post" action="/ops/login" {
            h1 { "heim-media" span .muted { " operations" } }
            @if !refusal.is_empty() { p .bad role="alert" #refusal { (refusal) } }
            label for="token" { "Token" }
            input #token name="token" type="password" autocomplete="current-password" required autofocus
                aria-describedby=[(!refusal.is_empty()).then_some("refusal")];
            button .strong type="submit" { "Log in" }
            p .muted {
                code { "admin.token" } " of the configuration, or " code { "ops.view_token" } " to look and change nothing."
            }
        }
    };
    frame::bare(status, "Log in", &body)
}

/// `POST /ops/login`: the token, once.
pub(super) async fn login(State(Ops { app, door, .. }): State<Ops>, headers: HeaderMap, body: Body) -> Response {
    let fields = match read(&headers, body).await {
        Ok(fields) => fields,
        Err(failure) => return frame::refusal(&failure),
    };
    let Ok(_waits) = door.waiting.try_acquire() else {
        return ask(StatusCode::TOO_MANY_REQUESTS, "Too many try at once. Wait a moment.");
    };
    // Never closed; a turn that is not had is not needed.
    let _turn = door.turn.acquire().await;
    let said = fields.get("token").as_bytes();
    let Some(key) = door_keys(&app).find(|key| equal(said, key.token.expose().as_bytes())) else {
        tracing::warn!("a wrong token at the dashboard's login");
        tokio::time::sleep(REST).await;
        return ask(StatusCode::FORBIDDEN, "That is not the token.");
    };
    let lasts = app.settings.ops.session();
    let (id, until) = (format!("{:016x}", rand::random::<u64>()), app.now().after(lasts));
    tracing::info!(session = id, may_steer = key.may_steer, "somebody logged in to the dashboard");
    let end = until.0.to_string();
    let signature = app.signer.sign(Purpose::Dashboard, &[&id, &end, key.token.expose()]);
    let cookie = cookie(Some(&format!("{id}.{end}.{signature}")), lasts.as_secs(), &headers);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/ops/")).into_response()
}

/// `POST /ops/logout`: the browser forgets the session.
pub(super) async fn logout(headers: HeaderMap, _: Own) -> Response {
    ([(header::SET_COOKIE, cookie(None, 0, &headers))], Redirect::to("/ops/login")).into_response()
}
