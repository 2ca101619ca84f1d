//! `km history`, `km undelete` and `km destroy`.

mod change;
mod history;
mod rejected;
