//! `km exec`: a program with the secrets in its environment, which are resolved before it starts.

mod child;
mod environment;
mod signals;

use std::collections::BTreeSet;
use std::sync::Arc;

use km_proxy_adapter::{Cause, Error, KeyManager, Kind, Secret, is_resolved_by_gateway, name_of};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::warn;

use crate::args::{Common, Exec};
use crate::failure::Failure;
use crate::settings;
use signals::Signals;

/// Names that are asked for at once: as many requests as are sent to Vault at once.
const AT_ONCE: usize = 64;

/// Runs the program; its exit code is this one's.
pub(crate) async fn run(common: &Common, args: Exec) -> Result<u8, Failure> {
    let mut signals = Signals::catch()?;
    let mut command = command(&args)?;
    let resolved = tokio::select! {
        resolved = resolve(common, &args) => resolved?,
        _ = signals.next() => {
            let hint = "the program was not started: run it again";
            return Err(Failure::new(Kind::Unavailable, "interrupted by a signal", hint));
        }
    };
    if !args.keep_credentials {
        for name in environment::credentials() {
            command.env_remove(name);
        }
    }
    for (name, value) in &resolved {
        environment::check(name, value)?;
        command.env(name, value.expose());
    }
    drop(resolved);
    child::run(command, signals).await
}

fn command(args: &Exec) -> Result<Command, Failure> {
    let mut words = args.command.iter();
    let program = words.next().filter(|program| !program.is_empty()).ok_or_else(|| {
        let hint = "km exec -- CMD ARGS";
        Failure::new(Kind::Usage, "usage: there is no program to run", hint)
    })?;
    let mut command = Command::new(program);
    command.args(words);
    Ok(command)
}

/// The value of each name that is asked for.
async fn resolve(common: &Common, args: &Exec) -> Result<Vec<(String, Secret)>, Failure> {
    let keys = settings::connect(common)?;
    let names = names(&keys, args)?;
    let mut answers = ask(&keys, names).await;
    if args.allow_missing {
        answers.retain(|(name, answer)| {
            let missing = answer.as_ref().is_err_and(is_missing);
            if missing {
                warn!(name, "neither Vault nor the environment has it");
            }
            !missing
        });
    }
    all(answers)
}

/// The names, each once, in their order in the file.
fn names(keys: &KeyManager, args: &Exec) -> Result<Vec<String>, Failure> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    let given = if args.only.is_empty() {
        let references = keys.settings().references.iter();
        references.filter(|name| !is_resolved_by_gateway(name)).collect::<Vec<_>>()
    } else {
        args.only.iter().collect()
    };
    for reference in given {
        let name = name_of(reference)?;
        if !args.keep_credentials && environment::is_credential(name.as_ref()) {
            warn!(name, "left out: credentials stay out of the program's environment");
        } else if seen.insert(name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Asks for all names, and waits for all answers; they come in the order of the names.
async fn ask(keys: &KeyManager, names: Vec<String>) -> Vec<(String, Result<Secret, Error>)> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for (index, name) in names.into_iter().enumerate() {
        let (keys, places) = (keys.clone(), Arc::clone(&places));
        tasks.spawn(async move {
            // It is closed by nobody; without a place the answer would only come sooner.
            let _place = places.acquire_owned().await;
            let answer = keys.secret(&name).await;
            (index, (name, answer))
        });
    }
    // A panic of a task is this program's own.
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// All values, or why there is none: every name that is missing, or the first other failure, since
/// the same one would follow for many names.
fn all(answers: Vec<(String, Result<Secret, Error>)>) -> Result<Vec<(String, Secret)>, Failure> {
    let (mut values, mut missing, mut failed) = (Vec::new(), None::<Failure>, None);
    for (name, answer) in answers {
        match answer {
            Ok(value) => values.push((name, value)),
            Err(error) if is_missing(&error) => {
                let next = Failure::from(error);
                missing = Some(match missing {
                    Some(others) => others.and(next),
                    None => next,
                });
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match (failed, missing) {
        (Some(error), _) => Err(error.into()),
        (None, Some(missing)) => Err(missing),
        (None, None) => Ok(values),
    }
}

fn is_missing(error: &Error) -> bool {
    error.kind() == Kind::NotFound && error.cause() != Cause::Misplaced
}
