//! An operator at the dashboard, without a browser: pages as text, forms as a page of
//! it would send them.

use crate::{
    process::Process,
    until::until,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use std::fmt::Write;

/// Where it is, by what the process said when it started: `http://127.0.0.1:PORT`.
pub async fn address(process: &Process) -> String {
    until("the dashboard listens", async || {
        let log = process.log();
        let (_, rest) = log.split_once("dashboard at ")?;
        rest.split_once("/ops/").map(|(address, _)| address.to_owned())
    })
    .await
}

/// Somebody who has logged in, or has not.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// Where it is.
    pub base: String,
    /// What the browser would send as `Cookie`.
    pub cookie: String,
    /// What the browser would send as `Origin`.
    pub origin: String,
    web: Web,
}

impl Dashboard {
    /// A stranger.
    #[must_use]
    pub fn stranger(base: &str) -> Self {
        Self { base: base.to_owned(), cookie: String::new(), origin: base.to_owned(), web: Web::default() }
    }

    /// Logs in, which must succeed.
    pub async fn login(base: &str, token: &str) -> Self {
        let stranger = Self::stranger(base);
        let answer = stranger.send("/ops/login", &[("token", token)]).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/ops/"), "{answer:?}");
        let cookie = answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        Self { cookie, ..stranger }
    }

    /// The same browser, and the dashboard at another address.
    #[must_use]
    pub fn moved_to(&self, base: &str) -> Self {
        Self { base: base.to_owned(), origin: base.to_owned(), ..self.clone() }
    }

    /// The same browser with another cookie.
    #[must_use]
    pub fn with_cookie(&self, cookie: &str) -> Self {
        Self { cookie: cookie.to_owned(), ..self.clone() }
    }

    /// The same session on a page of another origin.
    #[must_use]
    pub fn with_origin(&self, origin: &str) -> Self {
        Self { origin: origin.to_owned(), ..self.clone() }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        let request = self.web.request(Method::GET, &format!("{}{path}", self.base));
        answer(request.header("cookie", &self.cookie)).await
    }

    /// A page that must be there, as text.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        String::from_utf8(answer.body).expect("pages are text")
    }

    /// Sends a form as it is.
    pub async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.web.request(Method::POST, &format!("{}{path}", self.base)).header("cookie", &self.cookie);
        let request = if self.origin.is_empty() { request } else { request.header("origin", &self.origin) };
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        answer(request.body(encoded(fields))).await
    }

    /// Sends a form with the token that the session's pages carry.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.form_token().await;
        self.send(path, &[&[("form", token.as_str())], fields].concat()).await
    }

    /// Says yes to a question, by the form that is on its page and by nothing else.
    pub async fn confirm(&self, question: &Answer) -> Answer {
        let page = String::from_utf8_lossy(&question.body);
        assert_eq!(question.status, 200, "{page}");
        let form = between(&page, "<form class=\"bar\"", "</form>").unwrap_or_else(|| panic!("no question: {page}"));
        let path = between(form, "action=\"", "\"").expect("it goes somewhere");
        let fields = form.split("type=\"hidden\" name=\"").skip(1).map(|field| {
            let (name, rest) = field.split_once("\" value=\"").expect("each has a value");
            (name, rest.split('"').next().unwrap_or_default().replace("&amp;", "&"))
        });
        let fields: Vec<_> = fields.collect();
        let mut sent: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        sent.push(("sure", "yes"));
        self.send(path, &sent).await
    }

    /// What the session's forms carry.
    pub async fn form_token(&self) -> String {
        let page = self.page("/ops/audit").await;
        between(&page, "name=\"form\" value=\"", "\"").unwrap_or_else(|| panic!("no form: {page}")).to_owned()
    }
}

/// What stands between two texts.
#[must_use]
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// A number on the overview, by its name.
#[must_use]
pub fn number(page: &str, name: &str) -> u64 {
    let text = between(page, &format!("id=\"n-{name}\">"), "<").unwrap_or_else(|| panic!("no {name}: {page}"));
    text.parse().unwrap_or_else(|_| panic!("{name} is {text}"))
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        let _ = write!(form, "{}{name}=", if form.is_empty() { "" } else { "&" });
        for byte in value.bytes() {
            let _ = write!(form, "%{byte:02X}");
        }
    }
    form
}
