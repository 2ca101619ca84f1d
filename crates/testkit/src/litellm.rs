//! LiteLLM, whose bytes the product must reproduce: a process that runs `tests/interop/driver.py`,
//! shared by all tests of this process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::environment::var;

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/interop/driver.py");

/// Its import takes several seconds, and requests of other tests may be queued.
const ANSWERS_WITHIN: Duration = Duration::from_secs(300);

/// The process. It ends with this one, because its stdin is closed then.
#[derive(Debug)]
pub struct LiteLlm {
    work: Sender<Job>,
}

#[derive(Debug)]
struct Job {
    request: Value,
    reply: oneshot::Sender<Result<Value>>,
}

impl LiteLlm {
    /// Returns the process that all tests share.
    ///
    /// # Errors
    /// LiteLLM is not installed; `cargo xtask interop` installs it.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<LiteLlm, String>> = OnceLock::new();
        let start = || Self::start().map_err(|error| format!("{error:#}"));
        SHARED.get_or_init(start).as_ref().map_err(|why| anyhow!("{why}"))
    }

    /// Returns the Python that has LiteLLM.
    ///
    /// # Errors
    /// LiteLLM is not installed.
    pub fn python() -> Result<String> {
        var("KM_TEST_LITELLM")
            .context("there is no LiteLLM: run this suite with `cargo xtask interop`")
    }

    /// Returns the Python that has the older LiteLLM.
    ///
    /// # Errors
    /// LiteLLM is not installed.
    pub fn older_python() -> Result<String> {
        var("KM_TEST_LITELLM_OLDER").context(
            "the older LiteLLM is not installed: run this suite with `cargo xtask interop`",
        )
    }

    fn start() -> Result<Self> {
        let python = Self::python()?;
        let mut command = Command::new(&python);
        // LiteLLM reads settings from its environment and from a file `.env` in its working
        // directory.
        command.arg(DRIVER).env_clear().env("PYTHONUTF8", "1");
        command.current_dir(Path::new(&python).parent().context("where is this Python?")?);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.spawn().with_context(|| format!("starting {python}"))?;
        let (work, jobs) = channel();
        std::thread::spawn(move || serve(child, &jobs));
        Ok(Self { work })
    }

    /// Sends a request to the driver and returns what LiteLLM returned. Requests are queued.
    ///
    /// # Errors
    /// LiteLLM raised an exception, or does not respond.
    pub async fn call(&self, request: Value) -> Result<Value> {
        let operation = request.get("op").and_then(Value::as_str).unwrap_or_default();
        let what = format!("LiteLLM's {operation}");
        let (reply, answer) = oneshot::channel();
        self.work.send(Job { request, reply }).ok().context("the driver has ended")?;
        let answer = tokio::time::timeout(ANSWERS_WITHIN, answer).await;
        answer.with_context(|| what.clone())?.context("the driver has ended")?.context(what)
    }
}

/// Processes the requests one by one, and fails them all once the process has ended.
fn serve(mut child: Child, jobs: &Receiver<Job>) {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else { return };
    let mut stdout = BufReader::new(stdout);
    for Job { request, reply } in jobs {
        let mut exchange = || {
            writeln!(stdin, "{request}").context("writing to the driver")?;
            let mut line = String::new();
            stdout.read_line(&mut line).context("reading from the driver")?;
            answer(&line)
        };
        // A caller that no longer waits has failed already.
        let _ = reply.send(exchange());
    }
}

fn answer(line: &str) -> Result<Value> {
    let said: Value =
        serde_json::from_str(line).context("the driver gave no answer: see its stderr")?;
    match (said.get("answer"), said.get("raised")) {
        (Some(answer), _) => Ok(answer.clone()),
        (None, Some(raised)) => bail!("it raised {raised}"),
        (None, None) => bail!("the driver said {said}"),
    }
}
