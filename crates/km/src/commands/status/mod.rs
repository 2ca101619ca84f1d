//! `km status`: prints the status of a running sidecar.

mod report;
mod watch;

use serde_json::value::RawValue;

use crate::cli::StatusArgs;
use crate::error::Failure;
use crate::io::output;
use crate::io::styled::Colors;
use crate::sidecar::Sidecar;
use crate::sidecar::status::PATH;
use crate::signals;

/// Prints the status, once or until a signal.
pub(crate) async fn run(args: StatusArgs, json: bool) -> Result<(), Failure> {
    let sidecar = Sidecar::find(args.sidecar.server.as_deref()).await?;
    let path = if args.keys { format!("{PATH}?keys=true") } else { PATH.to_owned() };
    if args.watch {
        return watch::run(&sidecar, &path, json).await;
    }
    signals::until_signal(print(&sidecar, &path, json)).await
}

async fn print(sidecar: &Sidecar, path: &str, json: bool) -> Result<(), Failure> {
    if json {
        // Passed on unchanged, with the fields of a newer sidecar.
        return output::json(&sidecar.get::<Box<RawValue>>(path).await?);
    }
    let lines = report::lines(&sidecar.get(path).await?);
    output::text(&output::rendered(&lines, Colors::of_stdout())).map(drop)
}
