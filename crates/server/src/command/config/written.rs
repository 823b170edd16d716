//! The settings that hold, in each form.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::settings::{Declaration, Reading, SECTIONS, Section};

/// As a settings file; what is not set stands there as a comment.
pub(super) fn toml(reading: &Reading) -> String {
    let mut text = String::new();
    for Section { name, settings, .. } in SECTIONS {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}[{name}]");
        for declaration in *settings {
            let (name, origin) = (declaration.name(), reading.origin(declaration.key));
            let _ = match (declaration.get)(&reading.settings).shown() {
                Some(value) => writeln!(text, "{name} = {value}  # {}", in_a_line(origin)),
                None => writeln!(text, "# {name}: {}", declaration.unset),
            };
        }
    }
    text
}

/// As JSON, of which every scalar and list is YAML as well.
pub(super) fn yaml(reading: &Reading) -> String {
    let mut text = String::new();
    for Section { name, settings, .. } in SECTIONS {
        let _ = writeln!(text, "{name}:");
        for declaration in *settings {
            let (name, origin) = (declaration.name(), reading.origin(declaration.key));
            let _ = writeln!(
                text,
                "  {name}: {}  # {}",
                value(declaration, reading),
                in_a_line(origin)
            );
        }
    }
    text
}

/// An object for each section, in which each key has its value and its source.
pub(super) fn json(reading: &Reading) -> String {
    let sections: Map<String, Value> = SECTIONS
        .iter()
        .map(|section| {
            let settings = section.settings.iter().map(|declaration| {
                let told = json!({
                    "value": value(declaration, reading),
                    "source": reading.origin(declaration.key),
                });
                (declaration.name().to_owned(), told)
            });
            (section.name.to_owned(), settings.collect())
        })
        .collect();
    format!("{:#}\n", Value::Object(sections))
}

fn value(declaration: &Declaration, reading: &Reading) -> Value {
    (declaration.get)(&reading.settings)
        .shown()
        .map_or(Value::Null, |value| json!(value))
}

/// A comment ends with its line, and the name of a file may have several.
fn in_a_line(text: &str) -> String {
    text.replace(|character: char| character.is_control(), "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Settings, SettingsSources};

    fn sources() -> SettingsSources {
        SettingsSources::new()
            .with_environment([(
                "RATCHET_PROCESS_ALLOWED_COMMANDS".into(),
                "rsync, /bin/date".into(),
            )])
            .with_flag(
                "--database",
                "database.url",
                Some("postgres://me:secret@db/jobs?sslmode=require"),
            )
    }

    #[test]
    fn each_value_has_its_source_and_a_password_is_masked() {
        let reading = Reading::of(sources());
        let toml = toml(&reading);
        for line in [
            "[server]\nbind = \"127.0.0.1:8080\"  # default",
            "url = \"postgres://me:***@db/jobs?sslmode=require\"  # flag --database",
            "allowed_commands = [\"rsync\", \"/bin/date\"]  # environment variable RATCHET_PROCESS_ALLOWED_COMMANDS",
            "[tasks]\n# folder: `tasks` in the working folder, if there is one",
        ] {
            assert!(toml.contains(line), "{line}\n{toml}");
        }
        let yaml = yaml(&reading);
        assert!(
            yaml.contains("database:\n  url: \"postgres://me:***@db"),
            "{yaml}"
        );
        assert!(
            yaml.contains("tasks:\n  folder: null  # default\n  watch: true  # default\n"),
            "{yaml}"
        );
        let json: Value = serde_json::from_str(&json(&reading)).unwrap();
        assert_eq!(json["process"]["allowed_commands"]["value"][1], "/bin/date");
        assert_eq!(json["database"]["url"]["source"], "flag --database");
        assert!(
            ![toml, yaml, json.to_string()]
                .iter()
                .any(|text| text.contains("secret"))
        );
    }

    #[test]
    fn what_is_printed_as_toml_is_a_file_of_the_same_settings() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ratchet.toml");
        let sources = SettingsSources::new().with_flag("--bind", "server.bind", Some("[::1]:80"));
        let reading = Reading::of(sources);
        std::fs::write(&file, toml(&reading)).unwrap();
        let again = Settings::load(SettingsSources::new().with_file(Some(&file))).unwrap();
        assert_eq!(again, reading.settings);
    }
}
