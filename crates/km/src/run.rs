//! From arguments to an exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};
use clap::{CommandFactory, FromArgMatches};
use km_proxy_adapter::ErrorKind;
use tokio::runtime::Builder;

use crate::cli::{Cli, Command};
use crate::error::Failure;
use crate::io::log;
use crate::{commands, hardening};

/// What is logged unless somebody says otherwise: warnings. What the certificate verifier logs is
/// the error that the command ends with.
const DEFAULT_LOG: &str = "warn,rustls_platform_verifier=off";

/// The same of the sidecar: who changed which key is told too.
const DEFAULT_SERVE_LOG: &str = "warn,rustls_platform_verifier=off,km::audit=info";

/// The same of a watched program: why it was started again should be known.
const DEFAULT_WATCH_LOG: &str = "warn,rustls_platform_verifier=off,km::watch=info";

/// Runs the command of this process.
pub(crate) fn main() -> ExitCode {
    log::report_panics();
    if let Err(failure) = hardening::apply() {
        return reported(&failure);
    }
    let cli = match parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let json = cli.common.json;
    let outcome = catch_unwind(AssertUnwindSafe(|| run(cli))).unwrap_or_else(|_| {
        Err(Failure::new(ErrorKind::Internal, "internal: the program panicked", "report this"))
    });
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.report(json);
            ExitCode::from(failure.code())
        }
    }
}

fn run(cli: Cli) -> Result<u8, Failure> {
    let serves = matches!(cli.command, Command::Serve(_));
    let preset = match &cli.command {
        Command::Serve(_) => DEFAULT_SERVE_LOG,
        Command::Exec(args) if args.watch => DEFAULT_WATCH_LOG,
        _ => DEFAULT_LOG,
    };
    log::start(&cli.common, preset)?;
    let runtime = if serves { Builder::new_multi_thread() } else { Builder::new_current_thread() }
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Failure::new(
            ErrorKind::Internal,
            format!("internal: no runtime: {error}"),
            "see the system's limits",
        )
    })?;
    let outcome = runtime.block_on(commands::run(cli));
    // A thread that still waits for stdin is not waited for.
    runtime.shutdown_background();
    outcome
}

fn parse() -> Result<Cli, ExitCode> {
    let help = format!(
        "Settings, from the environment or the file:\n\n{}",
        km_settings::reference::help()
    );
    let command = with_settings(Cli::command(), &help);
    let parsed = command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| match error.kind() {
        ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion => {
            // Nobody reads it if stdout is closed.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        _ => reported(&Failure::new(
            ErrorKind::Usage,
            usage(&error),
            "km --help tells what there is",
        )),
    })
}

/// Reports a failure that came before the arguments were parsed.
fn reported(failure: &Failure) -> ExitCode {
    failure.report(std::env::args_os().any(|arg| arg == "--json"));
    ExitCode::from(failure.code())
}

/// The command, and all below it, with the settings in their long help.
fn with_settings(command: clap::Command, help: &str) -> clap::Command {
    command.after_long_help(help.to_owned()).mut_subcommands(|sub| with_settings(sub, help))
}

/// What is wrong with the arguments, on one line. What nobody asked for is not quoted: it may be
/// the value that should have come on stdin.
fn usage(error: &clap::Error) -> String {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let what = match error.kind() {
        ClapErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ClapErrorKind::MissingSubcommand => "there is no command".to_owned(),
        ClapErrorKind::InvalidSubcommand => match error.get(ContextKind::InvalidSubcommand) {
            Some(ContextValue::String(name)) if is_word(name) => {
                format!("there is no command `{name}`")
            }
            _ => "there is no such command".to_owned(),
        },
        ClapErrorKind::UnknownArgument if is_option(argument) => {
            format!("there is no option `{argument}` here")
        }
        ClapErrorKind::UnknownArgument => {
            "there is an argument too many; a value is read from stdin".to_owned()
        }
        ClapErrorKind::InvalidValue
        | ClapErrorKind::ValueValidation
        | ClapErrorKind::TooManyValues
        | ClapErrorKind::WrongNumberOfValues => format!("the value of `{argument}` can't be used"),
        _ => first_paragraph(error),
    };
    format!("usage: {what}")
}

/// Whether it looks like an option of this program, and like nothing else.
fn is_option(argument: &str) -> bool {
    argument.strip_prefix("--").is_some_and(is_word)
}

/// Whether it is short, of small letters and hyphens: no secret is.
fn is_word(text: &str) -> bool {
    (1..=20).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

fn first_paragraph(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
    let text = words.join(" ");
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}
