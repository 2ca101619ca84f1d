//! Clients of a gateway: 50 requests a second, each of which must succeed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use super::proxy::{Client, Proxy};

const BETWEEN_REQUESTS: Duration = Duration::from_millis(20);

/// Longer than a response takes on a loaded machine.
const RESPONDS_WITHIN: Duration = Duration::from_secs(60);

/// Requests until it is dropped.
pub(super) struct Load {
    end: watch::Sender<bool>,
    requests: Arc<Requests>,
    driver: JoinSet<()>,
}

#[derive(Default)]
struct Requests(Mutex<State>);

#[derive(Default)]
struct State {
    sent: u64,
    unanswered: BTreeSet<u64>,
    failures: Vec<String>,
}

impl Load {
    pub(super) fn start(proxy: &Proxy) -> Self {
        let (end, ends) = watch::channel(false);
        let (requests, mut driver) = (Arc::<Requests>::default(), JoinSet::new());
        driver.spawn(send(proxy.client(), Arc::clone(&requests), ends));
        Self { end, requests, driver }
    }

    /// Returns the failures so far.
    pub(super) fn failures(&self) -> Vec<String> {
        self.requests.state().failures.clone()
    }

    /// Waits until all requests so far are answered.
    pub(super) async fn until_answered(&self) {
        let last = self.requests.state().sent;
        while self.requests.state().unanswered.first().is_some_and(|first| *first <= last) {
            sleep(BETWEEN_REQUESTS).await;
        }
    }

    /// Waits for the responses to all requests. Returns the number of requests, and the failures.
    pub(super) async fn finish(mut self) -> Result<(u64, Vec<String>)> {
        self.end.send_replace(true);
        self.driver.join_next().await.context("no driver")??;
        let state = self.requests.state();
        Ok((state.sent, state.failures.clone()))
    }
}

impl Requests {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> u64 {
        let mut state = self.state();
        state.sent += 1;
        let id = state.sent;
        state.unanswered.insert(id);
        id
    }

    fn end(&self, id: u64, result: Result<()>) {
        let mut state = self.state();
        state.unanswered.remove(&id);
        state.failures.extend(result.err().map(|error| format!("request {id}: {error:#}")));
    }
}

async fn send(client: Client, requests: Arc<Requests>, mut ends: watch::Receiver<bool>) {
    let (mut tasks, mut times) = (JoinSet::new(), interval(BETWEEN_REQUESTS));
    loop {
        tokio::select! {
            _ = ends.changed() => break,
            _ = times.tick() => {}
        }
        let (client, requests) = (client.clone(), Arc::clone(&requests));
        tasks.spawn(async move {
            let id = requests.begin();
            requests.end(id, request(&client).await);
        });
        while tasks.try_join_next().is_some() {}
    }
    tasks.join_all().await;
}

async fn request(client: &Client) -> Result<()> {
    let body = json!({ "model": "gpt-4o", "messages": [{ "role": "user", "content": "Hello?" }] });
    let response = client.call("POST", "chat/completions", Some(body));
    let (status, body) = timeout(RESPONDS_WITHIN, response).await.context("no response")??;
    let text = body.pointer("/choices/0/message/content").and_then(Value::as_str);
    ensure!(status == 200 && text == Some("Hello!"), "{status}: {body}");
    Ok(())
}
