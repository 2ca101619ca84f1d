//! Lines of text with colors, which only terminals receive.
//!
//! The text of a [`Span`] is escaped when it is created, so that the only escape sequences in a
//! line are those of its own colors.

use std::io::{self, IsTerminal as _};

use anstyle::{AnsiColor, Style};
use km_settings::{Env as _, ProcessEnv};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::escape;

/// The meaning of a color.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Good,
    Warning,
    Bad,
    Faint,
    Heading,
}

/// Whether text is colored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colors {
    On,
    Off,
}

/// Text of one color, without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    text: String,
    tone: Tone,
}

/// A line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<Span>);

impl Colors {
    /// Returns whether text on stdout is colored: on a terminal with colors, unless
    /// [`NO_COLOR`](https://no-color.org) is set.
    pub(crate) fn of_stdout() -> Self {
        let variable = |name| ProcessEnv.var(name).filter(|value| !value.is_empty());
        let is_dumb = variable("TERM").is_some_and(|terminal| terminal == "dumb");
        if io::stdout().is_terminal() && variable("NO_COLOR").is_none() && !is_dumb {
            Self::On
        } else {
            Self::Off
        }
    }
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Faint => Style::new().dimmed(),
            Self::Heading => Style::new().bold(),
        }
    }
}

impl Span {
    pub(crate) fn new(text: &str, tone: Tone) -> Self {
        Self { text: escape::text(text).into_owned(), tone }
    }

    /// Creates a span of a text, or a dash if there is none.
    pub(crate) fn or_dash(text: Option<&str>, tone: Tone) -> Self {
        text.map_or_else(|| Self::new("-", Tone::Faint), |text| Self::new(text, tone))
    }

    /// Returns the number of columns on a terminal.
    pub(crate) fn width(&self) -> usize {
        self.text.width()
    }

    /// Appends spaces until the span has this width.
    pub(crate) fn pad(&mut self, width: usize) {
        self.text.extend(std::iter::repeat_n(' ', width.saturating_sub(self.width())));
    }

    /// Returns the part of the text that fits into `width` columns.
    fn fitting(&self, width: usize) -> &str {
        let mut used = 0;
        let end = self.text.char_indices().find(|(_, c)| {
            used += c.width().unwrap_or(0);
            used > width
        });
        self.text.get(..end.map_or(self.text.len(), |(at, _)| at)).unwrap_or_default()
    }
}

impl Line {
    pub(crate) fn new(spans: impl IntoIterator<Item = Span>) -> Self {
        Self(spans.into_iter().collect())
    }

    /// Returns the line as text of at most `width` columns.
    pub(crate) fn render(&self, colors: Colors, width: Option<usize>) -> String {
        let mut left = width.unwrap_or(usize::MAX);
        let spans = self.0.iter().map(|span| {
            let (text, style) = (span.fitting(left), span.tone.style());
            left -= text.width().min(left);
            let is_colored = colors == Colors::On && !style.is_plain() && !text.is_empty();
            if is_colored { format!("{style}{text}{style:#}") } else { text.to_owned() }
        });
        spans.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line::new([Span::new("ab\u{1b}[0m", Tone::Bad), Span::new("日本", Tone::Plain)])
    }

    #[test]
    fn text_is_escaped_and_colored_only_if_colors_are_on() {
        assert_eq!(line().render(Colors::Off, None), "ab\\u{1b}[0m日本");
        let colored = line().render(Colors::On, None);
        assert_eq!(colored, "\u{1b}[31mab\\u{1b}[0m\u{1b}[0m日本");
    }

    #[test]
    fn line_is_cut_at_whole_characters() {
        for (width, expected) in
            [(0, ""), (2, "ab"), (11, "ab\\u{1b}[0m"), (12, "ab\\u{1b}[0m"), (13, "ab\\u{1b}[0m日")]
        {
            assert_eq!(line().render(Colors::Off, Some(width)), expected, "{width}");
        }
    }

    #[test]
    fn padding_counts_columns() {
        let mut span = Span::new("日本", Tone::Plain);
        span.pad(6);
        assert_eq!((span.text.as_str(), span.width()), ("日本  ", 6));
    }
}
