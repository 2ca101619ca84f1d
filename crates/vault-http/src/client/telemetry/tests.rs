//! The telemetry of requests to a server in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::test_util::MemoryServer;
use crate::transport::TransportError;
use crate::{Address, ApiPath, Client, ClientBuilder, ErrorKind, Plaintext, Request, Traceparent};

const SECRET: &str = "s3cr3t-in-a-query";

/// Returns a builder of a client whose first request fails and whose others succeed, and the
/// `traceparent` headers of all requests.
fn builder() -> (ClientBuilder, Arc<Mutex<Vec<Option<String>>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&sent);
    let server = MemoryServer::new(move |request| {
        let header = request.headers().get("traceparent").map(|v| v.to_str().unwrap().to_owned());
        let mut sent = record.lock().unwrap();
        sent.push(header);
        let is_first = sent.len() == 1;
        async move {
            if is_first {
                return Err(TransportError::new(ErrorKind::Unreachable));
            }
            Ok(MemoryServer::json(200, "{}"))
        }
    });
    let address = Address::parse("https://vault.test/base", Plaintext::LoopbackOnly).unwrap();
    (Client::builder(address).transport(server), sent)
}

async fn send(client: &Client) {
    let request = Request::get(ApiPath::from_static("secret/data/a")).query("q", SECRET);
    client.send(&request, None, client.deadline()).await.unwrap();
}

/// Returns the recorded metrics: the value of a counter, or the number of values of a histogram.
fn recorded(snapshotter: &Snapshotter) -> BTreeMap<String, u64> {
    let metrics = snapshotter.snapshot().into_vec().into_iter().map(|(key, _, _, value)| {
        let (name, labels) = key.key().clone().into_parts();
        let labels: Vec<_> = labels.iter().map(|l| format!("{}={}", l.key(), l.value())).collect();
        let count = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Histogram(values) => values.len() as u64,
            DebugValue::Gauge(_) => unreachable!("there are no gauges"),
        };
        (format!("{}{{{}}}", name.as_str(), labels.join(",")), count)
    });
    metrics.collect()
}

#[tokio::test(start_paused = true)]
async fn duration_of_each_attempt_and_retries_are_recorded() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    send(&builder().0.build().unwrap()).await;
    let expected = [
        ("vault_http_request_duration_seconds{method=GET,outcome=success}", 1),
        ("vault_http_request_duration_seconds{method=GET,outcome=unreachable}", 1),
        ("vault_http_retries_total{kind=unreachable}", 1),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(recorded(&snapshotter), BTreeMap::from(expected));
}

/// A [`Layer`] that stores the fields of the spans of attempts.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Fields>>>);

#[derive(Default)]
struct Fields {
    id: u64,
    fields: BTreeMap<&'static str, String>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl<S: tracing::Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = Fields { id: id.into_u64(), ..Fields::default() };
        attributes.record(&mut fields);
        self.0.lock().unwrap().push(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.0.lock().unwrap();
        let span = spans.iter_mut().rev().find(|span| span.id == id.into_u64()).unwrap();
        values.record(span);
    }
}

#[tokio::test(start_paused = true)]
async fn span_of_each_attempt_has_opentelemetry_fields_and_no_query() {
    let spans = Spans::default();
    let subscriber = tracing_subscriber::registry().with(spans.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    send(&builder().0.build().unwrap()).await;
    let spans = spans.0.lock().unwrap();
    let fields: Vec<_> = spans.iter().map(|span| span.fields.clone()).collect();
    let common = [
        ("otel.name", "GET"),
        ("otel.kind", "client"),
        ("http.request.method", "GET"),
        ("server.address", "vault.test"),
        ("server.port", "443"),
        ("url.full", "https://vault.test/base/v1/secret/data/a"),
    ];
    let first = [("error.type", "unreachable"), ("otel.status_code", "ERROR")];
    let second = [("http.request.resend_count", "1"), ("http.response.status_code", "200")];
    let expected = [first, second].map(|further| {
        let fields = common.iter().chain(&further);
        fields.map(|(name, value)| (*name, (*value).to_owned())).collect::<BTreeMap<_, _>>()
    });
    assert_eq!(fields, expected);
}

#[tokio::test(start_paused = true)]
async fn traceparent_is_sent_with_each_attempt_only_if_it_is_supplied() {
    let (plain, sent) = builder();
    send(&plain.build().unwrap()).await;
    assert_eq!(*sent.lock().unwrap(), [None, None]);

    let (tracing, sent) = builder();
    let calls = AtomicUsize::new(0);
    let client = tracing.traceparent(move || {
        let call = u8::try_from(calls.fetch_add(1, Relaxed)).unwrap();
        Traceparent::new([1; 16], [call; 8], 1).ok()
    });
    send(&client.build().unwrap()).await;
    let second = "00-01010101010101010101010101010101-0101010101010101-01";
    // The identifiers of the first call are invalid.
    assert_eq!(*sent.lock().unwrap(), [None, Some(second.to_owned())]);
}
