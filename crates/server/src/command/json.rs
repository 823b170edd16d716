use std::io::Read;

use serde_json::Value;

use crate::cli::CliError;

/// How much of a wrong text is repeated.
const SHOWN: usize = 80;

/// JSON that was typed: as it is, or `@FILE`, or `@-` for standard input.
pub(crate) fn typed_json(flag: &str, text: &str) -> Result<Value, CliError> {
    let refused = |text: &str, rule: String| CliError::Usage(format!("{flag} is \"{text}\": {rule}"));
    let json = match text.strip_prefix('@') {
        None => text.to_owned(),
        Some("-") => {
            let mut read = String::new();
            std::io::stdin()
                .read_to_string(&mut read)
                .map_err(|error| refused(text, format!("standard input cannot be read: {error}")))?;
            read
        }
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| refused(text, format!("the file cannot be read: {error}")))?,
    };
    serde_json::from_str(&json).map_err(|error| {
        let begin: String = text.chars().take(SHOWN).collect();
        refused(
            &begin,
            format!("it is not JSON ({error}); allowed is JSON such as '{{\"name\": \"Ada\"}}', or @FILE"),
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_typed_or_read_from_a_file_and_what_is_wrong_names_the_flag() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("input.json");
        std::fs::write(&file, "[1]").unwrap();
        assert_eq!(typed_json("--input", "{\"a\": 1}").unwrap(), json!({"a": 1}));
        assert_eq!(
            typed_json("--input", &format!("@{}", file.display())).unwrap(),
            json!([1])
        );
        for wrong in ["{", "@no/such/file", ""] {
            let error = typed_json("--input", wrong).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--input is \"{wrong}\"")), "{error}");
        }
    }
}
