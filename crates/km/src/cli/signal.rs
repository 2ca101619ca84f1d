//! Values of options that are signals.

use nix::sys::signal::Signal;

use super::invalid::InvalidValue;

/// Parses the name of a signal, such as `SIGTERM` or `term`. Returns its number.
///
/// # Errors
///
/// That it is not the name of a signal.
pub(crate) fn signal(text: &str) -> Result<i32, InvalidValue> {
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let signal = format!("SIG{name}").parse::<Signal>();
    signal
        .map(|signal| signal as i32)
        .map_err(|_| InvalidValue("expected the name of a signal, such as SIGTERM or SIGUSR1"))
}

/// Like [`signal`], for a signal that requests the end of a program.
///
/// # Errors
///
/// That it is not the name of a signal, or that no program ends by it.
pub(crate) fn ending_signal(text: &str) -> Result<i32, InvalidValue> {
    use Signal::{SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};

    let number = signal(text)?;
    let not_ending = [SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD];
    if not_ending.iter().any(|signal| *signal as i32 == number) {
        return Err(InvalidValue("expected a signal that a program ends by, such as SIGTERM"));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use signal_hook::consts::{SIGHUP, SIGKILL, SIGTERM, SIGUSR1, SIGWINCH};

    use super::*;

    #[test]
    fn name_of_a_signal_is_parsed_with_and_without_its_prefix() {
        for (text, expected) in [
            ("SIGTERM", SIGTERM),
            ("TERM", SIGTERM),
            ("sigusr1", SIGUSR1),
            ("hup", SIGHUP),
            ("KILL", SIGKILL),
            ("WINCH", SIGWINCH),
        ] {
            assert_eq!(ending_signal(text), Ok(expected), "{text}");
        }
        for text in ["", "SIG", "15", "SIGSIGTERM", "TERM ", "SIGNONE", "SIGRTMIN"] {
            assert!(signal(text).is_err(), "{text}");
        }
    }

    #[test]
    fn signal_that_ends_no_program_is_rejected() {
        for text in ["STOP", "SIGTSTP", "TTIN", "TTOU", "CONT", "CHLD"] {
            assert!(signal(text).is_ok() && ending_signal(text).is_err(), "{text}");
        }
    }
}
