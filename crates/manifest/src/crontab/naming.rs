use std::collections::HashSet;

/// A name that tells what the command is, and that no other entry has.
pub(super) fn unique_name(command: &str, line: usize, taken: &mut HashSet<String>) -> String {
    let name = program(command).unwrap_or_else(|| format!("line-{line}"));
    let mut unique = name.clone();
    let mut number = 2;
    while !taken.insert(unique.clone()) {
        unique = format!("{name}-{number}");
        number += 1;
    }
    unique
}

/// The program that the command is about, without folder and ending.
fn program(command: &str) -> Option<String> {
    // What comes before is where to be, or whether.
    let prepares = ["cd ", "test ", "[ ", "[[ "];
    let command = match command.split_once("&&") {
        Some((first, rest)) if prepares.iter().any(|word| first.trim_start().starts_with(word)) => rest,
        _ => command,
    };
    let word = command.split_whitespace().find(|word| !word.contains('='))?;
    let file = word.rsplit('/').next()?;
    let stem = match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    };
    let name: String = stem
        .chars()
        .filter(|character| character.is_alphanumeric() || "-_".contains(*character))
        .collect();
    (!name.is_empty()).then_some(name)
}
