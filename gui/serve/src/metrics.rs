//! Prometheus metrics.

use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Endpoint {
    endpoint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    endpoint: String,
    status: u16,
}

pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Outcome, Counter>,
    errors: Counter,
    sheds: Counter,
    seconds: Family<Endpoint, Histogram>,
    batches: Histogram,
    queue: Gauge,
    answers: Gauge,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("nearsay");
        // From 0.5 ms to 16 s.
        let seconds = || Histogram::new(exponential_buckets(0.0005, 2.0, 16));
        let metrics = Self {
            requests: Family::default(),
            errors: Counter::default(),
            sheds: Counter::default(),
            seconds: Family::new_with_constructor(seconds),
            batches: Histogram::new(exponential_buckets(1.0, 2.0, 9)),
            queue: Gauge::default(),
            answers: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Finished requests", metrics.requests.clone());
        registry.register(
            "errors",
            "Requests that failed with a server error",
            metrics.errors.clone(),
        );
        registry.register(
            "sheds",
            "Requests rejected because of overload",
            metrics.sheds.clone(),
        );
        registry.register(
            "request_seconds",
            "Time from request head to response",
            metrics.seconds.clone(),
        );
        registry.register(
            "batch_texts",
            "Texts encoded in a batch",
            metrics.batches.clone(),
        );
        registry.register(
            "queue_texts",
            "Texts waiting or being encoded",
            metrics.queue.clone(),
        );
        registry.register("answers", "Answers of the model", metrics.answers.clone());
        Self {
            registry,
            ..metrics
        }
    }

    pub(super) fn record_request(&self, endpoint: &str, status: u16, duration: Duration) {
        let endpoint = endpoint.to_owned();
        let outcome = Outcome {
            endpoint: endpoint.clone(),
            status,
        };
        self.requests.get_or_create(&outcome).inc();
        match status {
            503 => self.sheds.inc(),
            500.. => self.errors.inc(),
            _ => 0,
        };
        let seconds = self.seconds.get_or_create(&Endpoint { endpoint });
        seconds.observe(duration.as_secs_f64());
    }

    pub(super) fn record_batch(&self, texts: usize) {
        self.batches.observe(texts as f64);
    }

    /// Encodes all metrics in Prometheus' text format.
    pub(super) fn to_text(
        &self,
        waiting: usize,
        answers: usize,
    ) -> Result<String, std::fmt::Error> {
        self.queue.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.answers.set(i64::try_from(answers).unwrap_or(i64::MAX));
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
