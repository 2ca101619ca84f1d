//! The validated options.

use km_proxy_adapter::ErrorKind;

use crate::cli::RotateArgs;
use crate::error::Failure;

/// Verifies that the options do not contradict each other, before anything is sent.
///
/// # Errors
///
/// `Usage`.
pub(super) fn check(args: &RotateArgs) -> Result<(), Failure> {
    let usage = |what: &str, hint: &str| {
        Err(Failure::new(ErrorKind::Usage, format!("usage: {what}"), hint))
    };
    let commands = [
        ("--with", Some(&args.with)),
        ("--verify", args.verify.as_ref()),
        ("--revoke", args.revoke.as_ref()),
    ];
    let is_empty = |command: &String| command.trim().is_empty();
    if let Some((option, _)) = commands.iter().find(|(_, text)| text.is_some_and(is_empty)) {
        return usage(&format!("{option} is empty"), "pass a shell command");
    }
    if args.revoke.is_some() && args.sidecars.is_empty() && args.files.is_empty() {
        return usage(
            "--revoke requires --sidecar or --files, because a gateway may use the old key",
            "name every sidecar and every directory from which gateways obtain this key",
        );
    }
    let limits = [args.confirm_timeout, args.command_timeout];
    if limits.iter().any(std::time::Duration::is_zero) {
        return usage("--confirm-timeout and --command-timeout must not be 0", "pass a duration");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn checked(options: &[&str]) -> Result<(), u8> {
        let arguments = ["km", "rotate", "NAME", "--with", "mint"];
        let cli = Cli::try_parse_from(arguments.iter().chain(options)).map_err(|_| 2)?;
        let Command::Rotate(args) = cli.command else { panic!("another command") };
        check(&args).map_err(|failure| failure.code())
    }

    #[test]
    fn revocation_needs_a_place_that_confirms_the_new_key() {
        for (options, expected) in [
            (&[][..], Ok(())),
            (&["--verify", "v"], Ok(())),
            (&["--sidecar", "127.0.0.1:1"], Ok(())),
            (&["--revoke", "r"], Err(2)),
            (&["--revoke", "r", "--verify", "v", "--settle", "1h"], Err(2)),
            (&["--revoke", "r", "--sidecar", "127.0.0.1:1"], Ok(())),
            (&["--revoke", "r", "--files", "/run/keys"], Ok(())),
            (&["--revoke", " ", "--files", "/run/keys"], Err(2)),
            (&["--verify", ""], Err(2)),
            (&["--settle", "0"], Ok(())),
            (&["--settle", "-1"], Err(2)),
            (&["--settle", "soon"], Err(2)),
            (&["--confirm-timeout", "0s"], Err(2)),
            (&["--command-timeout", "0"], Err(2)),
        ] {
            assert_eq!(checked(options), expected, "{options:?}");
        }
    }
}
