//! Responds to every request with the prepared response, over HTTP/1.1 with keep-alive on one
//! thread. It prints its port to stdout and ends when its stdin is closed. The argument is the
//! delay of a response in milliseconds.

use std::convert::Infallible;
use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use benches::canned;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let away = std::env::args().nth(1).map(|millis| millis.parse()).transpose()?;
    let away = away.map(Duration::from_millis);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    tokio::select! {
        served = serve(listener, away) => served,
        ended = async { tokio::io::stdin().read_u8().await } => ended.map_or(Ok(()), |_| Ok(())),
    }
}

async fn serve(listener: TcpListener, away: Option<Duration>) -> Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        connections.spawn(connection(stream, away));
    }
}

/// Errors of a connection are the client's.
async fn connection(stream: TcpStream, away: Option<Duration>) {
    let service = service_fn(async |request| {
        if let Some(away) = away {
            sleep(away).await;
        }
        Ok::<_, Infallible>(canned::answer(&request))
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
