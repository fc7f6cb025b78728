//! What all pages have around them: head, navigation, what was just done, and headers.

use super::{door::Session, fields::Fields};
use crate::{
    admin::{at, lasting},
    failure::Failure,
};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use heim_common::Millis;
use heim_runtime::telemetry::chain;
use maud::{DOCTYPE, Markup, Render, html};

pub(super) use crate::admin::bytes;

/// Nothing but our own files, and no script or style within a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The pages that every page leads to.
const PLACES: [(&str, &str); 7] = [
    ("/ops/", "Overview"),
    ("/ops/history", "History"),
    ("/ops/jobs", "Jobs"),
    ("/ops/jobs?state=failed&reason=poison", "Poison"),
    ("/ops/usage", "Usage"),
    ("/ops/orphans", "Orphans"),
    ("/ops/audit", "Audit"),
];

/// A page, for whoever has logged in.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    /// Its place among [`PLACES`].
    pub(super) place: &'a str,
    pub(super) session: &'a Session,
    pub(super) fields: &'a Fields,
}

impl Page<'_> {
    /// The page with this in it.
    pub(super) fn with(&self, content: &Markup) -> Response {
        let Self { title, place, session, fields } = self;
        let body = html! {
            a .skip href="#main" { "Skip to content" }
            header .top {
                a .name href="/ops/" { "heim-media" }
                nav aria-label="Pages" {
                    @for (address, name) in PLACES {
                        a href=(address) aria-current=[(address == *place).then_some("page")] { (name) }
                    }
                }
                @if !session.may_steer { span .badge { "looks only" } }
                form method="post" action="/ops/logout" {
                    (form_token(session))
                    button .plain type="submit" { "Log out" }
                }
            }
            main #main tabindex="-1" {
                @if let Some(words) = said(fields) { p .said role="status" { (words) } }
                (content)
            }
        };
        bare(StatusCode::OK, title, &body)
    }
}

/// What was just done, in words: addresses carry a word of ours and a number only.
fn said(fields: &Fields) -> Option<String> {
    let n: u64 = fields.get("n").parse().ok()?;
    let words = match fields.get("said") {
        "retried" => "tried again",
        "discarded" => "given up",
        "forgotten" => "forgotten",
        "lanes-paused" => "paused",
        "lanes-resumed" => "resumed",
        "workers-paused" => "to be paused with the next report",
        "workers-resumed" => "to go on with the next report",
        "workers-drained" => "to end when what it holds is done",
        "orphans-removed" => "removed",
        _ => return None,
    };
    let what = match fields.get("said").split('-').next() {
        Some("lanes") => "lane",
        Some("workers") => "worker",
        Some("orphans") => "object",
        _ => "job",
    };
    Some(format!("{n} {what}{} {words}.", if n == 1 { "" } else { "s" }))
}

/// The address of a page, with what was done there.
pub(super) fn having_done(back: &str, said: &str, n: usize) -> String {
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    let is_kept = |pair: &&str| !pair.is_empty() && !pair.starts_with("said=") && !pair.starts_with("n=");
    let kept: Vec<_> = query.split('&').filter(is_kept).collect();
    let separator = if kept.is_empty() { "" } else { "&" };
    format!("{path}?{}{separator}said={said}&n={n}", kept.join("&"))
}

/// A page without anything around it.
pub(super) fn bare(status: StatusCode, title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · heim-media" }
                link rel="icon" href="/ops/static/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/ops/static/palette.css";
                link rel="stylesheet" href="/ops/static/ops.css";
                script type="module" src="/ops/static/ops.js" {}
            }
            body { (body) }
        }
    };
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, kind, page.into_string()).into_response()
}

/// Says why a request was not carried out; the operator's log has the cause.
pub(super) fn refusal(failure: &Failure) -> Response {
    let code = failure.code;
    if let Some(cause) = &failure.cause {
        tracing::error!(code = code.as_str(), error = chain(cause.as_ref()), "request at the dashboard failed");
    }
    let body = html! {
        main .login {
            h1 { (code.title()) }
            @if let Some(detail) = &failure.detail { p role="alert" { (detail) } }
            p { a href="/ops/" { "To the overview" } }
        }
    };
    bare(StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), "Not done", &body)
}

/// A failure, as a page.
pub(super) struct Refused(Failure);

