//! `km serve`: a sidecar that holds the login and the cache for a gateway.
//!
//! [`listener`] opens the sockets, [`server`] accepts connections, [`middleware`] verifies each
//! request, and [`native`] and [`vault`] are the two APIs. Nothing here talks to Vault except
//! through [`KeyManager`](km_proxy_adapter::KeyManager).

mod api;
mod app;
mod auth;
mod health;
mod http;
mod lifecycle;
mod listener;
mod metrics;
mod middleware;
mod native;
mod operation;
mod peer;
mod readiness;
mod router;
mod server;
#[cfg(test)]
mod simulation;
mod vault;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use crate::cli::{GlobalArgs, ServeArgs};
use crate::config;
use crate::error::Failure;
use crate::io::output;
use app::App;
use auth::token::Token;
use lifecycle::Signals;
use listener::Listener;
use listener::address::ListenAddress;
use server::Server;
use server::limits::Limits;

/// Serves until a signal requests the end. Returns the exit code.
pub(crate) async fn run(global: &GlobalArgs, args: ServeArgs) -> Result<u8, Failure> {
    let mut signals = Signals::catch()?;
    let (app, listener, metrics) = signals.unless_interrupted(start(global.clone(), args)).await?;
    print_addresses(global, &listener, metrics.as_ref(), app.token.file())?;
    let (stop, stopped) = watch::channel(());
    let limits = Limits::of_this_process();
    let mut servers = vec![Server::new(listener, router::main(&app), limits)];
    servers.extend(
        metrics.map(|listener| Server::new(listener, router::metrics(&app), Limits::METRICS)),
    );
    lifecycle::run(&app, servers, stop, &stopped, signals).await;
    Ok(0)
}

/// Reads the settings and opens the main listener and the one for metrics.
async fn start(
    global: GlobalArgs,
    args: ServeArgs,
) -> Result<(Arc<App>, Listener, Option<Listener>), Failure> {
    let address = ListenAddress::parse(args.listen.as_deref())?;
    let metrics = args.metrics.as_deref().map(ListenAddress::parse_loopback).transpose()?;
    let recorder = metrics::install_recorder()?;
    let token = Token::load(&address, &args).await?;
    let keys = config::connect_server(&global).await?;
    let listener = Listener::from_systemd_or_open(&address).await?;
    let metrics = match &metrics {
        Some(address) => Some(Listener::open(address).await?),
        None => None,
    };
    Ok((Arc::new(App::new(keys, token, recorder)), listener, metrics))
}

/// Prints the addresses of the listeners and the path of the token file to stdout.
fn print_addresses(
    global: &GlobalArgs,
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
    if global.json {
        return output::json(&document);
    }
    let fields = [
        ("listening on", Some(document.listening)),
        ("metrics on", document.metrics),
        ("token in", document.token_file),
    ];
    let lines = fields.into_iter().filter_map(|(what, value)| Some(format!("{what} {}", value?)));
    output::lines(lines)
}
