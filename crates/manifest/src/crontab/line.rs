/// A line of a crontab.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Blank,
    Comment(&'a str),
    Variable {
        name: &'a str,
        value: &'a str,
    },
    Entry(Entry<'a>),
    /// With what is wrong with it.
    Neither(&'static str),
}

/// When to run what.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) expression: &'a str,
    pub(super) user: Option<&'a str>,
    /// As it is written, with its standard input.
    pub(super) command: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn read(text: &'a str, user_field: bool) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Blank;
        }
        if let Some(comment) = text.strip_prefix('#') {
            return Self::Comment(comment.trim_start_matches('#').trim());
        }
        if let Some((name, value)) = variable(text) {
            return Self::Variable { name, value };
        }
        // With it, cronie does not log that the command runs.
        let text = text.strip_prefix('-').unwrap_or(text);
        let fields = if text.starts_with('@') { 1 } else { 5 };
        let Some((expression, rest)) = split_fields(text, fields) else {
            return Self::Neither("not imported: it is neither a variable nor five fields and a command");
        };
        let (user, command) = if user_field {
            match split_fields(rest, 1) {
                Some((user, command)) => (Some(user), command),
                None => return Self::Neither("not imported: after the user there is no command"),
            }
        } else {
            (None, rest)
        };
        Self::Entry(Entry {
            expression,
            user,
            command,
        })
    }
}

/// `NAME = value`, each of which may stand in quotation marks.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let name = unquoted(name.trim());
    let mut characters = name.chars();
    let starts = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let is_name = starts && characters.all(|character| character.is_ascii_alphanumeric() || character == '_');
    is_name.then(|| (name, unquoted(value.trim())))
}

fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|mark| text.strip_prefix(mark)?.strip_suffix(mark))
        .unwrap_or(text)
}

/// The first so many words, and what comes after them, if something does.
fn split_fields(text: &str, count: usize) -> Option<(&str, &str)> {
    let mut end = 0;
    for _ in 0..count {
        let rest = &text[end..];
        let begin = end + rest.len() - rest.trim_start().len();
        let word = text[begin..].split(char::is_whitespace).next()?;
        if word.is_empty() {
            return None;
        }
        end = begin + word.len();
    }
    let rest = text[end..].trim_start();
    (!rest.is_empty()).then(|| (&text[..end], rest))
}
