//! The program `km` as a process, with only the variables that the test sets.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use crate::dispositions;
use crate::environment::var;
use crate::leaks::mark_in;
use crate::server::signal_process;

/// Longer than any deadline of the product. A program that hangs fails its test.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// Starts the program like systemd with a socket: the socket, which is passed as stdin, becomes
/// descriptor 3, and `LISTEN_PID` is the program's own process ID unless the environment sets it.
const HANDING_OVER: &str =
    r#"export LISTEN_FDS=1 LISTEN_PID="${LISTEN_PID-$$}"; exec "$@" 3<&0 </dev/null"#;

/// Starts the program with a limit of open files that it cannot raise.
const WITH_LIMIT: &str = r#"ulimit -n "$0" && exec "$@""#;

/// A run of the program that was not started yet.
#[derive(Debug, Default)]
pub struct Km {
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Vec<u8>,
    handed_over: Option<OwnedFd>,
    open_files: Option<u32>,
}

/// The result of a run.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; `128 + n` if signal `n` ended the program.
    pub code: i32,
    /// stdout, byte for byte.
    pub stdout: Vec<u8>,
    /// stderr. A run fails if it contains a secret.
    pub stderr: String,
}

/// A program that is running.
#[derive(Debug)]
pub struct Running {
    child: Child,
    pid: u32,
}

impl Km {
    /// A run with an empty environment.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the path of the program: `KM_TEST_BIN`, or else it is built now, because `cargo test
    /// -p tests` builds no programs of other packages.
    ///
    /// # Errors
    /// The build fails.
    pub async fn program() -> Result<PathBuf> {
        static PROGRAM: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
        dispositions::restore_for_programs();
        let find = async || match var("KM_TEST_BIN") {
            Some(path) => Ok(PathBuf::from(path)),
            None => build().await.map_err(|error| format!("{error:#}")),
        };
        PROGRAM.get_or_init(find).await.clone().map_err(|why| anyhow!(why))
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Removes a variable.
    #[must_use]
    pub fn env_remove(mut self, name: &str) -> Self {
        self.environment.retain(|(kept, _)| kept != name);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets stdin. It is empty by default.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Passes a socket by systemd's protocol. stdin is empty then.
    #[must_use]
    pub fn hand_over(mut self, socket: impl Into<OwnedFd>) -> Self {
        self.handed_over = Some(socket.into());
        self
    }

    /// Limits the open files, like `ulimit -n`.
    #[must_use]
    pub fn open_files(mut self, limit: u32) -> Self {
        self.open_files = Some(limit);
        self
    }

    /// Runs the program until it ends.
    ///
    /// # Errors
    /// It cannot be built or started, hangs, or writes a secret to stderr.
    pub async fn run(self) -> Result<Output> {
        self.start().await?.finish().await
    }

    /// Starts the program. Dropping the handle kills it.
    ///
    /// # Errors
    /// It cannot be built or started.
    pub async fn start(self) -> Result<Running> {
        let program = Self::program().await?;
        let (mut command, stdin) = match (self.handed_over, self.open_files) {
            (None, None) => (Command::new(&program), Stdio::piped()),
            (None, Some(limit)) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", WITH_LIMIT, &limit.to_string()]).arg(&program);
                (shell, Stdio::piped())
            }
            (Some(socket), _) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", HANDING_OVER, "sh"]).arg(&program);
                (shell, socket.into())
            }
        };
        let mut child = command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program need not read its input, so that the pipe may be closed.
            let _ = stdin.write_all(&self.input).await;
        }
        let pid = child.id().context("km has ended before it began")?;
        Ok(Running { child, pid })
    }
}

impl Running {
    /// Sends a signal by name, such as `TERM`.
    ///
    /// # Errors
    /// The program has ended.
    pub fn signal(&self, name: &str) -> Result<()> {
        signal_process(self.pid, name)
    }

    /// Returns the child, to read its output while it runs.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until the program ends.
    ///
    /// # Errors
    /// It hangs, or wrote a secret to stderr.
    pub async fn finish(self) -> Result<Output> {
        let ended = tokio::time::timeout(ENDS_WITHIN, self.child.wait_with_output()).await;
        let ended = ended.with_context(|| format!("km runs longer than {ENDS_WITHIN:?}"))??;
        let stderr = String::from_utf8(ended.stderr).context("km's stderr is not UTF-8")?;
        ensure!(mark_in(&stderr).is_none(), "km wrote a secret to stderr: {stderr}");
        let signal = std::os::unix::process::ExitStatusExt::signal(&ended.status);
        let code = ended.status.code().or(signal.map(|signal| 128 + signal));
        Ok(Output { code: code.context("km ended in no known way")?, stdout: ended.stdout, stderr })
    }
}

impl Output {
    /// Returns stdout as text.
    ///
    /// # Errors
    /// It is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.stdout).context("km's stdout is not UTF-8")
    }

    /// Fails with stderr in the message unless the exit code is `code`.
    ///
    /// # Errors
    /// The exit code is another one.
    pub fn expect(self, code: i32) -> Result<Self> {
        ensure!(self.code == code, "km: exit {} instead of {code}: {}", self.code, self.stderr);
        Ok(self)
    }
}

async fn build() -> Result<PathBuf> {
    let cargo = var("CARGO").unwrap_or_else(|| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--package=km-cli", "--message-format=json-render-diagnostics"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output();
    let output = output.await.context("starting cargo")?;
    ensure!(output.status.success(), "cargo build --package=km-cli: {}", output.status);
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut messages = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
    let program = messages.find_map(|message: serde_json::Value| {
        let name = message.pointer("/target/name")?.as_str()?;
        let executable = message.pointer("/executable")?.as_str()?;
        (name == "km").then(|| PathBuf::from(executable))
    });
    program.context("cargo built no program named km")
}
