//! `km status --watch`: a frame every second, until a signal.
//!
//! A terminal is redrawn, and shows a failure in place of the status while the sidecar can't be
//! reached, because it may be restarting. To anything else, frames are written one after the other,
//! with a blank line between them or as one JSON document per line, and a failure ends the command.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use km_proxy_adapter::ErrorKind;
use serde_json::value::RawValue;
use tokio::time::{MissedTickBehavior, interval};

use super::report;
use crate::error::Failure;
use crate::io::output::{self, Written};
use crate::io::screen;
use crate::io::styled::Tone::{Bad, Plain};
use crate::io::styled::{Colors, Line, Span};
use crate::sidecar::Sidecar;
use crate::signals::{IgnoredSignals, TERMINATION, Termination};

/// The time from one frame to the next.
const INTERVAL: Duration = Duration::from_secs(1);

/// The form of a frame.
#[derive(Debug, Clone, Copy)]
enum Form {
    Terminal(Colors),
    Text,
    Json,
}

/// Prints frames until a signal, or until nothing reads stdout.
pub(super) async fn run(sidecar: &Sidecar, path: &str, json: bool) -> Result<(), Failure> {
    let form = match json {
        true => Form::Json,
        false if io::stdout().is_terminal() => Form::Terminal(Colors::of_stdout()),
        false => Form::Text,
    };
    let mut termination = Termination::catch(TERMINATION, IgnoredSignals::now())?;
    tokio::select! {
        outcome = print_frames(sidecar, path, form) => outcome,
        () = termination.requested() => Ok(()),
    }
}

async fn print_frames(sidecar: &Sidecar, path: &str, form: Form) -> Result<(), Failure> {
    let mut interval = interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_first = true;
    loop {
        interval.tick().await;
        let frame = frame(sidecar, path, form, is_first).await?;
        if output::text(&frame)? == Written::Closed {
            return Ok(());
        }
        is_first = false;
    }
}

async fn frame(
    sidecar: &Sidecar,
    path: &str,
    form: Form,
    is_first: bool,
) -> Result<String, Failure> {
    let colors = match form {
        Form::Json => return output::json_line(&sidecar.get::<Box<RawValue>>(path).await?),
        Form::Text => {
            let lines = report::lines(&sidecar.get(path).await?);
            let separator = if is_first { "" } else { "\n" };
            return Ok(separator.to_owned() + &output::rendered(&lines, Colors::Off));
        }
        Form::Terminal(colors) => colors,
    };
    let lines = match sidecar.get(path).await {
        Ok(status) => report::lines(&status),
        Err(failure) if failure.kind() == ErrorKind::Unavailable && !is_first => failed(&failure),
        Err(failure) => return Err(failure),
    };
    Ok(screen::redraw(&lines, colors))
}

fn failed(failure: &Failure) -> Vec<Line> {
    let lines = |(message, hint): (&str, Option<&str>)| {
        let hint = hint.map(|hint| Line::new([Span::new(&format!("hint: {hint}"), Plain)]));
        [Some(Line::new([Span::new(message, Bad)])), hint]
    };
    failure.problems().flat_map(lines).flatten().collect()
}
