//! The part of a page that `cargo xtask bench sidecar` writes, between two comments.

use anyhow::{Context, Result};

const BEGIN: &str = "<!-- begin: cargo xtask bench sidecar -->\n";
const END: &str = "<!-- end -->";

/// Returns the part of a page, without the comments.
pub fn part(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once(BEGIN)?;
    rest.split_once(END).map(|(part, _)| part)
}

/// Returns the text of a part with its comments.
pub fn enclosed(part: &str) -> String {
    format!("{BEGIN}{part}{END}")
}

/// Returns the page with another part.
///
/// # Errors
/// The page has no such part.
pub fn replaced(page: &str, part: &str) -> Result<String> {
    let parts = page.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?)));
    let (head, (_, tail)) = parts.with_context(|| format!("no part {BEGIN:?} to {END:?}"))?;
    Ok(format!("{head}{}{tail}", enclosed(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_is_replaced_and_the_rest_is_kept() {
        let page = format!("# Page\n{}\nend\n", enclosed("old\n"));
        assert_eq!(part(&page), Some("old\n"));
        let page = replaced(&page, "new\n").unwrap();
        assert_eq!(page, format!("# Page\n{}\nend\n", enclosed("new\n")));
    }

    #[test]
    fn page_without_the_part_is_an_error() {
        for page in ["", BEGIN, END] {
            assert!(replaced(page, "new\n").is_err(), "{page:?}");
            assert_eq!(part(page), None, "{page:?}");
        }
    }
}
