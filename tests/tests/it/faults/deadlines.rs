//! Every kind of slowness ends at the deadline.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use secrecy::SecretString;
use serde_json::json;
use testkit::{Scripted, Step, scripted, secret};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};
use vault_auth::{AppRole, Auth, Credential};
use vault_http::{ErrorKind, Executed, Request, Session};

use super::{Parts, builder, data, read, stored, token};
use crate::product::value;

const DEADLINE: Duration = Duration::from_millis(700);
/// 100 ms is promised. A loaded machine adds to it.
const LATE: Duration = Duration::from_millis(300);
/// The pause between two bytes: short each time, long in total.
const DRIBBLE: Duration = Duration::from_millis(20);

fn on_time(what: &str, started: Instant, deadline: Duration) {
    let took = started.elapsed();
    // The resolution of the timer is a millisecond.
    let early = deadline.saturating_sub(Duration::from_millis(2));
    assert!(took >= early && took < deadline + LATE, "{what}: {took:?}");
}

/// Sends one request to `server` and expects a timeout.
async fn check(what: &str, url: &str, request: &Request) -> Result<()> {
    let parts = Parts::of(builder(url)?.deadline(DEADLINE))?;
    let started = Instant::now();
    let error = parts.send(request).await.unwrap_err();
    on_time(what, started, DEADLINE);
    assert_eq!(parts.leak_free(error).kind(), ErrorKind::Timeout, "{what}");
    Ok(())
}

#[tokio::test]
async fn slow_server_is_abandoned_at_the_deadline() -> Result<()> {
    let answer = stored(1, &secret("value"));
    let (head, whole) = (answer.head(), answer.bytes());
    let body = whole[head.len()..].to_vec();
    let silent = Scripted::connections(|_| vec![Step::Read, Step::Hang]).start()?;
    check("no answer", &silent.url(), &read()).await?;
    assert_eq!(silent.record().total(), 1);

    let head_by_byte = move |_: &_| vec![Step::Dribble(whole.clone().into(), DRIBBLE)];
    let server = Scripted::requests(head_by_byte).start()?;
    check("a head by the byte", &server.url(), &read()).await?;
    assert_eq!(server.record().total(), 1);

    let body_by_byte = move |_: &_| {
        vec![Step::Send(head.clone().into()), Step::Dribble(body.clone().into(), DRIBBLE)]
    };
    let server = Scripted::requests(body_by_byte).start()?;
    check("a body by the byte", &server.url(), &read()).await?;
    assert_eq!(server.record().total(), 1);
    Ok(())
}

#[tokio::test]
async fn server_that_stops_reading_is_abandoned_at_the_deadline() -> Result<()> {
    let deaf = Scripted::connections(|_| vec![Step::Hang]).receives(4_096).start()?;
    let body =
        json!({ "data": { "key": format!("{}{}", secret("value"), "x".repeat(700 * 1024)) } });
    let request = Request::post(data(), &body)?;
    check("a write of 700 KiB", &deaf.url(), &request).await?;
    assert_eq!(deaf.record().connections(), 1);
    Ok(())
}

#[tokio::test]
async fn stalled_tls_handshake_is_abandoned_at_the_deadline() -> Result<()> {
    let stalls = Scripted::connections(|_| vec![Step::Hang]).start()?;
    check("no handshake", &stalls.url().replace("http:", "https:"), &read()).await?;
    // The head of a handshake record of 80 bytes that do not follow.
    let begins = |_| vec![Step::Send(vec![0x16, 3, 3, 0, 80, 2].into()), Step::Hang];
    let stalls = Scripted::connections(begins).start()?;
    check("half a handshake", &stalls.url().replace("http:", "https:"), &read()).await
}

/// A listener with a full queue: the system drops packets silently.
pub(super) struct BlackHole {
    pub(super) address: SocketAddr,
    _listener: tokio::net::TcpListener,
    _queue: Vec<TcpStream>,
}

impl BlackHole {
    pub(super) async fn new() -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind("127.0.0.1:0".parse()?)?;
        let listener = socket.listen(1)?;
        let (address, mut queue) = (listener.local_addr()?, Vec::new());
        while let Ok(stream) =
            timeout(Duration::from_millis(100), TcpStream::connect(address)).await
        {
            queue.push(stream?);
            anyhow::ensure!(queue.len() < 64, "a queue of one takes any number of connections");
        }
        Ok(Self { address, _listener: listener, _queue: queue })
    }
}

#[tokio::test]
async fn unaccepted_connection_is_abandoned_at_the_deadline() -> Result<()> {
    let hole = BlackHole::new().await?;
    check("a black hole", &format!("http://{}", hole.address), &read()).await
}

#[tokio::test]
async fn connecting_has_one_second_and_the_first_byte_two() -> Result<()> {
    let hole = BlackHole::new().await?;
    let silent = Scripted::connections(|_| vec![Step::Read, Step::Hang]).start()?;
    // A write is sent once, because it may have been executed. A connection that was not made is
    // retried until the deadline, here for the third time.
    let deadline = Duration::from_millis(3_200);
    let hole = Parts::of(builder(&format!("http://{}", hole.address))?.deadline(deadline))?;
    let (quiet, started) = (Parts::new(&silent)?, Instant::now());
    let (unmade, unanswered) =
        tokio::join!(async { (hole.write().await.unwrap_err(), started.elapsed()) }, async {
            (quiet.write().await.unwrap_err(), started.elapsed())
        },);
    assert_eq!((unmade.0.kind(), unmade.0.executed()), (ErrorKind::Unreachable, Executed::No));
    // Three seconds, and two backoffs of at most 50 and 100 ms.
    assert!((2_990..3_200 + 300).contains(&unmade.1.as_millis()), "{:?}", unmade.1);
    assert_eq!(
        (unanswered.0.kind(), unanswered.0.executed()),
        (ErrorKind::Timeout, Executed::Maybe)
    );
    assert!((1_990..2_300).contains(&unanswered.1.as_millis()), "{:?}", unanswered.1);
    assert_eq!(silent.record().total(), 1);
    Ok(())
}

#[tokio::test]
async fn attempts_and_backoff_share_the_deadline() -> Result<()> {
    let silent = Scripted::connections(|_| vec![Step::Read, Step::Hang]).start()?;
    let deadline = Duration::from_millis(2_400);
    let parts = Parts::of(builder(&silent.url())?.deadline(deadline))?;
    let started = Instant::now();
    assert_eq!(parts.fails().await.kind(), ErrorKind::Timeout);
    on_time("a second try", started, deadline);
    assert_eq!(silent.record().total(), 2);
    Ok(())
}

#[tokio::test]
async fn hanging_login_ends_at_the_deadline_of_the_operation() -> Result<()> {
    let server = Scripted::requests(|asked| {
        let login = asked.target == "/v1/auth/approle/login";
        if login { vec![Step::Hang] } else { scripted::json(200, "{}").into() }
    });
    let server = server.start()?;
    let parts = Parts::of(builder(&server.url())?.deadline(DEADLINE))?;
    let credential = || Credential::Value(SecretString::from(secret("credential")));
    let auth = Auth::new(parts.client.clone(), AppRole::new(value("role"), credential()));
    let session = Session::new(parts.client.clone(), auth);
    let started = Instant::now();
    let error = session.send(&read(), session.deadline()).await.unwrap_err();
    on_time("a login", started, DEADLINE);
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Timeout, Executed::No));
    parts.leak_free(error);
    assert_eq!((server.record().total(), token(&parts.token).is_ok()), (1, true));
    Ok(())
}
