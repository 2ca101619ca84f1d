//! `km serve`: a process beside the gateway that holds the login and the cache.
//!
//! `listen.rs` and its parts open the doors, `accept.rs` lets connections in, `guard.rs` looks at
//! each request, `vault.rs` and `own.rs` answer it.

mod accept;
mod app;
mod body;
mod guard;
mod life;
mod listen;
mod metrics;
mod operations;
mod own;
mod probes;
mod ready;
mod reply;
mod routes;
mod token;
mod vault;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use crate::args::{Common, Serve};
use crate::failure::Failure;
use crate::{output, settings};
use accept::Door;
use app::App;
use life::Signals;
use listen::{Listener, Place};
use token::Token;

/// Serves until a signal asks it to end.
pub(crate) async fn run(common: &Common, args: Serve) -> Result<u8, Failure> {
    let signals = Signals::catch()?;
    let place = Place::parse(args.listen.as_deref())?;
    let metrics = args.metrics.as_deref().map(Place::loopback).transpose()?;
    let recorder = metrics::record()?;
    let token = Token::load(&place, &args)?;
    let keys = settings::connect_server(common).await?;
    life::raise_limits();
    let listener = Listener::take_or_open(&place).await?;
    let metrics = match &metrics {
        Some(place) => Some(Listener::open(place).await?),
        None => None,
    };
    tell(common, &listener, metrics.as_ref(), token.file())?;
    let app = Arc::new(App::new(keys, token, recorder));
    let (stop, stopped) = watch::channel(());
    let mut doors = vec![Door::new(listener, routes::main(&app))];
    doors.extend(metrics.map(|listener| Door::new(listener, routes::metrics(&app))));
    life::run(&app, doors, stop, &stopped, signals).await;
    Ok(0)
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
