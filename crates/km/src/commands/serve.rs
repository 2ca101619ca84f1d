//! `km serve`: a process beside the gateway that holds the login and the cache.
//!
//! `listen.rs` and its parts open the listeners, `accept.rs` accepts connections, `guard.rs` checks
//! each request, `vault.rs` and `own.rs` answer it.

mod accept;
mod app;
mod body;
mod connections;
mod directory;
mod guard;
mod head_timeout;
mod life;
mod limits;
mod listen;
mod metrics;
mod operations;
mod origin;
mod own;
mod probes;
mod ready;
mod reply;
mod routes;
#[cfg(test)]
mod simulation;
mod token;
mod token_file;
mod vault;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use crate::args::{Common, Serve};
use crate::failure::Failure;
use crate::{output, settings};
use accept::Server;
use app::App;
use life::Signals;
use limits::Limits;
use listen::{Listener, Place};
use token::Token;

/// Serves until a signal asks it to end.
pub(crate) async fn run(common: &Common, args: Serve) -> Result<u8, Failure> {
    let mut signals = Signals::catch()?;
    let (app, listener, metrics) = signals.unless_interrupted(start(common.clone(), args)).await?;
    tell(common, &listener, metrics.as_ref(), app.token.file())?;
    let (stop, stopped) = watch::channel(());
    let limits = Limits::of_this_process();
    let mut servers = vec![Server::new(listener, routes::main(&app), limits)];
    servers.extend(
        metrics.map(|listener| Server::new(listener, routes::metrics(&app), Limits::METRICS)),
    );
    life::run(&app, servers, stop, &stopped, signals).await;
    Ok(0)
}

/// Reads the settings and opens the listeners: the main one, and the one for metrics.
async fn start(
    common: Common,
    args: Serve,
) -> Result<(Arc<App>, Listener, Option<Listener>), Failure> {
    let place = Place::parse(args.listen.as_deref())?;
    let metrics = args.metrics.as_deref().map(Place::loopback).transpose()?;
    let recorder = metrics::record()?;
    let token = Token::load(&place, &args).await?;
    let keys = settings::connect_server(&common).await?;
    let listener = Listener::take_or_open(&place).await?;
    let metrics = match &metrics {
        Some(place) => Some(Listener::open(place).await?),
        None => None,
    };
    Ok((Arc::new(App::new(keys, token, recorder)), listener, metrics))
}

/// Tells on stdout where it listens, and where the token is.
fn tell(
    common: &Common,
    listener: &Listener,
    metrics: Option<&Listener>,
    token: Option<&Path>,
) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document {
        listening: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        metrics: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        token_file: Option<String>,
    }
    let document = Document {
        listening: listener.to_string(),
        metrics: metrics.map(ToString::to_string),
        token_file: token.map(|file| file.display().to_string()),
    };
    if common.json {
        return output::json(&document);
    }
    let lines = [
        ("listening on", Some(document.listening)),
        ("metrics on", document.metrics),
        ("token in", document.token_file),
    ];
    let told = lines.into_iter().filter_map(|(what, value)| Some(format!("{what} {}", value?)));
    output::lines(told)
}
