//! The log on stderr. That it cannot be written changes nothing about what the program does.

use std::io::{self, Write};

use km_proxy_adapter::ErrorKind;
use tracing_subscriber::EnvFilter;

use crate::cli::{Common, LogFormat};
use crate::config;
use crate::error::Failure;
use crate::io::escape;

/// Starts the log of this process, with the filter `preset` unless another one is set.
pub(crate) fn start(common: &Common, preset: &str) -> Result<(), Failure> {
    let filter = match &common.log {
        Some(filter) => Some(filter.clone()),
        None => config::variable("KM_LOG")?,
    };
    let filter = filter.unwrap_or_else(|| preset.to_owned());
    let filter = EnvFilter::builder().parse(filter).map_err(|error| {
        let hint = "write a tracing filter such as `warn` or `vault_http=debug`";
        Failure::new(ErrorKind::Usage, format!("--log (KM_LOG): {error}"), hint)
    })?;
    let format = common.log_format;
    // No colours, whatever another crate asks of the library: a log is read by programs too. A
    // failure to write would be printed to the same stderr, which panics where that is closed.
    let logging = tracing_subscriber::fmt().with_ansi(false).log_internal_errors(false);
    let logging = logging.with_env_filter(filter).with_writer(move || Stderr { format });
    // Nothing else in this process starts a log.
    let _ = match format {
        LogFormat::Text => logging.try_init(),
        LogFormat::Json => logging.json().try_init(),
    };
    Ok(())
}

/// Writes a panic to the log's place, on one line. A stderr that is closed is not a second panic.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let what = text.or_else(|| payload.downcast_ref().copied()).unwrap_or("no message");
        let line = escape::text(&format!("km: internal: panicked{place}: {what}")).into_owned();
        write(&(line + "\n"));
    }));
}

/// Writes to stderr. The exit code says what went wrong, so nothing depends on this being read.
pub(crate) fn write(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Stderr, to which each event is written whole, with a line ending.
struct Stderr {
    format: LogFormat,
}

impl Write for Stderr {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = match self.format {
            LogFormat::Text => escape::text(line),
            LogFormat::Json => escape::json(line),
        };
        write(&(line.into_owned() + "\n"));
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
