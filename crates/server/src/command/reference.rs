//! The reference of the command line, in Markdown, written from the declaration of the commands: the file `docs/cli.md`.

use clap::{Arg, ArgAction, Command, CommandFactory};

use crate::cli::{Cli, CliError, print};

const HEAD: &str = "# The command line

<!-- Written by `ratchet reference`: change the commands in crates/server/src instead, and write it anew. -->

`ratchet COMMAND --help` says the same. `ratchet completions SHELL` makes a shell complete all of it.
";

/// Writes the reference.
pub(crate) fn run() -> Result<(), CliError> {
    print(&reference())
}

fn reference() -> String {
    let mut root = Cli::command();
    root.build();
    let mut text = HEAD.to_owned();
    if let Some(after) = root.get_after_help() {
        text.push_str(&format!("\n{}\n", block(&after.to_string())));
    }
    text.push_str("\n## Flags of every command\n\n");
    text.push_str(&rows(root.get_arguments().filter(|flag| flag.is_global_set())));
    for command in shown(&root) {
        describe(command, 2, &mut text);
    }
    text
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    let commands = command.get_subcommands();
    commands.filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn describe(command: &Command, level: usize, text: &mut String) {
    let path = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    text.push_str(&format!("\n{} `{path}`\n\n{about}.\n", "#".repeat(level)));
    let below: Vec<&Command> = shown(command).collect();
    if below.is_empty() {
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").trim();
        text.push_str(&format!("\n```\n{usage}\n```\n"));
        let own = command
            .get_arguments()
            .filter(|argument| !argument.is_global_set() && !argument.is_hide_set());
        let rows = rows(own);
        if !rows.is_empty() {
            text.push_str(&format!("\n{rows}"));
        }
    }
    if let Some(after) = command.get_after_help() {
        text.push_str(&format!("\n{}\n", block(&after.to_string())));
    }
    for command in below {
        describe(command, level + 1, text);
    }
}

/// Examples are indented in the help, and a block here; the rest is text.
fn block(help: &str) -> String {
    let paragraphs = help.trim().split("\n\n").map(|paragraph| {
        let (head, rest) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
        let is_list = !rest.is_empty() && rest.lines().all(|line| line.starts_with("  "));
        if !is_list {
            return paragraph.to_owned();
        }
        let lines: Vec<&str> = rest.lines().map(|line| &line[2..]).collect();
        let language = if rest.contains("ratchet") { "sh" } else { "" };
        format!("{head}\n\n```{language}\n{}\n```", lines.join("\n"))
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// A list of arguments, those of the position first.
fn rows<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let help = ["help", "version"];
    let arguments: Vec<&Arg> = arguments
        .filter(|argument| !help.contains(&argument.get_id().as_str()))
        .collect();
    let (positional, flags): (Vec<&Arg>, Vec<&Arg>) = arguments
        .into_iter()
        .partition(|argument| argument.is_positional());
    positional.into_iter().chain(flags).map(row).collect()
}

fn row(argument: &Arg) -> String {
    let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let names = argument.get_value_names().unwrap_or_default();
    let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
    let value = names.join(" ");
    let mut written = Vec::new();
    if let Some(short) = argument.get_short() {
        written.push(format!("-{short}"));
    }
    if let Some(long) = argument.get_long() {
        written.push(format!("--{long}"));
    }
    let mut name = written.join(", ");
    if name.is_empty() {
        name = value;
    } else if takes_value {
        name = format!("{name} {value}");
    }
    let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if takes_value && !values.is_empty() {
        help.push_str(&format!(": {}", values.join(", ")));
    }
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if takes_value && !defaults.is_empty() {
        help.push_str(&format!(" [default: {}]", defaults.join(", ")));
    }
    if let Some(variable) = argument.get_env() {
        help.push_str(&format!(" [env: `{}`]", variable.to_string_lossy()));
    }
    format!("- `{name}`: {}\n", help.replace('<', "\\<"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_the_one_that_is_kept() {
        let kept = include_str!("../../../../docs/cli.md");
        assert!(
            kept == reference(),
            "docs/cli.md is of other commands: cargo run -q -- reference >docs/cli.md"
        );
    }

    #[test]
    fn examples_become_a_block_and_sentences_stay() {
        assert_eq!(
            block("Examples:\n  ratchet a\n  ratchet b\n\nA sentence.\nAnother."),
            "Examples:\n\n```sh\nratchet a\nratchet b\n```\n\nA sentence.\nAnother."
        );
    }

    #[test]
    fn every_command_says_what_it_is_for_and_gives_an_example() {
        fn without(command: &Command, found: &mut Vec<String>) {
            let mut has_none_below = true;
            for below in shown(command) {
                has_none_below = false;
                without(below, found);
            }
            let name = command.get_bin_name().unwrap_or_default().to_owned();
            let has_example = command
                .get_after_help()
                .is_some_and(|help| help.to_string().contains("ratchet"));
            if command.get_about().is_none() || (has_none_below && !has_example) {
                found.push(name);
            }
        }
        let mut root = Cli::command();
        root.build();
        let mut found = Vec::new();
        without(&root, &mut found);
        assert_eq!(found, Vec::<String>::new());
    }
}
