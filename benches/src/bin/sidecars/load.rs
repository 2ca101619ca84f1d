//! The load on a server: the same for all. Each response is compared with the secret's value.
//!
//! All connections are kept alive and are on one thread. At a fixed rate, a thread of its own decides
//! when a read is due, and the latency counts from then, so that a slow response does not hide the wait
//! of the reads behind it (coordinated omission).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use benches::Bare;
use http::{HeaderValue, Uri};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::figures::{IN_FLIGHT, RATE, nanos};
use crate::setup::{SECRETS, name, value};

/// What to read, and with which token.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) token: Option<HeaderValue>,
    /// The path and the value of each secret.
    pub(crate) secrets: Arc<[(Uri, String)]>,
}

impl Target {
    /// `folder` is the path of the secrets in the API of the server.
    pub(crate) fn new(
        address: SocketAddr,
        token: Option<HeaderValue>,
        folder: &str,
    ) -> Result<Self> {
        let secret = |index| Ok((format!("{folder}/{}", name(index)).parse()?, value(index)));
        let secrets = (0..SECRETS).map(secret).collect::<Result<Vec<_>>>()?.into();
        Ok(Self { address, token, secrets })
    }
}

/// A connection that reads one secret after the other.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Bare,
    secrets: Arc<[(Uri, String)]>,
    next: usize,
    /// The header that each response must have.
    header: Option<(&'static str, &'static str)>,
}

impl Reader {
    /// Connects. The readers begin with different secrets.
    pub(crate) async fn connect(target: &Target, number: u16) -> Result<Self> {
        let first = usize::from(number) * SECRETS / usize::from(IN_FLIGHT);
        let secrets = Arc::clone(&target.secrets);
        let connection = Bare::connect_with(target.address, Uri::default(), target.token.clone());
        Ok(Self { connection: connection.await?, secrets, next: first, header: None })
    }

    /// Reads the next secret.
    pub(crate) async fn read(&mut self) -> Result<()> {
        let next = self.next % self.secrets.len();
        let (path, value) = self.secrets.get(next).context("there are no secrets")?;
        self.next = next + 1;
        let response = self.connection.exchange(path.clone()).await?;
        let text = std::str::from_utf8(response.body())?;
        ensure!(text.contains(value), "{path}: wrong value: {text}");
        let headers = response.headers();
        let has = |(name, value)| headers.get(name).is_some_and(|header| header == value);
        ensure!(self.header.is_none_or(has), "{path}: not cached: {headers:?}");
        Ok(())
    }
}

/// The readers of a server.
#[derive(Debug)]
pub(crate) struct Load(Vec<Reader>);

impl Load {
    /// Connects all readers.
    pub(crate) async fn new(target: &Target) -> Result<Self> {
        let mut readers = Vec::new();
        for number in 0..IN_FLIGHT {
            readers.push(Reader::connect(target, number).await?);
        }
        Ok(Self(readers))
    }

    /// Reads each secret once. From then on, each response must have the header `hit`.
    pub(crate) async fn fill(&mut self, hit: Option<(&'static str, &'static str)>) -> Result<()> {
        let reader = self.0.first_mut().context("there are no readers")?;
        for _ in 0..SECRETS {
            reader.read().await?;
        }
        for reader in &mut self.0 {
            reader.header = hit;
        }
        Ok(())
    }

    /// Reads as fast as possible with the first `count` readers. Returns the reads and the time.
    pub(crate) async fn fast(&mut self, count: u16, during: Duration) -> Result<(u32, Duration)> {
        let others = self.0.split_off(self.0.len().min(count.into()));
        let start = Instant::now();
        let work = move |mut reader: Reader| async move {
            let mut reads = 0_u32;
            while start.elapsed() < during {
                reader.read().await?;
                reads += 1;
            }
            Ok((reader, reads))
        };
        let counts = self.all(work).await?;
        let elapsed = start.elapsed();
        self.0.extend(others);
        Ok((counts.into_iter().sum(), elapsed))
    }

    /// Reads at the fixed rate with all readers. Returns the 99th percentile of the latencies in
    /// nanoseconds.
    pub(crate) async fn paced(&mut self, during: Duration) -> Result<f64> {
        let (sender, due) = unbounded_channel();
        let pacer = std::thread::spawn(move || pace(&sender, during));
        let due = Arc::new(Mutex::new(due));
        let work = move |mut reader: Reader| {
            let due = Arc::clone(&due);
            async move {
                let mut latencies = Vec::new();
                while let Some(due) = next(&due).await {
                    reader.read().await?;
                    latencies.push(nanos(due.elapsed()));
                }
                Ok((reader, latencies))
            }
        };
        let mut latencies = self.all(work).await?.concat();
        pacer.join().ok().context("the pacer panicked")?;
        latencies.sort_by(f64::total_cmp);
        let rank = latencies.len() * 99 / 100;
        latencies.get(rank).copied().context("nothing was read")
    }

    /// Lets all readers work at once, and returns their results.
    async fn all<T, W>(&mut self, work: impl Fn(Reader) -> W) -> Result<Vec<T>>
    where
        T: Send + 'static,
        W: Future<Output = Result<(Reader, T)>> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        for reader in self.0.drain(..) {
            tasks.spawn(work(reader));
        }
        let done: Vec<_> = tasks.join_all().await.into_iter().collect::<Result<_>>()?;
        let (readers, results) = done.into_iter().unzip();
        self.0 = readers;
        Ok(results)
    }
}

async fn next(due: &Mutex<UnboundedReceiver<Instant>>) -> Option<Instant> {
    due.lock().await.recv().await
}

/// Sends the time of each read when it is due. Sleeps more exactly than a timer of tokio, which has a
/// resolution of 1 ms.
fn pace(sender: &UnboundedSender<Instant>, during: Duration) {
    let start = Instant::now();
    let interval = Duration::from_secs(1) / RATE;
    let mut due = start;
    while due < start + during {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if sender.send(due).is_err() {
            // A read has failed.
            return;
        }
        due += interval;
    }
}
