//! Shell completions and man pages, made from the commands, the settings and the exit codes of this
//! program. They stand under `packaging/` as files, so that the program carries none of them, nor
//! what makes them. The tests here compare; with `UPDATE_EXPECT=1` they write: `cargo xtask pages`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use expect_test::expect_file;
use km_proxy_adapter::ErrorKind;
use km_settings::{SETTINGS, Section};

use crate::args::Cli;
use crate::exit;

/// What a script finds in the exit code, in its order.
const KINDS: [ErrorKind; 9] = [
    ErrorKind::Usage,
    ErrorKind::Settings,
    ErrorKind::Auth,
    ErrorKind::Unavailable,
    ErrorKind::Denied,
    ErrorKind::NotFound,
    ErrorKind::Conflict,
    ErrorKind::StoredValue,
    ErrorKind::Internal,
];

#[test]
fn completions_are_what_the_commands_say() {
    let pages = [(Shell::Bash, "km.bash"), (Shell::Zsh, "_km"), (Shell::Fish, "km.fish")];
    let text = |shell| {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "km", &mut text);
        String::from_utf8(text).expect("completions are UTF-8")
    };
    same("completions", pages.map(|(shell, file)| (file.to_owned(), text(shell))));
}

#[test]
fn man_pages_are_what_the_commands_and_the_settings_say() {
    let mut program = Cli::command();
    program.build();
    let mut pages = Vec::new();
    add_pages(program, &mut pages);
    same("man", pages);
}

/// A page for this command and for each below it.
fn add_pages(command: Command, pages: &mut Vec<(String, String)>) {
    let below: Vec<_> = command.get_subcommands().cloned().collect();
    let whole = command.get_name() == "km";
    let source = concat!("km ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).source(source).manual("User Commands");
    let mut page = Vec::new();
    man.render_title(&mut page).expect("written to memory");
    man.render_name_section(&mut page).expect("written to memory");
    man.render_synopsis_section(&mut page).expect("written to memory");
    man.render_description_section(&mut page).expect("written to memory");
    man.render_options_section(&mut page).expect("written to memory");
    if !below.is_empty() {
        man.render_subcommands_section(&mut page).expect("written to memory");
    }
    let more = if whole { [environment(), exit_status()].concat() } else { see_also() };
    let page = String::from_utf8(page).expect("a page is UTF-8") + &more;
    pages.push((man.get_filename(), page));
    for command in below {
        add_pages(command, pages);
    }
}

/// The settings, from their table.
fn environment() -> String {
    let mut page = Roff::new();
    page.control("SH", ["ENVIRONMENT"]);
    page.text([roman(
        "The key in parentheses stands in the configuration file, under \
         general_settings.key_management_settings; the environment wins.",
    )]);
    for section in Section::ALL {
        page.control("SS", [section.title()]);
        for setting in SETTINGS.iter().filter(|setting| setting.section == section) {
            let key = setting.yaml.map(|key| format!(" ({key})")).unwrap_or_default();
            let default = setting.default.describe();
            let default =
                default.map_or_else(String::new, |words| format!(" [default: {}]", plain(&words)));
            page.control("TP", []);
            page.text([bold(setting.name), roman(key), roman(default)]);
            page.text([roman(plain(setting.description))]);
        }
    }
    page.to_roff()
}

fn exit_status() -> String {
    let mut page = Roff::new();
    page.control("SH", ["EXIT STATUS"]);
    page.text([roman("0 when it is done. Otherwise, with the kind that --json names:")]);
    for kind in KINDS {
        page.control("TP", []);
        page.text([bold(exit::code(kind).to_string())]);
        page.text([roman(exit::name(kind))]);
    }
    page.to_roff()
}

fn see_also() -> String {
    let mut page = Roff::new();
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("km"), roman("(1), for the settings and the exit status")]);
    page.to_roff()
}

/// Without the marks of Markdown.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// Fails unless the folder below `packaging/` holds just these files with just these texts.
fn same(folder: &str, pages: impl IntoIterator<Item = (String, String)>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(folder);
    let mut names = BTreeSet::new();
    for (name, text) in pages {
        expect_file![folder.join(&name)].assert_eq(&text);
        names.insert(name);
    }
    let there: BTreeSet<_> = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| PathBuf::from(entry.expect("a readable folder").file_name()))
        .collect();
    let expected = names.into_iter().map(PathBuf::from).collect();
    assert_eq!(there, expected, "files that nothing stands for: remove them");
}
