use ratchet_interfaces::JobResult;
use ratchet_template::{Template, TemplateError};

/// What errors call the template of a path.
const TEMPLATE: &str = "filesystem.path";

/// The longest path, in characters, before and after the template is rendered.
const MAX_LENGTH: usize = 4_096;

/// The path of a file below the output folder, which may be a template.
///
/// The folders are the template's. What a value has in place of a separator becomes `_`, so that a task cannot choose the
/// folder by what it returns; and a part that is `..`, from wherever, is refused.
pub(crate) struct FilePath(Template);

/// A path that is not one below the output folder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilePathError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("filesystem.path is \"{path}\": {rule}")]
    Rule { path: String, rule: &'static str },
}

impl FilePath {
    pub(crate) fn parse(text: &str) -> Result<Self, FilePathError> {
        let template = Template::parse(TEMPLATE, text)?;
        check(text, &without_expressions(text))?;
        Ok(Self(template.writing(as_part)))
    }

    /// The parts of the path of a result, the file's name the last of them. There is one at least.
    pub(crate) fn render(&self, result: &JobResult) -> Result<Vec<String>, FilePathError> {
        let path = self.0.render(result)?;
        check(&path, &path)?;
        Ok(path.split('/').map(str::to_owned).collect())
    }
}

/// A value as a part of a path, or a part of one.
fn as_part(value: &str) -> String {
    let is_separator = |character: char| matches!(character, '/' | '\\') || character.is_control();
    value.replace(is_separator, "_")
}

/// The text with a letter for each expression and statement.
fn without_expressions(text: &str) -> String {
    let mut rest = text;
    let mut literal = String::with_capacity(text.len());
    while let Some(begin) = ["{{", "{%", "{#"].iter().filter_map(|mark| rest.find(mark)).min() {
        literal.push_str(&rest[..begin]);
        let end = match &rest[begin..begin + 2] {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        literal.push('x');
        rest = rest[begin..].split_once(end).map_or("", |(_, after)| after);
    }
    literal + rest
}

/// `shown` is the path as the error shows it, `path` what is checked.
fn check(shown: &str, path: &str) -> Result<(), FilePathError> {
    let broken = |rule| FilePathError::Rule {
        path: shown.chars().take(200).flat_map(char::escape_debug).collect(),
        rule,
    };
    let is_drive = |part: &str| part.len() == 2 && part.ends_with(':');
    if shown.chars().count() > MAX_LENGTH {
        return Err(broken("4096 characters are allowed"));
    }
    if path.contains('\\') || path.chars().any(char::is_control) {
        return Err(broken("no backslash and no control character is allowed"));
    }
    if path.starts_with('/') || path.split('/').next().is_some_and(is_drive) {
        return Err(broken("it must be relative to the output folder"));
    }
    for part in path.split('/') {
        match part {
            "" => {
                return Err(broken(
                    "each part must have a name, and the last is that of a file",
                ));
            }
            "." | ".." => {
                return Err(broken(
                    "\".\" and \"..\" are not allowed: it stays below the output folder",
                ));
            }
            part if part.len() > 255 => return Err(broken("a part has 255 bytes at the most")),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use ratchet_interfaces::{ExecutionId, JobId};
    use serde_json::{Value, json};

    use super::*;

    fn rendered(path: &str, output: Value) -> Result<String, String> {
        let tick: DateTime<Utc> = "2026-11-24T06:00:00Z".parse().unwrap();
        let result = JobResult {
            task: Some("report".to_owned()),
            tick: Some(tick),
            ..JobResult::completed(JobId::new(), ExecutionId::new(), output, tick)
        };
        FilePath::parse(path)
            .and_then(|path| path.render(&result))
            .map(|parts| parts.join("/"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_path_is_rendered_over_the_result() {
        for (path, expected) in [
            ("a.json", "a.json"),
            (
                "reports/{{ task }}/{{ tick | date('%Y-%m-%d') }}.json",
                "reports/report/2026-11-24.json",
            ),
            ("{{ tick }}.json", "2026-11-24T06:00:00Z.json"),
            ("{{ output.id }}/..a/b..", "7/..a/b.."),
            (
                "{# a/../b #}{% if output.id > 3 %}big{% else %}small{% endif %}",
                "big",
            ),
        ] {
            assert_eq!(rendered(path, json!({"id": 7})).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_value_cannot_choose_the_folder() {
        for (value, expected) in [
            ("../../etc/passwd", "out/.._.._etc_passwd.json"),
            ("/etc/passwd", "out/_etc_passwd.json"),
            ("..\\..\\x", "out/.._.._x.json"),
            ("a\0b\nc", "out/a_b_c.json"),
        ] {
            assert_eq!(
                rendered("out/{{ output }}.json", json!(value)).as_deref(),
                Ok(expected)
            );
        }
        for (path, value) in [
            ("out/{{ output }}/x", ".."),
            ("out/.{{ output }}/x", "."),
            ("{{ output }}", ".."),
            ("out/{{ output }}", ""),
            ("out/{{ output }}/x", ""),
            ("{{ output }}/x", ""),
        ] {
            let error = rendered(path, json!(value)).unwrap_err();
            assert!(error.starts_with("filesystem.path is \""), "{error}");
        }
        let long = rendered("{{ output }}", json!("x".repeat(256))).unwrap_err();
        assert!(long.ends_with("a part has 255 bytes at the most"), "{long}");
        let list = rendered("{{ output }}", json!(["a"])).unwrap_err();
        assert!(
            list.starts_with("template filesystem.path, line 1, column 4: "),
            "{list}"
        );
    }

    #[test]
    fn a_path_that_leads_out_is_refused_before_anything_is_rendered() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../x",
            "a/..",
            "..",
            ".",
            "a//b",
            "a/",
            "{{ task }}/../x",
            "C:/x",
            "a\\b",
            "a\0b",
            "a\nb",
            "/{{ task }}",
            "{{ task }}//x",
        ] {
            let error = FilePath::parse(path).err().unwrap().to_string();
            assert!(error.starts_with("filesystem.path is \""), "{path}: {error}");
        }
        let long = "x/".repeat(2_048) + "x";
        assert!(FilePath::parse(&long).is_err());
        let error = FilePath::parse("{{ a").err().unwrap().to_string();
        assert!(error.starts_with("template filesystem.path, line 1"), "{error}");
    }
}
