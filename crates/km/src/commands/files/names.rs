//! The names of files, which are the targets of bindings.

use std::collections::BTreeMap;

use km_proxy_adapter::ErrorKind;

use crate::commands::values::Binding;
use crate::error::Failure;

/// The longest file name that file systems accept, in bytes.
const MAX_BYTES: usize = 255;

/// Returns the name of the file that holds the value of a secret: the last segment of its name.
///
/// # Errors
///
/// `Usage` if a file cannot have this name. Names that begin with a dot belong to the layout of the
/// directory, and programs that list it skip them.
pub(crate) fn file_name(name: &str) -> Result<&str, Failure> {
    let file = name.rsplit('/').next().unwrap_or(name);
    let why = if file.is_empty() {
        "is empty"
    } else if file.starts_with('.') {
        "begins with a dot"
    } else if file.len() > MAX_BYTES {
        "is longer than 255 bytes"
    } else {
        return Ok(file);
    };
    let what = format!("find the file of {name}: the last segment of the name {why}");
    Err(Failure::new(ErrorKind::Usage, what, "store the secret under another name"))
}

/// Returns the bindings of secrets to the files that are named after them.
///
/// # Errors
///
/// `Usage`, with all problems: a file cannot have its name, or two secrets have the same file.
pub(crate) fn to_files(bindings: Vec<Binding>) -> Result<Vec<Binding>, Failure> {
    let (mut names, mut files) = (BTreeMap::new(), Vec::new());
    let mut problems = None::<Failure>;
    for binding in bindings {
        match file_of(&binding, &mut names) {
            Ok(target) => files.push(Binding { target, ..binding }),
            Err(problem) => {
                problems = Some(match problems {
                    Some(others) => others.and(problem),
                    None => problem,
                });
            }
        }
    }
    problems.map_or(Ok(files), Err)
}

/// Returns the file of a binding, unless it is that of another secret. `names` are the secrets of
/// all files so far.
fn file_of(binding: &Binding, names: &mut BTreeMap<String, String>) -> Result<String, Failure> {
    let file = file_name(&binding.name)?.to_owned();
    match names.insert(file.clone(), binding.name.clone()) {
        Some(other) => Err(same_file(&file, &other, &binding.name)),
        None => Ok(file),
    }
}

fn same_file(file: &str, one: &str, other: &str) -> Failure {
    let what = format!("write {one} and {other} to files: both would be the file {file}");
    Failure::new(
        ErrorKind::Usage,
        what,
        "name one of them by --only, and write the other elsewhere",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_named_by_the_last_segment_and_never_hidden() {
        let longest = "a".repeat(MAX_BYTES);
        let longer = "a".repeat(MAX_BYTES + 1);
        for (name, expected) in [
            ("OPENAI_API_KEY", Some("OPENAI_API_KEY")),
            ("team/openai", Some("openai")),
            ("a/b/c.txt", Some("c.txt")),
            (&longest, Some(longest.as_str())),
            (&longer, None),
            ("team/", None),
            ("", None),
            (".", None),
            ("..", None),
            ("team/..", None),
            ("..data", None),
            ("team/.hidden", None),
        ] {
            assert_eq!(file_name(name).ok(), expected, "{name}");
        }
    }

    #[test]
    fn names_with_the_same_file_are_rejected_together() {
        let bindings = |names: &[&str]| -> Vec<_> {
            names.iter().map(|name| Binding::of_name(name, false)).collect()
        };
        let failure = to_files(bindings(&["a/KEY", "b/KEY", "OTHER", "c/KEY", ".dot"]));
        let failure = failure.unwrap_err();
        assert_eq!(failure.problems().count(), 3, "{failure:?}");
        let files = to_files(bindings(&["a/ONE", "a/TWO"])).unwrap();
        let files: Vec<_> = files.iter().map(|file| (&*file.target, &*file.name)).collect();
        assert_eq!(files, [("ONE", "a/ONE"), ("TWO", "a/TWO")]);
    }
}
