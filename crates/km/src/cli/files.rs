//! The options of files with secrets, and the values of these options.

use clap::Args;
use nix::unistd::{Group, User};

use super::invalid::InvalidValue;

/// The mode bits that a file may have: no other user writes to it, and nobody executes it.
const ALLOWED_MODE: u16 = 0o644;

/// The mode bit that a file must have, so that `km` can compare it with a new value.
const REQUIRED_MODE: u16 = 0o400;

/// The number that the system takes for "unchanged" instead of that of a user or a group.
const UNCHANGED: u32 = u32::MAX;

#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// Mode of each file, in octal [default: 0400]
    #[arg(
        long,
        value_name = "MODE",
        default_value = "0400",
        hide_default_value = true,
        value_parser = file_mode
    )]
    pub(crate) mode: u16,
    /// Owner of each file, by name or number: USER, USER:GROUP or :GROUP
    /// [default: the user that runs km]
    #[arg(long, value_name = "USER:GROUP", value_parser = file_owner)]
    pub(crate) owner: Option<FileOwner>,
}

/// The owner of a file. What is not given remains as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FileOwner {
    pub(crate) user: Option<u32>,
    pub(crate) group: Option<u32>,
}

/// Parses an octal mode.
///
/// # Errors
///
/// That the mode is not one of those that suit a secret.
fn file_mode(text: &str) -> Result<u16, InvalidValue> {
    let is_octal = !text.is_empty() && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    let mode = u16::from_str_radix(text, 8).ok().filter(|_| is_octal);
    let mode = mode.filter(|mode| mode & REQUIRED_MODE != 0 && mode & !ALLOWED_MODE == 0);
    mode.ok_or(InvalidValue("expected 0400, 0600, or one of these with read access for others"))
}

/// Parses a user and a group, each by name or by number.
///
/// # Errors
///
/// What is missing, or that this system does not know the user or the group.
fn file_owner(text: &str) -> Result<FileOwner, InvalidValue> {
    let (user, group) = text.split_once(':').unwrap_or((text, ""));
    if user.is_empty() && group.is_empty() {
        return Err(InvalidValue("expected USER, USER:GROUP or :GROUP"));
    }
    let user = match user {
        "" => None,
        user => Some(user_id(user).ok_or(InvalidValue("unknown user"))?),
    };
    let group = match group {
        "" => None,
        group => Some(group_id(group).ok_or(InvalidValue("unknown group"))?),
    };
    Ok(FileOwner { user, group })
}

fn user_id(user: &str) -> Option<u32> {
    let number = user.parse().ok();
    let number = number.or_else(|| Some(User::from_name(user).ok()??.uid.as_raw()));
    number.filter(|number| *number != UNCHANGED)
}

fn group_id(group: &str) -> Option<u32> {
    let number = group.parse().ok();
    let number = number.or_else(|| Some(Group::from_name(group).ok()??.gid.as_raw()));
    number.filter(|number| *number != UNCHANGED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mode_that_lets_others_write_or_anybody_execute_is_rejected() {
        for (text, expected) in [
            ("0400", Some(0o400)),
            ("400", Some(0o400)),
            ("0440", Some(0o440)),
            ("0640", Some(0o640)),
            ("0644", Some(0o644)),
            ("0040", None),
            ("0000", None),
            ("0660", None),
            ("0602", None),
            ("0500", None),
            ("4400", None),
            ("0800", None),
            ("9999999", None),
            ("u=r", None),
            ("+400", None),
            ("-400", None),
            ("", None),
        ] {
            assert_eq!(file_mode(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn owner_is_given_by_name_or_number() {
        for (text, expected) in [
            ("root", Some((Some(0), None))),
            ("0:0", Some((Some(0), Some(0)))),
            ("12345:54321", Some((Some(12345), Some(54321)))),
            (":7", Some((None, Some(7)))),
            ("7:", Some((Some(7), None))),
            ("", None),
            (":", None),
            ("no-such-user-here", None),
            (":no-such-group-here", None),
            ("4294967295", None),
            ("1:2:3", None),
            ("-1", None),
        ] {
            let owner = file_owner(text).ok().map(|owner| (owner.user, owner.group));
            assert_eq!(owner, expected, "{text}");
        }
    }
}
