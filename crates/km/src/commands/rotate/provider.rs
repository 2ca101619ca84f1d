//! The provider's commands: a shell that receives a key on stdin, and returns one on stdout.
//!
//! A secret is never an argument or a variable of a command. stderr is passed through.

use std::process::Stdio;

use km_proxy_adapter::zeroizing::ZeroizingBytes;
use km_proxy_adapter::{ErrorKind, MAX_VALUE_BYTES};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::cli::RotateArgs;
use crate::commands::shell;
use crate::error::Failure;
use crate::io::input::without_line_ending;
use crate::signals::{Termination, interrupted};

/// The purpose of a command, which its environment names in `KM_ROTATE_STEP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Make a new key.
    Mint,
    /// Verify that the provider accepts a key.
    Verify,
    /// Revoke the old key.
    Revoke,
    /// Revoke a new key that is not stored.
    Discard,
}

/// A rotation, as the commands see it.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// The ID of the rotation.
    pub(super) id: String,
    /// The version whose key is replaced.
    pub(super) old_version: u64,
    /// The version of the new key, once it is stored.
    pub(super) new_version: Option<u64>,
}

/// The commands of a provider.
pub(super) struct Provider<'a> {
    args: &'a RotateArgs,
}

/// The limit of a command's output: the largest value, a line ending and one excess byte.
const MAX_OUTPUT_BYTES: usize = MAX_VALUE_BYTES + 3;

/// The space that `read_to_end` keeps free, so that the buffer is never reallocated, which would
/// leave a copy in memory.
const SPARE_BYTES: usize = 64;

impl Purpose {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::Verify => "verify",
            Self::Revoke => "revoke",
            Self::Discard => "discard",
        }
    }
}

impl<'a> Provider<'a> {
    pub(super) fn new(args: &'a RotateArgs) -> Self {
        Self { args }
    }

    /// Returns whether keys can be revoked.
    pub(super) fn revokes(&self) -> bool {
        self.args.revoke.is_some()
    }

    /// Returns whether keys can be verified.
    pub(super) fn verifies(&self) -> bool {
        self.args.verify.is_some()
    }

    /// Makes a new key.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the command fails, or if its output is not a key.
    pub(super) async fn mint(
        &self,
        context: &Context,
        termination: &mut Termination,
    ) -> Result<SecretString, Failure> {
        let output = self.run(Purpose::Mint, context, None, termination).await?;
        key(&output).map_err(|why| self.failed(Purpose::Mint, &format!("its output {why}")))
    }

    /// Runs the command for a purpose on a key.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the command fails.
    pub(super) async fn pass(
        &self,
        purpose: Purpose,
        key: &SecretString,
        context: &Context,
        termination: &mut Termination,
    ) -> Result<(), Failure> {
        self.run(purpose, context, Some(key), termination).await.map(drop)
    }

    async fn run(
        &self,
        purpose: Purpose,
        context: &Context,
        input: Option<&SecretString>,
        termination: &mut Termination,
    ) -> Result<ZeroizingBytes, Failure> {
        let mut command = self.command(purpose, context);
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let child = shell::spawn(&mut command);
        let mut child = child.map_err(|error| self.failed(purpose, &error.to_string()))?;
        let limit = self.args.command_timeout;
        let ended = tokio::select! {
            outcome = exchange(&mut child, input) => {
                outcome.map_err(|why| self.failed(purpose, &why))
            }
            () = tokio::time::sleep(limit) => {
                Err(self.failed(purpose, &format!("timed out after {limit:?}")))
            }
            () = termination.requested() => Err(interrupted("the command was ended")),
        };
        if ended.is_err() {
            shell::end(&mut child).await;
        }
        ended
    }

