//! The behavior of a token source as its callers observe it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, advance, sleep, timeout};
use vault_auth::{Auth, OnShutdown, State};
use vault_http::{Denial, DenialOutcome, ErrorKind, TokenSource};

use crate::fake_server::{Response, auth, client, seconds};

async fn denial_of_current(auth: &Auth) -> Denial {
    Denial::new(auth.token().await.unwrap().generation, true)
}

#[tokio::test(start_paused = true)]
async fn a_hundred_token_replacements_delay_no_request() {
    let (auth, server) = auth(seconds(4));
    auth.ready().await.unwrap();
    while server.logins() <= 100 {
        let start = Instant::now();
        let issued = auth.token().await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO, "the caller waited");
        assert!(server.accepts(&issued.token), "an expired token");
        assert!(auth.with_current(|issued| server.accepts(&issued.token)).unwrap());
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(auth.status().counts.logins, 100);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_at_expiry_share_one_login() {
    // The login takes longer than the time between its start and the expiry.
    let (auth, server) =
        auth(Response::Token { lease: Duration::from_secs(10), after: Duration::from_secs(3) });
    auth.ready().await.unwrap();
    while auth.status().state != State::LoggingIn {
        sleep(Duration::from_millis(1)).await;
    }
    let mut callers = JoinSet::new();
    for _ in 0..10_000 {
        let auth = auth.clone();
        callers.spawn(async move { auth.token().await.unwrap().generation });
    }
    let generations = callers.join_all().await;
    assert!(generations.iter().all(|generation| generation.number() == 2));
    assert_eq!(server.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_with_a_dead_token_share_one_login() {
    let (auth, server) = auth(seconds(3_600));
    let denial = denial_of_current(&auth).await;
    let mut callers = JoinSet::new();
    for _ in 0..10_000 {
        let auth = auth.clone();
        callers.spawn(async move { auth.denied(denial).await.unwrap() });
    }
    assert!(callers.join_all().await.iter().all(|outcome| *outcome == DenialOutcome::Replaced));
    assert_eq!((server.logins(), auth.status().counts.invalidated), (2, 1));
    // A late denial does not affect the new token.
    let new = auth.token().await.unwrap().generation;
    assert_eq!(auth.denied(denial).await.unwrap(), DenialOutcome::Replaced);
    assert_eq!(auth.token().await.unwrap().generation, new);
    assert_eq!(server.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn caller_that_gives_up_cancels_nothing() {
    let (auth, server) = auth(seconds(3_600));
    assert!(timeout(Duration::from_millis(1), auth.token()).await.is_err());
    let denial = denial_of_current(&auth).await;
    assert!(timeout(Duration::from_millis(1), auth.denied(denial)).await.is_err());
    auth.ready().await.unwrap();
    assert_eq!(server.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn hung_login_times_out_after_ten_seconds_for_all_waiters() {
    let (auth, server) = auth(Response::Hangs);
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let auth = auth.clone();
        callers.spawn(async move { auth.token().await.unwrap_err().kind() });
    }
    assert!(callers.join_all().await.iter().all(|kind| *kind == ErrorKind::Timeout));
    assert_eq!((start.elapsed().as_secs(), server.logins()), (10, 1));
    // It is retried in the background.
    server.respond_with(seconds(3_600));
    sleep(Duration::from_secs(2)).await;
    assert!(auth.status().is_ready());
}

#[tokio::test(start_paused = true)]
async fn panic_of_a_method_is_an_error_and_the_login_is_retried() {
    let (auth, server) = auth(Response::Panics);
    assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::Interrupted);
    server.respond_with(seconds(3_600));
    sleep(Duration::from_secs(2)).await;
    assert!(auth.status().is_ready());
}

#[tokio::test(start_paused = true)]
async fn token_is_used_until_its_expiry_during_an_outage() {
    let (auth, server) = auth(seconds(1_000));
    auth.ready().await.unwrap();
    server.respond_with(Response::Fails(ErrorKind::Server));
    advance(Duration::from_secs(900)).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(auth.status().state, State::Degraded);
    assert_eq!(auth.status().error.unwrap().kind(), ErrorKind::Server);
    assert!(auth.status().is_ready() && auth.token().await.is_ok());
    // It is not used after its expiry.
    sleep(Duration::from_secs(100)).await;
    assert!(!auth.status().is_ready());
    assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::Server);
    server.respond_with(seconds(1_000));
    sleep(Duration::from_secs(70)).await;
    assert!(auth.token().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn token_that_expired_while_the_process_was_suspended_is_not_returned() {
    let (auth, server) = auth(seconds(10));
    let old = auth.token().await.unwrap().generation;
    // As after a suspension, all timers are late. The first caller must not receive the old token.
    advance(Duration::from_secs(3_600)).await;
    let issued = auth.token().await.unwrap();
    assert!(issued.generation > old && server.accepts(&issued.token));
}

#[tokio::test(start_paused = true)]
async fn lease_of_ten_years_is_used_to_the_end() {
    const DAY: u64 = 86_400;
    let (auth, server) = auth(seconds(3_650 * DAY));
    auth.ready().await.unwrap();
    for _ in 0..7 {
        advance(Duration::from_secs(365 * DAY)).await;
        yield_now().await;
        assert!(auth.token().await.is_ok());
    }
    assert_eq!(server.logins(), 1);
    advance(Duration::from_secs(2 * 365 * DAY)).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(server.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn login_is_made_once_at_start_and_not_before() {
    let (auth, server) = auth(seconds(10));
    sleep(Duration::from_secs(100)).await;
    assert_eq!((server.logins(), auth.status().state), (0, State::Empty));
    assert_eq!(auth.with_current(|_| ()), None);
    auth.start();
    auth.start();
    sleep(Duration::from_secs(1)).await;
    assert_eq!((server.logins(), auth.status().state), (1, State::Active));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_clone_ends_the_task_and_its_requests() {
    for response in [seconds(10), Response::Hangs] {
        let (auth, server) = auth(response);
        auth.start();
        sleep(Duration::from_secs(1)).await;
        let clone = auth.clone();
        drop(auth);
        assert!(Arc::strong_count(&server) > 1);
        drop(clone);
        // The runtime drops cancelled tasks in its next iterations.
        for _ in 0..10 {
            yield_now().await;
        }
        assert_eq!(Arc::strong_count(&server), 1, "the method is still referenced");
    }
}

#[tokio::test(start_paused = true)]
async fn callers_of_a_source_that_was_shut_down_receive_an_error() {
    for started in [false, true] {
        let (auth, _server) = auth(Response::Hangs);
        let waiting = started.then(|| {
            let auth = auth.clone();
            let mut waiting = JoinSet::new();
            waiting.spawn(async move { auth.token().await.unwrap_err().kind() });
            waiting
        });
        yield_now().await;
        auth.shutdown(OnShutdown::Keep).await;
        assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::Interrupted);
        assert_eq!(auth.status().state, State::Ended);
        if let Some(waiting) = waiting {
            assert_eq!(waiting.join_all().await, [ErrorKind::Interrupted]);
        }
        auth.shutdown(OnShutdown::Revoke).await;
    }
}

#[tokio::test(start_paused = true)]
async fn pending_denial_at_shutdown_is_an_error() {
    let (auth, server) = auth(seconds(3_600));
    let denial = denial_of_current(&auth).await;
    server.respond_with(Response::Hangs);
    let results = tokio::join!(auth.denied(denial), async {
        yield_now().await;
        auth.shutdown(OnShutdown::Keep).await;
    });
    assert_eq!(results.0.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(auth.denied(denial).await.unwrap_err().kind(), ErrorKind::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_at_most_two_seconds_for_a_login() {
    let (auth, _server) = auth(Response::Hangs);
    auth.start();
    yield_now().await;
    let start = Instant::now();
    auth.shutdown(OnShutdown::Revoke).await;
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[tokio::test]
async fn source_is_created_without_a_runtime_and_can_be_shared_between_threads() {
    fn check<T: Send + Sync + Clone + 'static>(_: &T) {}
    let created = std::thread::spawn(|| Auth::new(client(), vault_auth::Certificate::new(None)));
    check(&created.join().unwrap());
}
