//! Credentials in files that change.

use std::fs::{File, write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;
use vault_auth::{Auth, Credential, State, StaticToken};
use vault_http::{Denial, ErrorKind, TokenSource};

use crate::memory::client;

/// Longer than it takes to see that a file has changed, and is left alone.
const SEEN_WITHIN: Duration = Duration::from_secs(7);

fn by_file(file: &Path) -> Auth {
    Auth::new(client(), StaticToken::new(Credential::File(file.to_owned())))
}

async fn token(auth: &Auth) -> String {
    auth.token().await.unwrap().token.expose().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_token_file_that_changes_is_followed_while_the_old_token_still_works() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("token");
    write(&file, "first\n").unwrap();
    let auth = by_file(&file);
    assert_eq!(token(&auth).await, "first");
    for unusable in ["", "\n", "half a", "\u{1f511}"] {
        write(&file, unusable).unwrap();
        sleep(SEEN_WITHIN).await;
        assert_eq!(token(&auth).await, "first", "{unusable:?}");
        assert!(auth.status().is_ready());
    }
    // Six tries in a minute are enough, whatever becomes of a file.
    sleep(Duration::from_secs(60)).await;
    write(&file, "second\n").unwrap();
    sleep(SEEN_WITHIN).await;
    assert_eq!(token(&auth).await, "second");
    // As an orchestrator does it: another file takes the name.
    write(place.path().join("next"), "third").unwrap();
    std::fs::rename(place.path().join("next"), &file).unwrap();
    sleep(SEEN_WITHIN).await;
    assert_eq!(token(&auth).await, "third");
    std::fs::remove_file(&file).unwrap();
    sleep(SEEN_WITHIN).await;
    assert_eq!(token(&auth).await, "third");
}

#[tokio::test(start_paused = true)]
async fn times_of_files_that_are_a_year_off_are_no_matter() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("token");
    write(&file, "first").unwrap();
    let auth = by_file(&file);
    assert_eq!(token(&auth).await, "first");
    let year = Duration::from_secs(365 * 86_400);
    let now = File::open(&file).unwrap().metadata().unwrap().modified().unwrap();
    let times: [(SystemTime, &str); 3] =
        [(now + year, "second"), (now - year, "third"), (now, "fourth")];
    for (time, content) in times {
        write(&file, content).unwrap();
        File::options().append(true).open(&file).unwrap().set_modified(time).unwrap();
        sleep(SEEN_WITHIN).await;
        assert_eq!(token(&auth).await, content);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_there_yet_is_waited_for() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("token");
    let auth = by_file(&file);
    assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::LoginRefused);
    assert_eq!(auth.status().state, State::Degraded);
    write(&file, "first").unwrap();
    sleep(SEEN_WITHIN).await;
    assert_eq!(token(&auth).await, "first");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_died_is_replaced_when_its_file_is() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("token");
    write(&file, "first").unwrap();
    let auth = by_file(&file);
    let generation = auth.token().await.unwrap().generation;
    let denial = Denial { generation, token_invalid: true };
    assert_eq!(auth.denied(denial).await.unwrap_err().kind(), ErrorKind::TokenInvalid);
    assert_eq!(auth.status().state, State::Rejected);
    write(&file, "second").unwrap();
    sleep(SEEN_WITHIN).await;
    assert_eq!(token(&auth).await, "second");
}

/// C1: nothing has changed but the file's time.
#[tokio::test(start_paused = true)]
async fn reload_or_touched_file_with_the_same_token_leaves_it_active() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("token");
    write(&file, "first").unwrap();
    let auth = by_file(&file);
    let generation = auth.token().await.unwrap().generation;
    for _ in 0..3 {
        auth.reload();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(auth.status().state, State::Active);
        write(&file, "first\n\n").unwrap();
        write(&file, "first").unwrap();
        sleep(SEEN_WITHIN).await;
        assert_eq!(auth.status().state, State::Active);
    }
    assert_eq!(auth.token().await.unwrap().generation, generation);
}

/// B4: the bar for a cold name is 3 s, the cache's part included.
#[tokio::test(start_paused = true)]
async fn replaced_credential_is_used_within_a_second_and_a_half_while_none_is_accepted() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("token");
    write(&file, "first").unwrap();
    let auth = by_file(&file);
    let generation = auth.token().await.unwrap().generation;
    let denial = Denial { generation, token_invalid: true };
    assert!(auth.denied(denial).await.is_err());
    for content in ["second", "third"] {
        sleep(Duration::from_millis(3_333)).await;
        write(&file, content).unwrap();
        sleep(Duration::from_millis(1_500)).await;
        assert_eq!(token(&auth).await, content);
        let generation = auth.token().await.unwrap().generation;
        assert!(auth.denied(Denial { generation, token_invalid: true }).await.is_err());
    }
}
