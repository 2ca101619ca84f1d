//! Subscriptions to the status of a token source.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use vault_auth::{OnShutdown, State, Status};
use vault_http::{Denial, ErrorKind, TokenSource};

use crate::fake_server::{Response, auth, seconds};

fn summary(status: Option<Status>) -> Option<(State, u64, Option<u64>)> {
    let status = status?;
    let left = status.expires_in.map(|left| left.as_secs());
    Some((status.state, status.generation.number(), left))
}

#[tokio::test(start_paused = true)]
async fn subscriber_sees_the_login_the_replacement_and_the_end() {
    let (auth, _) = auth(seconds(1_000));
    let mut changes = auth.subscribe();
    assert_eq!(changes.status().state, State::Empty);
    auth.start();
    assert_eq!(summary(changes.changed().await), Some((State::LoggingIn, 0, None)));
    let (state, generation, left) = summary(changes.changed().await).unwrap();
    assert_eq!((state, generation), (State::Active, 1));
    assert!(left.is_some_and(|left| (960..1_000).contains(&left)), "{left:?}");
    // The token is not renewable, and is replaced before it expires.
    let (state, generation, left) = summary(changes.changed().await).unwrap();
    assert_eq!((state, generation), (State::Draining, 1));
    assert!(left.is_some_and(|left| left > 0), "{left:?}");
    assert_eq!(changes.changed().await.map(|status| status.generation.number()), Some(2));
    auth.shutdown(OnShutdown::Keep).await;
    let ended = changes.changed().await.unwrap();
    assert_eq!((ended.state, ended.is_ready()), (State::Ended, false));
    assert!(changes.changed().await.is_none());
}

/// The driver publishes its status after each event, and the events of a look-up change nothing.
#[tokio::test(start_paused = true)]
async fn event_that_changes_nothing_is_not_a_change() {
    let (auth, server) = auth(seconds(100_000));
    let generation = auth.token().await.unwrap().generation;
    let mut changes = auth.subscribe();
    // No server listens, so that the token cannot be looked up.
    let error = auth.denied(Denial::new(generation, false)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let waited = timeout(Duration::from_secs(60), changes.changed()).await;
    assert!(waited.is_err(), "{waited:?}");
    server.respond_with(Response::Fails(ErrorKind::Server));
    assert!(auth.denied(Denial::new(generation, true)).await.is_err());
    assert_eq!(changes.changed().await.map(|status| status.state), Some(State::Degraded));
}

#[tokio::test(start_paused = true)]
async fn subscription_does_not_keep_the_source_alive() {
    let (auth, _) = auth(seconds(1_000));
    let mut changes = auth.subscribe();
    auth.ready().await.unwrap();
    drop(auth);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(changes.changed().await.map(|status| status.state), Some(State::Ended));
    assert!(changes.changed().await.is_none());
}
