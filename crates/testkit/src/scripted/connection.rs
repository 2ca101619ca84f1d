//! One connection of a scripted server.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::BufReader;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::record::{Record, Request};
use super::script::Script;
use super::step::Step;
use super::tap::Tap;

pub(crate) async fn serve(
    stream: TcpStream,
    number: usize,
    script: &Script,
    tls: Option<Arc<ServerConfig>>,
    record: &Arc<Record>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let tap = Tap { stream, record: Arc::clone(record) };
    let Some(config) = tls else {
        return run(tap, |tap| tap, number, script, record).await;
    };
    let stream = TlsAcceptor::from(config).accept(tap).await?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first().cloned());
    if let Some(certificate) = shown {
        record.showed(&certificate);
    }
    run(stream, |stream| stream.get_ref().0, number, script, record).await
}

async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    tap: impl Fn(&S) -> &Tap,
    number: usize,
    script: &Script,
    record: &Record,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    match script {
        Script::Connection(steps) => {
            perform(&mut stream, &tap, steps(number), record).await?;
        }
        Script::Request(steps) => {
            let mut on_connection = 0;
            while let Some(request) = read(&mut stream, on_connection).await? {
                on_connection += 1;
                let (request, _busy) = record.asked(request);
                if !perform(&mut stream, &tap, steps(&request), record).await? {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Runs the steps. Returns `false` if the connection has ended.
async fn perform<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    tap: &impl Fn(&S) -> &Tap,
    steps: Vec<Step>,
    record: &Record,
) -> io::Result<bool> {
    for step in steps {
        match step {
            Step::Read => match read(stream, 0).await? {
                Some(request) => drop(record.asked(request)),
                None => return Ok(false),
            },
            Step::Send(bytes) => stream.write_all(&bytes).await?,
            Step::Dribble(bytes, interval) => {
                for byte in bytes {
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(interval).await;
                }
            }
            Step::Repeat(bytes, times) => {
                for _ in 0..times {
                    stream.write_all(&bytes).await?;
                }
            }
            Step::Wait(time) => tokio::time::sleep(time).await,
            Step::Hang => std::future::pending().await,
            Step::Close => {
                stream.shutdown().await?;
                return Ok(false);
            }
            Step::Reset => {
                tap(stream.get_ref()).stream.set_zero_linger()?;
                return Ok(false);
            }
            Step::Relay(address) => {
                let mut onward = TcpStream::connect(address).await?;
                tokio::io::copy_bidirectional(stream, &mut onward).await?;
                return Ok(false);
            }
        }
        stream.flush().await?;
    }
    Ok(true)
}

/// Reads a complete request; `None` if the client sends no more.
async fn read<S: AsyncRead + Unpin>(
    stream: &mut BufReader<S>,
    on_connection: usize,
) -> io::Result<Option<Request>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut head).await? == 0 {
            return Ok(None);
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or_default()];
    stream.read_exact(&mut body).await?;
    Ok(Some(Request { number: 0, on_connection, method, target, head, body }))
}