impl<T: Into<Failure>> From<T> for Refused {
    fn from(failure: T) -> Self {
        Self(failure.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        refusal(&self.0)
    }
}

/// Nothing of it is kept, framed, or taken for something else.
pub(super) async fn guarded_headers(request: Request, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // With less, browsers do not say where a form comes from.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What tells our forms from those of others.
pub(super) fn form_token(session: &Session) -> Markup {
    html! { input type="hidden" name="form" value=(session.form); }
}

/// A form that does something: none of it for those who may only look.
pub(super) fn steering(session: &Session, action: &str, content: &Markup) -> Markup {
    html! {
        @if session.may_steer {
            form method="post" action=(action) { (form_token(session)) (content) }
        }
    }
}

/// A button by which a lane or a worker is wished to be something. Its key keeps it what it
/// is: where something else can be wished by now, it is another button, and not this one
/// with another meaning under somebody's finger.
pub(super) fn wish_button(wish: &str, word: &str, of: &str) -> Markup {
    html! {
        button data-key=(wish) type="submit" name="wish" value=(wish) { (word) span .unseen { " " (of) } }
    }
}

/// A table of which rows are chosen in the first column, by those who may do something
/// with them.
pub(super) fn listed(
    caption: &str,
    headings: &[&str],
    rows: impl Iterator<Item = Vec<Markup>>,
    session: &Session,
) -> Markup {
    let unseen = usize::from(!session.may_steer);
    table(caption, &headings[unseen..], &rows.map(|mut row| row.split_off(unseen)).collect::<Vec<_>>())
}

/// Hidden fields of a form, those that say something.
pub(super) fn hidden(fields: &Fields, names: &[&str]) -> Markup {
    html! {
        @for name in names {
            @for value in fields.all(name).filter(|value| !value.is_empty()) {
                input type="hidden" name=(name) value=(value);
            }
        }
    }
}

/// Where a page says whether it is live, and what it listens to. What changes is in
/// `#content`.
pub(super) fn live(events: &str) -> Markup {
    html! { p .muted #live data-events=(events) role="status" { "As of the moment you came." } }
}

/// A table that becomes a list of cards where it does not fit. Each cell says its
/// heading then.
pub(super) fn table(caption: &str, headings: &[&str], rows: &[Vec<Markup>]) -> Markup {
    of_rows(caption, headings, &rows.iter().map(|row| (None, row.as_slice())).collect::<Vec<_>>())
}

/// The same in a page that changes by itself: each row has a key, by which it is known
/// again wherever it is by then.
pub(super) fn keyed_table(caption: &str, headings: &[&str], rows: &[(String, Vec<Markup>)]) -> Markup {
    let rows: Vec<_> = rows.iter().map(|(key, row)| (Some(key.as_str()), row.as_slice())).collect();
    of_rows(caption, headings, &rows)
}

fn of_rows(caption: &str, headings: &[&str], rows: &[(Option<&str>, &[Markup])]) -> Markup {
    html! {
        @if rows.is_empty() {
            p .none { "None." }
        } @else {
            table {
                caption .unseen { (caption) }
                thead { tr { @for heading in headings { th scope="col" { (heading) } } } }
                tbody {
                    @for (key, row) in rows {
                        tr data-key=[key] { @for (heading, cell) in headings.iter().zip(*row) { td data-label=(heading) { (cell) } } }
                    }
                }
            }
        }
    }
}

/// Text of ours or of rows, escaped.
pub(super) fn text(text: impl Render) -> Markup {
    or_dash(Some(text))
}

/// A value that may be missing.
pub(super) fn or_dash(value: Option<impl Render>) -> Markup {
    html! { @if let Some(value) = value { (value) } @else { span .muted { "–" } } }
}

/// A point in time.
pub(super) fn moment(time: Millis) -> Markup {
    let text = at(time);
    html! { time datetime=(text.replace(' ', "T")) { (text) } }
}

/// The day in which a point in time lies, in UTC.
pub(super) fn day(time: Millis) -> Markup {
    let text = at(time);
    let day = text.split(' ').next().unwrap_or_default();
    html! { time datetime=(day) { (day) } }
}

/// How long something lasted, in milliseconds.
pub(super) fn duration(ms: impl TryInto<i64>) -> String {
    lasting(ms.try_into().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_said_once() {
        assert_eq!(having_done("/ops/", "retried", 2), "/ops/?said=retried&n=2");
        assert_eq!(
            having_done("/ops/jobs?state=failed&said=retried&n=1", "discarded", 3),
            "/ops/jobs?state=failed&said=discarded&n=3"
        );
        let fields = |query: &str| Fields::read(query.as_bytes()).unwrap();
        assert_eq!(said(&fields("said=retried&n=1")).unwrap(), "1 job tried again.");
        assert_eq!(said(&fields("said=workers-drained&n=2")).unwrap(), "2 workers to end when what it holds is done.");
        assert_eq!((said(&fields("said=%3Cb%3E&n=1")), said(&fields("said=retried&n=x"))), (None, None));
    }
}
