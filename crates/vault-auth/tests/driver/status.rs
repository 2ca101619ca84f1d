//! The status and the metrics of a token source.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tokio::time::sleep;
use vault_auth::{OnShutdown, State, TokenKind};
use vault_http::{Denial, TokenSource};

use crate::fake_server::{Response, auth, auth_named, seconds};

/// Returns the recorded metrics as `name{label=value}`, truncated to integers.
#[expect(clippy::cast_possible_truncation, reason = "all gauges are small")]
fn metrics(recorded: &Snapshotter) -> BTreeMap<String, i64> {
    let metrics = recorded.snapshot().into_vec().into_iter().map(|(key, _, _, value)| {
        let (name, labels) = key.key().clone().into_parts();
        let labels: Vec<_> = labels.iter().map(|l| format!("{}={}", l.key(), l.value())).collect();
        let value = match value {
            DebugValue::Gauge(value) => value.into_inner() as i64,
            DebugValue::Counter(value) => i64::try_from(value).unwrap(),
            DebugValue::Histogram(_) => unreachable!("there are no histograms"),
        };
        (format!("{}{{{}}}", name.as_str(), labels.join(",")), value)
    });
    metrics.collect()
}

#[tokio::test(start_paused = true)]
async fn state_ttl_generation_and_counts_are_reported() {
    let sink = DebuggingRecorder::new();
    let recorded = sink.snapshotter();
    let _guard = metrics::set_default_local_recorder(&sink);
    let (auth, server) = auth(seconds(1_000));
    let status = auth.status();
    assert_eq!((status.state, status.kind, status.is_ready()), (State::Empty, None, false));

    let generation = auth.token().await.unwrap().generation;
    sleep(Duration::from_secs(100)).await;
    let status = auth.status();
    assert_eq!((status.state, status.kind), (State::Active, Some(TokenKind::Fixed)));
    let left = i64::try_from(status.expires_in.unwrap().as_secs()).unwrap();
    assert!((869..=870).contains(&left), "{left}");
    let reported = metrics(&recorded);
    assert_eq!(reported["vault_auth_state{source=default,state=active}"], 1);
    assert_eq!(reported["vault_auth_generation{source=default}"], 1);
    assert_eq!(reported["vault_auth_logins_total{source=default,outcome=success}"], 1);
    // The gauge is up to one poll interval old.
    let ttl = reported["vault_auth_token_ttl_seconds{source=default}"];
    assert!((left..=left + 3).contains(&ttl), "{ttl}");

    server.respond_with(Response::Fails(vault_http::ErrorKind::Server));
    assert!(auth.denied(Denial::new(generation, true)).await.is_err());
    let status = auth.status();
    assert_eq!((status.state, status.is_ready()), (State::Degraded, false));
    assert_eq!((status.counts.invalidated, status.counts.failures), (1, 1));
    let reported = metrics(&recorded);
    assert_eq!(reported["vault_auth_state{source=default,state=degraded}"], 1);
    assert_eq!(reported["vault_auth_state{source=default,state=active}"], 0);
    assert_eq!(reported["vault_auth_token_ttl_seconds{source=default}"], 0);
    assert_eq!(reported["vault_auth_logins_total{source=default,outcome=failed}"], 1);

    auth.shutdown(OnShutdown::Keep).await;
    assert_eq!(metrics(&recorded)["vault_auth_state{source=default,state=ended}"], 1);
}

/// Several sources in one process.
#[tokio::test(start_paused = true)]
async fn named_sources_have_separate_metrics() {
    let sink = DebuggingRecorder::new();
    let recorded = sink.snapshotter();
    let _guard = metrics::set_default_local_recorder(&sink);
    let (one, _) = auth_named("one", seconds(1_000));
    let (two, _) = auth_named("two", Response::Fails(vault_http::ErrorKind::Server));
    one.token().await.unwrap();
    assert!(two.token().await.is_err());
    let reported = metrics(&recorded);
    assert_eq!(reported["vault_auth_state{source=one,state=active}"], 1);
    assert_eq!(reported["vault_auth_state{source=two,state=active}"], 0);
    assert_eq!(reported["vault_auth_state{source=two,state=degraded}"], 1);
    assert_eq!(reported["vault_auth_generation{source=one}"], 1);
    assert_eq!(reported["vault_auth_generation{source=two}"], 0);
    assert_eq!(reported["vault_auth_logins_total{source=one,outcome=success}"], 1);
    assert_eq!(reported["vault_auth_logins_total{source=two,outcome=failed}"], 1);
}