    fn command(&self, purpose: Purpose, context: &Context) -> Command {
        let text = match purpose {
            Purpose::Mint => Some(&self.args.with),
            Purpose::Verify => self.args.verify.as_ref(),
            Purpose::Revoke | Purpose::Discard => self.args.revoke.as_ref(),
        };
        let mut command = shell::shell(text.map_or("", String::as_str));
        command.kill_on_drop(true);
        // The output of the others is not needed, and may show a key.
        let is_read = purpose == Purpose::Mint;
        command.stdout(if is_read { Stdio::piped() } else { Stdio::null() });
        command
            .env("KM_ROTATE_STEP", purpose.as_str())
            .env("KM_ROTATE_NAME", &self.args.name)
            .env("KM_ROTATE_ID", &context.id)
            .env("KM_ROTATE_OLD_VERSION", context.old_version.to_string())
            .env_remove("KM_ROTATE_NEW_VERSION");
        if let Some(version) = context.new_version {
            command.env("KM_ROTATE_NEW_VERSION", version.to_string());
        }
        command
    }

    fn failed(&self, purpose: Purpose, why: &str) -> Failure {
        let step = purpose.as_str();
        let option = match purpose {
            Purpose::Mint => "--with",
            Purpose::Verify => "--verify",
            Purpose::Revoke | Purpose::Discard => "--revoke",
        };
        let what = format!("rotate {}: {step}: the command failed: {why}", self.args.name);
        let hint =
            format!("check the output of the command of {option} above, and its credentials");
        Failure::new(ErrorKind::Unavailable, what, hint)
    }
}

/// Passes the input, reads the output and waits for the end.
async fn exchange(
    child: &mut Child,
    input: Option<&SecretString>,
) -> Result<ZeroizingBytes, String> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let wait = async {
        let status = child.wait().await.map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(status.to_string()) }
    };
    let ((), output, ()) = tokio::try_join!(write(stdin, input), read(stdout), wait)?;
    Ok(output)
}

/// Writes the key and closes the pipe. A command need not read its input.
async fn write(stdin: Option<ChildStdin>, input: Option<&SecretString>) -> Result<(), String> {
    let (Some(mut stdin), Some(input)) = (stdin, input) else { return Ok(()) };
    match stdin.write_all(input.expose_secret().as_bytes()).await {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}

async fn read(stdout: Option<ChildStdout>) -> Result<ZeroizingBytes, String> {
    let Some(stdout) = stdout else { return Ok(ZeroizingBytes::default()) };
    let mut bytes = ZeroizingBytes::new(Vec::with_capacity(MAX_OUTPUT_BYTES + SPARE_BYTES));
    let limit = MAX_OUTPUT_BYTES as u64;
    stdout.take(limit).read_to_end(&mut bytes).await.map_err(|error| error.to_string())?;
    if without_line_ending(&bytes).len() > MAX_VALUE_BYTES {
        return Err("its output is larger than 768 KiB".to_owned());
    }
    Ok(bytes)
}

/// Returns the key in the output of a command.
fn key(output: &[u8]) -> Result<SecretString, &'static str> {
    let bytes = without_line_ending(output);
    if bytes.is_empty() {
        return Err("is empty");
    }
    if bytes.contains(&0) {
        return Err("contains a NUL");
    }
    str::from_utf8(bytes).map(SecretString::from).map_err(|_| "is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_a_key_without_one_line_ending() {
        for (output, expected) in [
            (&b"sk-1"[..], Ok("sk-1")),
            (b"sk-1\n", Ok("sk-1")),
            (b"sk-1\r\n", Ok("sk-1")),
            (b"line\nline\n\n", Ok("line\nline\n")),
            (b"", Err("is empty")),
            (b"\n", Err("is empty")),
            (b"\xff\n", Err("is not UTF-8")),
            (b"a\0", Err("contains a NUL")),
        ] {
            let key = key(output);
            let key = key.as_ref().map(secrecy::ExposeSecret::expose_secret).map_err(|why| *why);
            assert_eq!(key, expected, "{output:?}");
        }
    }
}
