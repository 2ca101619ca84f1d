//! What callers see of a token's life.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, advance, sleep, timeout};
use vault_auth::{Auth, OnShutdown, State};
use vault_http::{Denial, DenialOutcome, ErrorKind, TokenSource};

use crate::memory::{Response, auth, client, seconds};

async fn denial_of_current(auth: &Auth) -> Denial {
    Denial { generation: auth.token().await.unwrap().generation, token_invalid: true }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_rollovers_under_a_thousand_requests_a_second_are_not_noticed() {
    let (auth, server) = auth(seconds(4));
    auth.ready().await.unwrap();
    while server.logins() <= 100 {
        let asked = Instant::now();
        let lease = auth.token().await.unwrap();
        assert_eq!(asked.elapsed(), Duration::ZERO, "nobody waits");
        assert!(server.accepts(&lease.token), "a token past its end");
        assert!(auth.with_current(|lease| server.accepts(&lease.token)).unwrap());
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(auth.status().counts.logins, 100);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_at_the_moment_of_expiry_are_one_login() {
    // A login that takes longer than there is time for it before the end.
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
async fn ten_thousand_callers_with_a_dead_token_are_one_login() {
    let (auth, server) = auth(seconds(3_600));
    let denial = denial_of_current(&auth).await;
    let mut callers = JoinSet::new();
    for _ in 0..10_000 {
        let auth = auth.clone();
        callers.spawn(async move { auth.denied(denial).await.unwrap() });
    }
    assert!(callers.join_all().await.iter().all(|verdict| *verdict == DenialOutcome::Replaced));
    assert_eq!((server.logins(), auth.status().counts.invalidated), (2, 1));
    // A late one does not touch the fresh token.
    let fresh = auth.token().await.unwrap().generation;
    assert_eq!(auth.denied(denial).await.unwrap(), DenialOutcome::Replaced);
    assert_eq!(auth.token().await.unwrap().generation, fresh);
    assert_eq!(server.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_cancels_nothing() {
    let (auth, server) = auth(seconds(3_600));
    assert!(timeout(Duration::from_millis(1), auth.token()).await.is_err());
    let denial = denial_of_current(&auth).await;
    assert!(timeout(Duration::from_millis(1), auth.denied(denial)).await.is_err());
    auth.ready().await.unwrap();
    assert_eq!(server.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_hangs_ends_after_ten_seconds_for_all_who_wait() {
    let (auth, server) = auth(Response::Hangs);
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let auth = auth.clone();
        callers.spawn(async move { auth.token().await.unwrap_err().kind() });
    }
    assert!(callers.join_all().await.iter().all(|kind| *kind == ErrorKind::Timeout));
    assert_eq!((begun.elapsed().as_secs(), server.logins()), (10, 1));
    // It tries again by itself.
    server.respond_with(seconds(3_600));
    sleep(Duration::from_secs(2)).await;
    assert!(auth.status().is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_method_that_panics_is_an_error_and_is_called_again() {
    let (auth, server) = auth(Response::Panics);
    assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::Interrupted);
    server.respond_with(seconds(3_600));
    sleep(Duration::from_secs(2)).await;
    assert!(auth.status().is_ready());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_survived_on_the_token_that_is_left() {
    let (auth, server) = auth(seconds(1_000));
    auth.ready().await.unwrap();
    server.respond_with(Response::Fails(ErrorKind::Server));
    advance(Duration::from_secs(900)).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(auth.status().state, State::Degraded);
    assert_eq!(auth.status().error.unwrap().kind(), ErrorKind::Server);
    assert!(auth.status().is_ready() && auth.token().await.is_ok());
    // To its end, and no further.
    sleep(Duration::from_secs(100)).await;
    assert!(!auth.status().is_ready());
    assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::Server);
    server.respond_with(seconds(1_000));
    sleep(Duration::from_secs(70)).await;
    assert!(auth.token().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ended_while_the_process_was_stopped_is_not_given_out() {
    let (auth, server) = auth(seconds(10));
    let old = auth.token().await.unwrap().generation;
    // All timers are late, as after a stop: whoever runs first must not see the old token.
    advance(Duration::from_secs(3_600)).await;
    let lease = auth.token().await.unwrap();
    assert!(lease.generation > old && server.accepts(&lease.token));
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_ten_years_is_waited_for() {
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
async fn it_logs_in_when_it_is_started_and_not_before() {
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
async fn dropping_the_last_clone_ends_the_task_and_what_it_does() {
    for answer in [seconds(10), Response::Hangs] {
        let (auth, server) = auth(answer);
        auth.start();
        sleep(Duration::from_secs(1)).await;
        let clone = auth.clone();
        drop(auth);
        assert!(Arc::strong_count(&server) > 1);
        drop(clone);
        // What was cancelled is dropped by the runtime's next turns.
        for _ in 0..10 {
            yield_now().await;
        }
        assert_eq!(Arc::strong_count(&server), 1, "the method is held by nobody");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_shut_down_says_so_to_all() {
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
async fn a_denial_that_nobody_settles_any_more_is_told() {
    let (auth, server) = auth(seconds(3_600));
    let denial = denial_of_current(&auth).await;
    server.respond_with(Response::Hangs);
    let asking = tokio::join!(auth.denied(denial), async {
        yield_now().await;
        auth.shutdown(OnShutdown::Keep).await;
    });
    assert_eq!(asking.0.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(auth.denied(denial).await.unwrap_err().kind(), ErrorKind::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_waits_two_seconds_for_a_login_and_no_longer() {
    let (auth, _server) = auth(Response::Hangs);
    auth.start();
    yield_now().await;
    let begun = Instant::now();
    auth.shutdown(OnShutdown::Revoke).await;
    assert_eq!(begun.elapsed().as_secs(), 2);
}

#[tokio::test]
async fn it_is_made_without_a_runtime_and_shared_between_threads() {
    fn check<T: Send + Sync + Clone + 'static>(_: &T) {}
    let made = std::thread::spawn(|| Auth::new(client(), vault_auth::Certificate::new(None)));
    check(&made.join().unwrap());
}
