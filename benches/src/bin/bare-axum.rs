//! The reference for `km serve`: axum handlers with prepared responses, the same bytes at the same
//! paths, and no other work. Runtime and connections are like those of the sidecar. It prints its
//! port to stdout and ends when its stdin is closed.

use std::convert::Infallible;
use std::io::Write;
use std::net::Ipv4Addr;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::get;
use benches::canned;
use http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower_service::Service;

const SOURCE: HeaderName = HeaderName::from_static("x-km-source");

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    let routes =
        Router::new().route(canned::NATIVE_PATH, get(native)).route(canned::PATH, get(vault));
    tokio::select! {
        served = serve(listener, routes) => served,
        ended = async { tokio::io::stdin().read_u8().await } => ended.map_or(Ok(()), |_| Ok(())),
    }
}

async fn native() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (headers, canned::NATIVE_BODY)
}

async fn vault() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
        (SOURCE, "cache"),
        (AGE, "10"),
    ];
    (headers, canned::BODY.trim_ascii_end())
}

async fn serve(listener: TcpListener, routes: Router) -> Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        connections.spawn(connection(stream, routes.clone()));
    }
}

/// Errors of a connection are the client's.
async fn connection(stream: TcpStream, routes: Router) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = routes.clone().call(request.map(Body::new));
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
