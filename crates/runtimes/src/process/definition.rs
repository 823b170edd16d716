use std::collections::BTreeMap;
use std::path::PathBuf;

use ratchet_interfaces::TaskDefinition;
use ratchet_template::Template;
use serde::Deserialize;

use super::config::is_plain;

/// The exit codes of a process that succeeded, unless its task says otherwise.
const SUCCESS: [u8; 1] = [0];

/// What a task's source says of its process, checked as far as it can be without a run.
#[derive(Debug)]
pub(super) struct ProcessDefinition {
    pub(super) command: String,
    pub(super) args: Vec<Template>,
    pub(super) env: Vec<(String, Template)>,
    pub(super) stdin: StdinForm,
    pub(super) output: OutputForm,
    pub(super) success_codes: Vec<u8>,
    /// After which exit codes there may be another try; `None` is after any.
    pub(super) retry_codes: Option<Vec<u8>>,
    pub(super) working_folder: Option<PathBuf>,
}

/// What a process gets on its standard input.
#[derive(Debug)]
pub(super) enum StdinForm {
    /// The run's input, as JSON.
    Json,
    /// Nothing.
    None,
    /// A text.
    Text(Box<Template>),
}

/// What of a process's standard output is its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutputForm {
    /// The last line that is not blank: what it says if it is JSON, else its text; null if there is none.
    #[default]
    LastLine,
    /// All of it, which must be one JSON value.
    Json,
    /// All of it, as text, without the line break at its end.
    Text,
    /// Nothing of it.
    None,
}

/// `process.json`, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    command: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    stdin: Option<String>,
    #[serde(default)]
    output: OutputForm,
    success_codes: Option<Vec<u8>>,
    retry_codes: Option<Vec<u8>>,
    working_folder: Option<PathBuf>,
}

impl ProcessDefinition {
    /// Reads a task's source, or says what is wrong with it.
    pub(super) fn of(task: &TaskDefinition) -> Result<Self, String> {
        let Some(source) = &task.source else {
            return Err("it has no process.json, which says what to run".to_owned());
        };
        let Written {
            command,
            args,
            env,
            stdin,
            output,
            success_codes,
            retry_codes,
            working_folder,
        } = serde_json::from_str(source).map_err(|error| format!("process.json: {error}"))?;
        let template = |name: &str, text: &str| {
            Template::parse(name, text).map_err(|error| format!("process.json: {error}"))
        };
        for name in env.keys() {
            if let Some(rule) = variable_rule(name) {
                return Err(format!("process.json: env has \"{name}\": {rule}"));
            }
        }
        let success_codes = success_codes.unwrap_or_else(|| SUCCESS.to_vec());
        if success_codes.is_empty() {
            return Err("process.json: success_codes is []: at least one exit code is needed".to_owned());
        }
        let both = |code: &&u8| success_codes.contains(code);
        if let Some(code) = retry_codes.iter().flatten().find(both) {
            return Err(format!(
                "process.json: retry_codes has {code}: success_codes has it, too"
            ));
        }
        if let Some(folder) = working_folder.as_ref().filter(|folder| !is_plain(folder)) {
            return Err(format!(
                "process.json: working_folder is \"{}\": an absolute path is allowed",
                folder.display()
            ));
        }
        Ok(Self {
            command,
            args: (0..)
                .zip(&args)
                .map(|(at, text)| template(&format!("args[{at}]"), text))
                .collect::<Result<_, _>>()?,
            env: env
                .into_iter()
                .map(|(name, text)| Ok((name.clone(), template(&format!("env.{name}"), &text)?)))
                .collect::<Result<_, String>>()?,
            stdin: match stdin.as_deref() {
                None | Some("json") => StdinForm::Json,
                Some("none") => StdinForm::None,
                Some(text) => StdinForm::Text(Box::new(template("stdin", text)?)),
            },
            output,
            success_codes,
            retry_codes,
            working_folder,
        })
    }
}

