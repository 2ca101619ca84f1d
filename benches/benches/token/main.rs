//! The cost of reading the current token, on one thread and on two at once. With two threads,
//! writes to shared memory cost most.

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use async_trait::async_trait;
use benches::{criterion, group, map, pair_of_steps};
use tokio::runtime::Builder;
use vault_auth::{Auth, Login, LoginClient, Method};
use vault_http::{Address, Client, Error, IssuedToken, Plaintext, Token, TokenSource};

fn main() -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let auth = Auth::new(client()?, Given);
    let lease = runtime.block_on(auth.token())?;
    let locked = Mutex::new(Arc::new(lease.clone()));
    let watched = tokio::sync::watch::channel(lease).1;

    let mut criterion = criterion();
    let names = map::Names::new();
    let reference = || {
        |number| {
            black_box(names.look_up(number));
        }
    };
    for threads in [1, 2] {
        let mut group = group(&mut criterion, &format!("token_{threads}"));
        let clone = || Arc::clone(&locked.lock().unwrap_or_else(PoisonError::into_inner));
        let mutex = || |_| drop(black_box(clone()));
        pair_of_steps(&mut group, "mutex", threads, reference, mutex);
        let watch = || |_| sent(&watched.borrow());
        pair_of_steps(&mut group, "watch", threads, reference, watch);
        let shared = || {
            |_| {
                black_box(auth.with_current(sent));
            }
        };
        pair_of_steps(&mut group, "with_current", threads, reference, shared);
        let own = || {
            let mut handle = auth.handle();
            move |_| {
                black_box(handle.current().map(sent));
            }
        };
        pair_of_steps(&mut group, "handle", threads, reference, own);
        group.finish();
    }
    auth.with_current(sent).context("the token is gone")
}

/// Uses the token as a request does.
fn sent(lease: &IssuedToken) {
    black_box(lease);
}

fn client() -> Result<Client> {
    let address = Address::parse("http://127.0.0.1:1", Plaintext::LoopbackOnly)?;
    Ok(Client::builder(address).build()?)
}

/// A token without an expiry, for which no request is sent.
#[derive(Debug)]
struct Given;

#[async_trait]
impl Method for Given {
    async fn login(&self, _: &LoginClient<'_>) -> Result<Login, Error> {
        let token = Token::new(&"hvs.CAESIJlWdF0000000000000000000000".into());
        token.map(Login::new).map_err(|_| Error::new(vault_http::ErrorKind::LoginRefused, "log in"))
    }
}
