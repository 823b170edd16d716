/// What variables above an entry make of its surroundings.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) shell: Option<String>,
    /// In their order; one that is set again has its last value.
    variables: Vec<(String, String)>,
}

impl Surroundings {
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(other, _)| other != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// What `/bin/sh` runs so that the command finds them.
    pub(super) fn script(&self, command: &str) -> String {
        let mut script = String::new();
        for (name, value) in &self.variables {
            script.push_str(&format!("export {name}={}\n", quoted(value)));
            if name == "HOME" {
                script.push_str("cd \"$HOME\" || exit\n");
            }
        }
        match self.shell.as_deref().filter(|shell| !is_standard(shell)) {
            Some(shell) => script.push_str(&format!("exec {} -c {}", quoted(shell), quoted(command))),
            None => script.push_str(command),
        }
        script
    }
}

fn is_standard(shell: &str) -> bool {
    matches!(shell, "" | "sh" | "/bin/sh")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The command and its standard input, which begins behind the first percent sign without a backslash; further ones are line
/// breaks.
pub(super) fn split_stdin(written: &str) -> (String, String) {
    let mut parts = vec![String::new()];
    let mut characters = written.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&'%') => push(&mut parts, characters.next()),
            '%' => parts.push(String::new()),
            other => push(&mut parts, Some(other)),
        }
    }
    let command = parts.remove(0).trim_end().to_owned();
    let mut stdin = parts.join("\n");
    if !parts.is_empty() && !stdin.ends_with('\n') {
        stdin.push('\n');
    }
    (command, stdin)
}

fn push(parts: &mut [String], character: Option<char>) {
    if let Some(last) = parts.last_mut() {
        last.extend(character);
    }
}
