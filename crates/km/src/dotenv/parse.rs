//! Parses a `.env` file like python-dotenv, but reports what that skips or expands.
//!
//! The existing parsers for Rust replace `$NAME` by variables of this process, which would change
//! secrets without notice. A problem names a line and never quotes it.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{REFERENCE, is_variable};

/// A variable of the file.
pub(crate) struct Entry {
    /// The name.
    pub(crate) name: String,
    /// The value, without quotes and escapes.
    pub(crate) value: Zeroizing<String>,
    /// The number of its first line.
    pub(crate) line: usize,
}

/// A line that is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The number of the line.
    pub(crate) line: usize,
    /// Why it is not accepted.
    pub(crate) why: String,
}

/// The variables of a file, and the lines that are not accepted.
#[derive(Default)]
pub(crate) struct Parsed {
    /// The variables, in their order.
    pub(crate) entries: Vec<Entry>,
    /// The problems, in no order.
    pub(crate) problems: Vec<Problem>,
}

/// Parses a file.
pub(crate) fn parse(text: &str) -> Parsed {
    let text = with_line_feeds(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut parser = Parser { rest: &text, line: 1 };
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    while parser.skip_to_entry() {
        let line = parser.line;
        match parser.entry() {
            Ok((name, value)) => entries.push(Entry { name, value, line }),
            Err(why) => {
                problems.push(Problem { line, why: why.to_owned() });
                parser.skip_line();
            }
        }
    }
    problems.extend(duplicates(&entries));
    Parsed { entries, problems }
}

fn duplicates(entries: &[Entry]) -> Vec<Problem> {
    let mut first = BTreeMap::new();
    let repeated = entries.iter().filter_map(|entry| {
        let before = *first.entry(&entry.name).or_insert(entry.line);
        let why = || format!("{} is already set in line {before}", entry.name);
        (before != entry.line).then(|| Problem { line: entry.line, why: why() })
    });
    repeated.collect()
}

/// Replaces the other line endings, as Python does when it reads a text file.
fn with_line_feeds(text: &str) -> Zeroizing<String> {
    // The capacity suffices, so that no copy is left behind.
    let mut lines = Zeroizing::new(String::with_capacity(text.len()));
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' => lines.push('\n'),
            c => lines.push(c),
        }
    }
    lines
}

struct Parser<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Parser<'t> {
    /// Skips white space and comments. Returns whether anything follows.
    fn skip_to_entry(&mut self) -> bool {
        loop {
            let white = self.rest.len() - self.rest.trim_start().len();
            self.take(white);
            if !self.rest.starts_with('#') {
                return !self.rest.is_empty();
            }
            self.skip_line();
        }
    }

    /// Parses a name and its value up to the end of the line.
    fn entry(&mut self) -> Result<(String, Zeroizing<String>), &'static str> {
        if let Some(after) = self.rest.strip_prefix("export")
            && after.starts_with([' ', '\t'])
        {
            self.take("export".len());
            self.skip_blanks();
        }
        let name = self.take_until(|c| c == '=' || c == '#' || c.is_whitespace());
        self.skip_blanks();
        if !self.rest.starts_with('=') {
            return Err("not of the form NAME=VALUE");
        }
        if !is_variable(name) {
            return Err("the name is not that of a variable: letters, digits and `_`");
        }
        self.take("=".len());
        self.skip_blanks();
        let value = match self.rest.chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
            Some('#') => return Err("the value begins with `#`: put it in quotes"),
            _ => self.unquoted(),
        };
        if value.contains(REFERENCE) {
            return Err(
                "`${` refers to another variable, and is not expanded: write the value out",
            );
        }
        Ok((name.to_owned(), value))
    }

    /// Parses a value in quotes, and what follows on its last line. A backslash before a quote always
    /// escapes it, also if another backslash precedes.
    fn quoted(&mut self, quote: char) -> Result<Zeroizing<String>, &'static str> {
        const UNCLOSED: &str =
            "the quote is not closed (a backslash before the closing quote escapes it)";
        let inner = self.rest.get(1..).unwrap_or_default();
        let mut escaped = false;
        let end = inner.find(|c| {
            let closes = c == quote && !escaped;
            escaped = c == '\\';
            closes
        });
        let value = inner.get(..end.ok_or(UNCLOSED)?).unwrap_or_default();
        let mut after = Self { rest: self.rest, line: self.line };
        after.take(value.len() + 2);
        let tail = after.take_until(|c| c == '\n').trim();
        if !tail.is_empty() && !tail.starts_with('#') {
            return Err("something other than a comment follows the closing quote");
        }
        *self = after;
        Ok(unescaped(value, quote))
    }

    /// Parses a value without quotes: the rest of the line up to a comment.
    fn unquoted(&mut self) -> Zeroizing<String> {
        let line = self.take_until(|c| c == '\n');
        let mut blank = false;
        let comment = line.find(|c: char| {
            let begins = c == '#' && blank;
            blank = c.is_whitespace();
            begins
        });
        let value = line.get(..comment.unwrap_or(line.len())).unwrap_or_default();
        Zeroizing::new(value.trim_end().to_owned())
    }

    fn skip_blanks(&mut self) {
        self.take_until(|c| c == '\n' || !c.is_whitespace());
    }

    fn skip_line(&mut self) {
        self.take_until(|c| c == '\n');
    }

    fn take_until(&mut self, is_end: impl Fn(char) -> bool) -> &'t str {
        self.take(self.rest.find(is_end).unwrap_or(self.rest.len()))
    }

    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }
}

