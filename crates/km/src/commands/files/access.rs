//! Who may read the files.

use rustix::fs::{Gid, Mode, RawMode, Uid};

use crate::cli::FileArgs;

/// The mode and the owner of each file. The user and the group are those of this process unless
/// they are given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileAccess {
    pub(super) mode: Mode,
    pub(super) user: Option<Uid>,
    pub(super) group: Option<Gid>,
}

impl FileAccess {
    /// Only the user of this process may read the files.
    pub(crate) const PRIVATE: Self = Self { mode: Mode::RUSR, user: None, group: None };

    /// Returns whether every user may read the files.
    pub(super) fn is_public(self) -> bool {
        self.mode.contains(Mode::ROTH)
    }
}

impl From<&FileArgs> for FileAccess {
    fn from(args: &FileArgs) -> Self {
        let owner = args.owner.unwrap_or_default();
        Self {
            mode: Mode::from_raw_mode(RawMode::from(args.mode)),
            user: owner.user.map(Uid::from_raw),
            group: owner.group.map(Gid::from_raw),
        }
    }
}
