use std::fmt;

use tracing_subscriber::EnvFilter;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// How much is logged: one of `off`, `error`, `warn`, `info`, `debug`, `trace`, or directives such as
/// `info,ratchet_scheduler=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl LogFilter {
    /// The filter, or what would be allowed. The library below would take any word that is no level for the name of
    /// a target, log everything of it, and nothing else.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        for directive in text.split(',') {
            let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
            if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
                return Err(format!(
                    "\"{level}\" is no level; allowed are {}, and directives target=level with commas between",
                    LEVELS.join(", ")
                ));
            }
        }
        match EnvFilter::builder().parse(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(format!(
                "allowed are a level, and directives target=level with commas between ({error})"
            )),
        }
    }

    /// The filter in the library's own form.
    pub(crate) fn to_env_filter(&self) -> EnvFilter {
        // It was parsed before, and strictly; this form cannot be kept because it cannot be compared or copied.
        EnvFilter::builder().parse_lossy(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_are_accepted() {
        for text in [
            "off",
            "error",
            "WARN",
            "info,ratchet_scheduler=debug",
            "ratchet_scheduler::firing=trace",
        ] {
            assert_eq!(LogFilter::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_word_that_is_no_level_is_refused() {
        for text in [
            "verbose",
            "",
            "5",
            "info,",
            "info,ratchet_scheduler",
            "a=loud",
            "=info,a b=info",
        ] {
            assert!(LogFilter::parse(text).is_err(), "{text}");
        }
        let rule = LogFilter::parse("info,ratchet_storage=verbose").unwrap_err();
        assert!(
            rule.starts_with("\"verbose\" is no level") && rule.contains("trace"),
            "{rule}"
        );
    }
}
