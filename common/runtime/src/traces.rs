//! Spans of requests for a collector: OpenTelemetry, sent as OTLP over HTTP. Without one
//! a span costs next to nothing and knows no ids; those of the log lines are there anyway.

use heim_common::Trace;
use opentelemetry::{
    Context, KeyValue, Value, global,
    global::BoxedSpan,
    trace::{Span as _, SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TraceState, Tracer},
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// How long an end waits until the collector has the last spans.
const LAST: Duration = Duration::from_secs(2);
/// How long one batch may take.
const SEND: Duration = Duration::from_secs(5);
/// Under which name the spans are counted.
const SCOPE: &str = "heim-media";

/// The section `traces`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TracesConfig {
    /// Where a collector takes OTLP over HTTP, whole: `http://127.0.0.1:4318/v1/traces`.
    /// Empty: spans are not sent.
    pub otlp_url: String,
    /// Which share of all requests is sent, 0 to 1. It is chosen by the request's id, so
    /// that every process chooses the same ones.
    pub ratio: f64,
}

impl Default for TracesConfig {
    fn default() -> Self {
        Self { otlp_url: String::new(), ratio: 1.0 }
    }
}

/// A section that cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTraces {
    /// Not a share.
    #[error("traces.ratio must be between 0 and 1")]
    Ratio,
    /// Neither `http` nor `https`.
    #[error("traces.otlp_url must be the collector\u{2019}s whole address, as http://127.0.0.1:4318/v1/traces")]
    Address,
    /// What the exporter says.
    #[error("spans cannot be sent to traces.otlp_url")]
    Exporter(#[from] ExporterBuildError),
}

/// Sends spans for as long as it lives, and what is left of them when it ends.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Begins to send the spans of the whole process. `service` is its name there, and
    /// `version` that of the binary.
    ///
    /// # Errors
    /// If the section cannot be used.
    pub fn begin(config: &TracesConfig, service: &'static str, version: &'static str) -> Result<Self, InvalidTraces> {
        if !(0.0..=1.0).contains(&config.ratio) {
            return Err(InvalidTraces::Ratio);
        }
        if config.otlp_url.is_empty() {
            return Ok(Self(None));
        }
        if !["http://", "https://"].iter().any(|scheme| config.otlp_url.starts_with(scheme)) {
            return Err(InvalidTraces::Address);
        }
        let exporter =
            SpanExporter::builder().with_http().with_endpoint(config.otlp_url.as_str()).with_timeout(SEND).build()?;
        let about =
            Resource::builder().with_service_name(service).with_attribute(KeyValue::new("service.version", version));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::TraceIdRatioBased(config.ratio))
            .with_resource(about.build())
            .build();
        global::set_tracer_provider(provider.clone());
        Ok(Self(Some(provider)))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        let Some(provider) = self.0.take() else { return };
        if let Err(error) = provider.shutdown_with_timeout(LAST) {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last spans may not have been sent");
        }
    }
}

/// What part in a request a span has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Answers somebody who waits.
    Server,
    /// Does later what was put into a queue.
    Consumer,
    /// A stage of one of these.
    Stage,
}

/// One step of a request, from when it begins until it is dropped.
#[derive(Debug)]
pub struct Span(BoxedSpan);

impl Span {
    /// Begins one: of the request that was `told`, or of a fresh one.
    pub fn begin(name: &'static str, part: Part, told: Option<Trace>) -> Self {
        let tracer = global::tracer(SCOPE);
        let kind = match part {
            Part::Server => SpanKind::Server,
            Part::Consumer => SpanKind::Consumer,
            Part::Stage => SpanKind::Internal,
        };
        let parent = told.map_or_else(Context::new, |told| Context::new().with_remote_span_context(context(told)));
        Self(tracer.build_with_context(tracer.span_builder(name).with_kind(kind), &parent))
    }

    /// By what those continue the request who are called from within: none where no
    /// spans are sent.
    #[must_use]
    pub fn trace(&self) -> Option<Trace> {
        let context = self.0.span_context();
        // What is not sent hands on what came from afar.
        let is_ours = context.is_valid() && !context.is_remote();
        let ids =
            || (u128::from_be_bytes(context.trace_id().to_bytes()), u64::from_be_bytes(context.span_id().to_bytes()));
        is_ours.then(ids).map(|(id, step)| Trace::of(id, step, context.is_sampled()))
    }

    /// Gives it the name by which it is counted with others. None of a client's words.
    pub fn rename(&mut self, name: impl FnOnce() -> Cow<'static, str>) {
        if self.0.is_recording() {
            self.0.update_name(name());
        }
    }

    /// Adds what is known of it.
    pub fn note(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.set_attribute(KeyValue::new(key, value));
    }

    /// It failed, and why.
    pub fn fail(&mut self, why: impl FnOnce() -> String) {
        if self.0.is_recording() {
            self.0.set_status(Status::error(why()));
        }
    }
}

fn context(told: Trace) -> SpanContext {
    let flags = if told.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let (id, step) = (told.id().0.into(), told.step().into());
    SpanContext::new(id, step, flags, true, TraceState::NONE)
}
