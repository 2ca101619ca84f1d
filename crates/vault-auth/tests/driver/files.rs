//! Credentials in files that change.

use std::fs::{File, write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;
use vault_auth::{Auth, Credential, State, StaticToken};
use vault_http::{Denial, ErrorKind, TokenSource};

use crate::fake_server::client;

/// Longer than it takes to notice a change and that the file is stable.
const NOTICED_WITHIN: Duration = Duration::from_secs(7);

fn auth_with_token_file(file: &Path) -> Auth {
    Auth::new(client(), StaticToken::new(Credential::File(file.to_owned())))
}

async fn token(auth: &Auth) -> String {
    auth.token().await.unwrap().token.expose().to_owned()
}

#[tokio::test(start_paused = true)]
async fn changed_token_file_replaces_a_valid_token() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    write(&file, "first\n").unwrap();
    let auth = auth_with_token_file(&file);
    assert_eq!(token(&auth).await, "first");
    for unusable in ["", "\n", "half a", "\u{1f511}"] {
        write(&file, unusable).unwrap();
        sleep(NOTICED_WITHIN).await;
        assert_eq!(token(&auth).await, "first", "{unusable:?}");
        assert!(auth.status().is_ready());
    }
    // The unusable files have exhausted the budget of six logins a minute.
    sleep(Duration::from_secs(60)).await;
    write(&file, "second\n").unwrap();
    sleep(NOTICED_WITHIN).await;
    assert_eq!(token(&auth).await, "second");
    // Orchestrators replace the file by renaming another one.
    write(directory.path().join("next"), "third").unwrap();
    std::fs::rename(directory.path().join("next"), &file).unwrap();
    sleep(NOTICED_WITHIN).await;
    assert_eq!(token(&auth).await, "third");
    std::fs::remove_file(&file).unwrap();
    sleep(NOTICED_WITHIN).await;
    assert_eq!(token(&auth).await, "third");
}

#[tokio::test(start_paused = true)]
async fn modification_time_that_is_a_year_off_does_not_matter() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    write(&file, "first").unwrap();
    let auth = auth_with_token_file(&file);
    assert_eq!(token(&auth).await, "first");
    let year = Duration::from_secs(365 * 86_400);
    let now = File::open(&file).unwrap().metadata().unwrap().modified().unwrap();
    let times: [(SystemTime, &str); 3] =
        [(now + year, "second"), (now - year, "third"), (now, "fourth")];
    for (time, content) in times {
        write(&file, content).unwrap();
        File::options().append(true).open(&file).unwrap().set_modified(time).unwrap();
        sleep(NOTICED_WITHIN).await;
        assert_eq!(token(&auth).await, content);
    }
}

#[tokio::test(start_paused = true)]
async fn missing_token_file_is_used_when_it_appears() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    let auth = auth_with_token_file(&file);
    assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::LoginRefused);
    assert_eq!(auth.status().state, State::Degraded);
    write(&file, "first").unwrap();
    sleep(NOTICED_WITHIN).await;
    assert_eq!(token(&auth).await, "first");
}

#[tokio::test(start_paused = true)]
async fn dead_token_is_replaced_when_its_file_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    write(&file, "first").unwrap();
    let auth = auth_with_token_file(&file);
    let generation = auth.token().await.unwrap().generation;
    let denial = Denial::new(generation, true);
    assert_eq!(auth.denied(denial).await.unwrap_err().kind(), ErrorKind::TokenInvalid);
    assert_eq!(auth.status().state, State::Rejected);
    write(&file, "second").unwrap();
    sleep(NOTICED_WITHIN).await;
    assert_eq!(token(&auth).await, "second");
}

/// Only the modification time of the file has changed.
#[tokio::test(start_paused = true)]
async fn reload_or_touched_file_with_the_same_token_leaves_it_active() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    write(&file, "first").unwrap();
    let auth = auth_with_token_file(&file);
    let generation = auth.token().await.unwrap().generation;
    for _ in 0..3 {
        auth.reload();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(auth.status().state, State::Active);
        write(&file, "first\n\n").unwrap();
        write(&file, "first").unwrap();
        sleep(NOTICED_WITHIN).await;
        assert_eq!(auth.status().state, State::Active);
    }
    assert_eq!(auth.token().await.unwrap().generation, generation);
}

/// A cold name is read within 3 s, including the time that the cache needs.
#[tokio::test(start_paused = true)]
async fn replaced_credential_is_used_within_a_second_and_a_half_after_a_refusal() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    write(&file, "first").unwrap();
    let auth = auth_with_token_file(&file);
    let generation = auth.token().await.unwrap().generation;
    let denial = Denial::new(generation, true);
    assert!(auth.denied(denial).await.is_err());
    for content in ["second", "third"] {
        sleep(Duration::from_millis(3_333)).await;
        write(&file, content).unwrap();
        sleep(Duration::from_millis(1_500)).await;
        assert_eq!(token(&auth).await, content);
        let generation = auth.token().await.unwrap().generation;
        assert!(auth.denied(Denial::new(generation, true)).await.is_err());
    }
}
