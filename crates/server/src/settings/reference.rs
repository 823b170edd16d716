use std::fmt::Write;

use super::sources::{DEFAULT_FILE, FILE_VARIABLE};
use super::table::{SECTIONS, Section};
use super::{Declaration, Settings};

/// The reference of all settings, in Markdown: the file `docs/configuration.md`.
pub(crate) fn reference() -> String {
    let defaults = Settings::default();
    let mut text = format!(
        "# Configuration

<!-- Written by `ratchet config reference`: change crates/server/src/settings/table.rs instead, and write it anew. -->

Nothing has to be set. What is, stands in a file, in the environment, or in flags; of a key that is set twice, the flag
counts before the variable, and the variable before the file. The file is `{DEFAULT_FILE}` in the working folder, or the one
that `--config` or `{FILE_VARIABLE}` names.

```sh
ratchet config check            # every mistake at once, each with its place and what is allowed
ratchet config print            # what holds, and where each value comes from
ratchet config print -o json    # the same for programs; yaml as well
```

Types are strict: `enabled = 1` and `RATCHET_SCHEDULER_ENABLED=yes` are refused. A list is `[\"rsync\", \"/bin/date\"]` in the
file and `rsync, /bin/date` in a variable. An unknown key is an error, and so is an unknown variable that begins with
`RATCHET_` (`RATCHET_BIN` and `RATCHET_TEST_…` aside, which belong to the tests): the nearest known one is named.
"
    );
    for Section {
        name,
        about,
        settings,
    } in SECTIONS
    {
        let _ = write!(text, "\n## `[{name}]`\n\n{about}\n");
        for declaration in *settings {
            text.push_str(&entry(declaration, &defaults));
        }
    }
    text
}

fn entry(declaration: &Declaration, defaults: &Settings) -> String {
    let Declaration {
        key,
        about,
        flag,
        unit,
        range,
        zero,
        ..
    } = declaration;
    let mut kind = (declaration.get)(defaults).kind().to_owned();
    match (declaration.range_in_words(), unit, zero) {
        (Some(range), ..) => {
            let _ = write!(kind, ", {range}");
        }
        (None, Some(unit), _) => {
            let _ = write!(kind, " of {unit}");
        }
        (None, None, _) => {}
    }
    if let (None, Some(meaning)) = (range, zero) {
        let _ = write!(kind, "; 0 is {meaning}");
    }
    let default = match declaration.default_in_words(defaults) {
        Ok(value) => format!("`{value}`"),
        Err(words) => words.to_owned(),
    };
    let flag = flag.as_ref().map_or_else(String::new, |flag| {
        format!("- flag: `{} {}`\n", flag.name, flag.value_name)
    });
    format!(
        "\n### `{key}`\n\n{about}\n\n- type: {kind}\n- default: {default}\n- variable: `{}`\n{flag}",
        declaration.variable()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_in_the_documentation_is_what_the_table_says() {
        let committed = include_str!("../../../../docs/configuration.md");
        assert!(
            committed == reference(),
            "docs/configuration.md is not what the table of settings says; write it anew: \
             cargo run -q -- config reference >docs/configuration.md"
        );
    }

    #[test]
    fn a_setting_is_described_with_type_range_default_variable_and_flag() {
        let reference = reference();
        for part in [
            "### `scheduler.max_concurrent_jobs`\n\nHow many jobs run at once.\n\n- type: whole number, 1 to 10000 jobs\n\
             - default: `100`\n- variable: `RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS`\n- flag: `--max-concurrent-jobs N`\n",
            "- type: whole number, 0 (for ever) to 36500 days\n- default: `90`\n",
            "- type: whole number of jobs; 0 is no limit\n",
            "- type: path\n- default: `tasks` in the working folder, if there is one\n",
        ] {
            assert!(reference.contains(part), "{part}\n{reference}");
        }
    }
}