/// Why a task may not set this variable. Some say which code a program loads before it does anything: with them an
/// allowed command would run what is not allowed. It is no complete list, as every program may have its own.
fn variable_rule(name: &str) -> Option<&'static str> {
    const OF_LOADERS: [&str; 5] = ["BASH_ENV", "ENV", "GCONV_PATH", "IFS", "SHELLOPTS"];
    let is_name = name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        return Some("a name of letters, digits and _ is allowed, without a digit first");
    }
    if name == "PATH" {
        return Some("process.path of the server's settings says what it is");
    }
    if name.starts_with("RATCHET_") {
        return Some("RATCHET_ begins the names of what the server itself says");
    }
    let says_what_is_loaded =
        name.starts_with("LD_") || name.starts_with("DYLD_") || OF_LOADERS.contains(&name);
    says_what_is_loaded.then_some("it can make an allowed command run another")
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::TaskId;

    use super::*;

    fn read(source: &str) -> Result<ProcessDefinition, String> {
        let mut task = TaskDefinition::new(TaskId::new(), "a", "1", "process");
        task.source = Some(source.to_owned());
        ProcessDefinition::of(&task)
    }

    fn told(source: &str) -> String {
        read(source).unwrap_err()
    }

    #[test]
    fn a_command_alone_gets_json_succeeds_with_0_and_its_last_line_counts() {
        let definition = read(r#"{"command": "date"}"#).unwrap();
        assert_eq!(definition.command, "date");
        assert!(matches!(definition.stdin, StdinForm::Json));
        assert_eq!(definition.output, OutputForm::LastLine);
        assert_eq!(
            (definition.success_codes, definition.retry_codes),
            (vec![0], None)
        );
    }

    #[test]
    fn a_field_that_is_unknown_missing_or_of_another_type_is_named_with_its_place() {
        assert!(told(r#"{"command": "date", "shell": true}"#).starts_with(
            "process.json: unknown field `shell`, expected one of `command`, `args`, `env`, `stdin`"
        ));
        assert!(told("{}").starts_with("process.json: missing field `command`"));
        assert!(told("{").contains("at line 1 column 1"));
        assert!(told(r#"{"command": "a", "args": "b c"}"#).contains("invalid type: string \"b c\""));
        assert!(told(r#"{"command": "a", "success_codes": [256]}"#).contains("256"));
        assert!(told(r#"{"command": "a", "output": "xml"}"#).contains("unknown variant `xml`"));
        let task = TaskDefinition::new(TaskId::new(), "a", "1", "process");
        assert!(ProcessDefinition::of(&task).unwrap_err().contains("process.json"));
    }

    #[test]
    fn exit_codes_must_say_one_thing() {
        assert_eq!(
            told(r#"{"command": "a", "success_codes": []}"#),
            "process.json: success_codes is []: at least one exit code is needed"
        );
        assert_eq!(
            told(r#"{"command": "a", "success_codes": [0, 3], "retry_codes": [75, 3]}"#),
            "process.json: retry_codes has 3: success_codes has it, too"
        );
    }

    #[test]
    fn a_wrong_template_is_named_with_its_place() {
        for (source, place) in [
            (r#"{"command": "a", "args": ["x", "{{ input"]}"#, "args[1]"),
            (r#"{"command": "a", "env": {"A": "{{ input"}}"#, "env.A"),
            (r#"{"command": "a", "stdin": "{{ input"}"#, "stdin"),
            (
                r#"{"command": "a", "args": ["{{ input | nonsense }}"]}"#,
                "args[0]",
            ),
        ] {
            let error = told(source);
            assert!(
                error.starts_with(&format!("process.json: template {place}, line 1")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_variable_that_is_the_server_s_or_says_what_is_loaded_is_refused() {
        for name in [
            "",
            "1A",
            "A=B",
            "A B",
            "PATH",
            "RATCHET_JOB_ID",
            "LD_PRELOAD",
            "BASH_ENV",
            "ENV",
        ] {
            let error = told(&format!(r#"{{"command": "a", "env": {{"{name}": "x"}}}}"#));
            assert!(
                error.starts_with(&format!("process.json: env has \"{name}\": ")),
                "{error}"
            );
        }
        assert!(read(r#"{"command": "a", "env": {"TZ": "Europe/Berlin", "_a1": ""}}"#).is_ok());
    }

    #[test]
    fn a_working_folder_is_an_absolute_path() {
        for folder in ["work", "/srv/../etc", ""] {
            let error = told(&format!(r#"{{"command": "a", "working_folder": "{folder}"}}"#));
            assert_eq!(
                error,
                format!("process.json: working_folder is \"{folder}\": an absolute path is allowed")
            );
        }
    }
}
