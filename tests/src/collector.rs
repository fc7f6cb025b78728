//! A collector of one test's own, which takes OTLP over HTTP as a collector of
//! OpenTelemetry does (OTLP 1.9, "OTLP/HTTP": protobuf, by POST) and keeps the spans.

use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind, status::StatusCode as Outcome},
};
use prost::Message;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{net::TcpListener, task::JoinSet};

/// One span, as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which process told it: `service.name`.
    pub service: String,
    /// Its name.
    pub name: String,
    /// What part it has in the request.
    pub kind: SpanKind,
    /// 32 hexadecimal digits.
    pub trace: String,
    /// 16 hexadecimal digits.
    pub id: String,
    /// Those of the span within which it was; empty for none.
    pub parent: String,
    /// When it began and ended, in Unix nanoseconds.
    pub times: (u64, u64),
    /// What is known of it, numbers as text.
    pub notes: Vec<(String, String)>,
    /// Why it failed, where it did.
    pub failure: Option<String>,
}

/// A running collector. It ends with this.
#[derive(Debug)]
pub struct Collector {
    /// Where it takes spans.
    pub url: String,
    spans: Arc<Mutex<Vec<Told>>>,
    _serves: JoinSet<()>,
}

impl Collector {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// If there is no port left.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1/traces", listener.local_addr().expect("it is bound"));
        let spans = Arc::<Mutex<Vec<Told>>>::default();
        let (kept, mut serves) = (spans.clone(), JoinSet::new());
        serves.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let kept = kept.clone();
                let serve = service_fn(move |request| take(kept.clone(), request));
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), serve));
            }
        });
        Self { url, spans, _serves: serves }
    }

    /// All spans so far, in the order in which they were told.
    #[must_use]
    pub fn spans(&self) -> Vec<Told> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn take(
    kept: Arc<Mutex<Vec<Told>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
    let is_known = request.method() == Method::POST
        && request.uri().path() == "/v1/traces"
        && request.headers().get("content-type").is_some_and(|kind| kind == "application/x-protobuf");
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    let read = body.ok().filter(|_| is_known).and_then(|body| ExportTraceServiceRequest::decode(body).ok());
    let mut answer = Response::new(Full::default());
    match read {
        Some(read) => kept.lock().unwrap_or_else(PoisonError::into_inner).extend(told(read)),
        None => *answer.status_mut() = StatusCode::BAD_REQUEST,
    }
    Ok(answer)
}

fn told(read: ExportTraceServiceRequest) -> Vec<Told> {
    let mut all = Vec::new();
    for of_process in read.resource_spans {
        let about = notes(of_process.resource.map(|resource| resource.attributes).unwrap_or_default());
        let service = about.into_iter().find(|(key, _)| key == "service.name").map(|(_, name)| name);
        let service = service.unwrap_or_default();
        for span in of_process.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            all.push(one(service.clone(), span));
        }
    }
    all
}

fn one(service: String, span: Span) -> Told {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let failed = |status: opentelemetry_proto::tonic::trace::v1::Status| {
        (status.code() == Outcome::Error).then_some(status.message)
    };
    Told {
        service,
        kind: span.kind(),
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        times: (span.start_time_unix_nano, span.end_time_unix_nano),
        notes: notes(span.attributes),
        failure: span.status.and_then(failed),
        name: span.name,
    }
}

fn notes(attributes: Vec<KeyValue>) -> Vec<(String, String)> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|note| (note.key, text(note.value))).collect()
}
