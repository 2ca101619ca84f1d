//! The entry point: from the arguments of the process to its exit code.

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};
use clap::{CommandFactory, FromArgMatches};
use km_proxy_adapter::ErrorKind;
use tokio::runtime::Builder;

use crate::cli::{Cli, Command, InvalidValue};
use crate::error::Failure;
use crate::io::log::{self, DefaultFilter};
use crate::io::progress;
use crate::{commands, hardening};

/// Runs the command of this process.
pub(crate) fn main() -> ExitCode {
    log::report_panics();
    if let Err(failure) = hardening::apply() {
        return report_before_parsing(&failure);
    }
    let cli = match parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let json = cli.global.json;
    let outcome = catch_unwind(AssertUnwindSafe(|| run(cli))).unwrap_or_else(|_| {
        Err(Failure::new(ErrorKind::Internal, "internal: the program panicked", "report this bug"))
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
    let filter = match &cli.command {
        Command::Serve(_) => DefaultFilter::Serve,
        Command::Sync(args) if !args.once => DefaultFilter::Watch,
        Command::Exec(args) if args.watch.is_enabled => DefaultFilter::Watch,
        // With --json, stderr has the error only.
        Command::Rotate(_) if !cli.global.json => DefaultFilter::Rotate,
        _ => DefaultFilter::OneShot,
    };
    log::start(&cli.global, filter)?;
    progress::start(&cli.global);
    let mut builder = match &cli.command {
        Command::Serve(_) => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    let runtime = builder.enable_all().build().map_err(|error| {
        let what = format!("internal: cannot start the async runtime: {error}");
        Failure::new(ErrorKind::Internal, what, "check the resource limits of the system")
    })?;
    let outcome = runtime.block_on(commands::run(cli));
    // Dropping the runtime would wait for a thread that is still blocked on stdin.
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
            // A closed stdout is not an error here.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        _ => report_before_parsing(&Failure::new(
            ErrorKind::Usage,
            usage(&error),
            suggestion(&error).unwrap_or_else(|| "run `km --help` for usage".to_owned()),
        )),
    })
}

/// Reports a failure that occurred before the arguments were parsed.
fn report_before_parsing(failure: &Failure) -> ExitCode {
    failure.report(std::env::args_os().any(|arg| arg == "--json"));
    ExitCode::from(failure.code())
}

/// Appends the settings to the long help of a command and of its subcommands.
fn with_settings(command: clap::Command, help: &str) -> clap::Command {
    command.after_long_help(help.to_owned()).mut_subcommands(|sub| with_settings(sub, help))
}

/// Describes a usage error on one line.
///
/// An argument is quoted only if it looks like a command or an option, because an unexpected one
/// may be a secret that should have been passed on stdin.
fn usage(error: &clap::Error) -> String {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let what = match error.kind() {
        ClapErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ClapErrorKind::MissingSubcommand => "missing command".to_owned(),
        ClapErrorKind::InvalidSubcommand => match error.get(ContextKind::InvalidSubcommand) {
            Some(ContextValue::String(name)) if is_word(name) => {
                format!("unknown command `{name}`")
            }
            _ => "unknown command".to_owned(),
        },
        ClapErrorKind::UnknownArgument if is_option(argument) => {
            format!("unknown option `{argument}`")
        }
        ClapErrorKind::UnknownArgument => {
            "unexpected argument; a secret's value is read from stdin".to_owned()
        }
        ClapErrorKind::InvalidValue
        | ClapErrorKind::ValueValidation
        | ClapErrorKind::TooManyValues
        | ClapErrorKind::WrongNumberOfValues => {
            format!("invalid value for `{argument}`{}{}", valid_values(error), reason(error))
        }
        _ => first_paragraph(error),
    };
    format!("usage: {what}")
}

/// Returns why a value is invalid, if the parser of the option says so without quoting the value.
fn reason(error: &clap::Error) -> String {
    let reason = error.source().and_then(|source| source.downcast_ref::<InvalidValue>());
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

/// Returns the words of this program that clap suggests instead of an unknown one.
fn suggestion(error: &clap::Error) -> Option<String> {
    let kinds =
        [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let words = kinds.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(word) => Some(format!("`{word}`")),
        ContextValue::Strings(words) if !words.is_empty() => {
            Some(format!("`{}`", words.join("` or `")))
        }
        _ => None,
    })?;
    Some(format!("did you mean {words}? run `km --help` for usage"))
}

/// Lists the values that an option accepts, if they are enumerable.
fn valid_values(error: &clap::Error) -> String {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!(": expected one of {}", values.join(", "))
        }
        _ => String::new(),
    }
}

/// Returns whether an argument has the form of a long option of this program.
fn is_option(argument: &str) -> bool {
    argument.strip_prefix("--").is_some_and(is_word)
}

/// Returns whether a text consists of a few lower-case letters and hyphens, unlike a secret.
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