/// Replaces the escapes of a quoted value. Others are no escapes, and remain.
fn unescaped(value: &str, quote: char) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(value.len()));
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        let next = characters.as_str().chars().next();
        match next.filter(|_| c == '\\').and_then(|next| escape(next, quote)) {
            Some(replaced) => {
                text.push(replaced);
                characters.next();
            }
            None => text.push(c),
        }
    }
    text
}

fn escape(c: char, quote: char) -> Option<char> {
    Some(match c {
        '\\' | '\'' => c,
        _ if quote == '\'' => return None,
        '"' => c,
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let parsed = parse(text);
        assert_eq!(parsed.problems, [], "{text:?}");
        let entries: Vec<_> = parsed
            .entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.value.as_str()))
            .collect();
        assert_eq!(entries, expected, "{text:?}");
    }

    fn rejects(text: &str, lines: &[(usize, &str)]) {
        let mut problems = parse(text).problems;
        problems.sort_by_key(|problem| problem.line);
        assert_eq!(problems.len(), lines.len(), "{text:?}: {problems:?}");
        for (problem, (line, why)) in problems.iter().zip(lines) {
            assert!(problem.line == *line && problem.why.contains(why), "{text:?}: {problem:?}");
            assert!(!problem.why.contains("PLANTED"), "{problem:?}");
        }
    }

    #[test]
    fn values_are_read_like_python_dotenv() {
        check("", &[]);
        check("# comment\n\n  \n", &[]);
        check("A=1\nB = 2 \n  export C=3", &[("A", "1"), ("B", "2"), ("C", "3")]);
        check("export=1", &[("export", "1")]);
        check("A=\nB=''\nC=\"\"", &[("A", ""), ("B", ""), ("C", "")]);
        check("A=a b # c\nB=a#b", &[("A", "a b"), ("B", "a#b")]);
        check("A=a=b==\nB=pa$$word", &[("A", "a=b=="), ("B", "pa$$word")]);
        check("A=a\\nb\nB=it's", &[("A", "a\\nb"), ("B", "it's")]);
        check("A='a\\nb'\nB=\"a\\nb\" # c", &[("A", "a\\nb"), ("B", "a\nb")]);
        check("A='it\\'s'\nB=\"\\\"q\\\"\"", &[("A", "it's"), ("B", "\"q\"")]);
        check("A='a\\\\b'\nB=\"a\\\\b\\x\"", &[("A", "a\\b"), ("B", "a\\b\\x")]);
        check("A='one\ntwo'\nB=\"three\nfour\"", &[("A", "one\ntwo"), ("B", "three\nfour")]);
        check("\u{feff}A=1\r\nB='x\r\ny'\rC=é", &[("A", "1"), ("B", "x\ny"), ("C", "é")]);
    }

    #[test]
    fn every_line_that_is_not_accepted_is_reported_without_its_text() {
        rejects("PLANTED\nA=1\nPLANTED=", &[(1, "NAME=VALUE")]);
        rejects("sk-PLANTED==\n1PLANTED=1", &[(1, "name"), (2, "name")]);
        rejects("\n\nA='PLANTED\n", &[(3, "not closed")]);
        rejects("A='PLANTED\\'\n", &[(1, "not closed")]);
        rejects(
            "A='PLANTED' PLANTED\nB=1\nC=\"x\"y",
            &[(1, "closing quote"), (3, "closing quote")],
        );
        rejects("A= # PLANTED\nB=#PLANTED", &[(1, "#"), (2, "#")]);
        rejects(
            "A=${PLANTED}\nB='${PLANTED}'\nC=\"x${",
            &[(1, "${"), (2, "${"), (3, "not closed")],
        );
        rejects("A=1\nB='2\n3'\nA=PLANTED", &[(4, "A is already set in line 1")]);
        rejects("export A", &[(1, "NAME=VALUE")]);
        rejects("export A B=1", &[(1, "NAME=VALUE")]);
    }
}
