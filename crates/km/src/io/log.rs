//! The log on stderr. A failure to write it does not affect the program.

use std::io::{self, Write};

use km_proxy_adapter::ErrorKind;
use tracing_subscriber::EnvFilter;

use super::{escape, stderr};
use crate::cli::{GlobalArgs, LogFormat};
use crate::config;
use crate::error::Failure;

/// The target of the events that record which client of `km serve` read or changed which secret.
pub(crate) const AUDIT: &str = "km::audit";

/// The target of the events about each operation of `km serve`.
pub(crate) const SERVE: &str = "km::serve";

/// The target of the events about changed values, and about the restarts that they cause.
pub(crate) const WATCH: &str = "km::watch";

/// The target of the events about what `km rotate` waits for.
pub(crate) const ROTATE: &str = "km::rotate";

/// The log filter unless `--log` or `KM_LOG` sets one.
///
/// Each turns off the log of the certificate verifier, whose errors are part of the command's
/// error.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DefaultFilter {
    /// Warnings.
    OneShot,
    /// Warnings, and who changed which secret.
    Serve,
    /// Warnings, and why the program was restarted.
    Watch,
    /// Warnings, and what a rotation waits for.
    Rotate,
}

impl DefaultFilter {
    const fn directives(self) -> &'static str {
        match self {
            Self::OneShot => "warn,rustls_platform_verifier=off",
            Self::Serve => "warn,rustls_platform_verifier=off,km::audit=info",
            Self::Watch => "warn,rustls_platform_verifier=off,km::watch=info",
            Self::Rotate => "warn,rustls_platform_verifier=off,km::rotate=info",
        }
    }
}

/// Starts the log of this process.
///
/// # Errors
///
/// `Usage` if the filter of `--log` or `KM_LOG` is not valid.
pub(crate) fn start(global: &GlobalArgs, default: DefaultFilter) -> Result<(), Failure> {
    let filter = match &global.log {
        Some(filter) => Some(filter.clone()),
        None => config::variable("KM_LOG")?,
    };
    let filter = filter.unwrap_or_else(|| default.directives().to_owned());
    let filter = EnvFilter::builder().parse(filter).map_err(|error| {
        let hint = "use a tracing filter such as `warn` or `vault_http=debug`";
        Failure::new(ErrorKind::Usage, format!("--log (KM_LOG): {error}"), hint)
    })?;
    let format = global.log_format;
    // ANSI colors are off even if another crate enables that feature, because programs read the log
    // too. Internal errors would be printed to the same stderr, which panics if it is closed.
    let logging = tracing_subscriber::fmt().with_ansi(false).log_internal_errors(false);
    let logging = logging.with_env_filter(filter).with_writer(move || EscapedStderr { format });
    // This fails only if a subscriber is already set, and this is the only place that sets one.
    let _ = match format {
        LogFormat::Text => logging.try_init(),
        LogFormat::Json => logging.json().try_init(),
    };
    Ok(())
}

/// Installs a panic hook that writes one escaped line to stderr, and does not panic if stderr is
/// closed.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map_or_else(String::new, |at| format!(" at {at}"));
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let what = text.or_else(|| payload.downcast_ref().copied()).unwrap_or("no message");
        let line = escape::text(&format!("km: internal: panicked{location}: {what}")).into_owned();
        stderr::write(&(line + "\n"));
    }));
}

/// A writer that escapes each event, which `tracing` passes as a whole.
struct EscapedStderr {
    format: LogFormat,
}

impl Write for EscapedStderr {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = match self.format {
            LogFormat::Text => escape::text(line),
            LogFormat::Json => escape::json(line),
        };
        stderr::write(&(line.into_owned() + "\n"));
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
