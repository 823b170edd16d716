use rquickjs::{CatchResultExt as _, CaughtError, Ctx, Function, Value};

use super::sandbox::{FILE, Sandbox};

/// The text of a main.js, as a script that can be evaluated.
pub(super) struct Program<'a> {
    source: &'a str,
}

impl<'a> Program<'a> {
    pub(super) const fn new(source: &'a str) -> Self {
        Self { source }
    }

    /// Whether the text has this word anywhere. What is costly and never named is left out of a run's globals; a name
    /// that a task puts together while it runs is not found.
    pub(super) fn names(&self, word: &str) -> bool {
        self.source.contains(word)
    }

    /// Whether a `null` that was thrown may be the task's own. The engine throws it when it has no memory for an error.
    pub(super) fn throws_null(&self) -> bool {
        self.names("throw null") || self.names("reject(")
    }

    /// A function without a name is a statement only with something before it.
    fn is_anonymous_function(&self) -> bool {
        let text = after_comments(self.source);
        let text = match text.strip_prefix("async") {
            Some(rest) if rest.starts_with(char::is_whitespace) => after_comments(rest),
            _ => text,
        };
        text.strip_prefix("function").is_some_and(|rest| {
            let rest = after_comments(rest);
            let rest = rest.strip_prefix('*').map_or(rest, after_comments);
            rest.starts_with('(')
        })
    }

    fn prefix(&self) -> &'static str {
        if self.is_anonymous_function() { "0," } else { "" }
    }

    /// Evaluates the text and gives the function that it is, or defines; `None` when there is none.
    pub(super) fn main<'js>(&self, ctx: &Ctx<'js>) -> rquickjs::Result<Option<Function<'js>>> {
        let prefix = self.prefix();
        let script = [prefix, self.source].concat();
        let value: Value<'js> = ctx.eval_with_options(script, options())?;
        if self.names("main") {
            // A constant is no property of the global object, but a later script sees it.
            let named: Value<'js> =
                ctx.eval_with_options("typeof main === 'function' ? main : undefined", options())?;
            if let Some(main) = named.into_function() {
                return Ok(Some(main));
            }
        }
        Ok(value.into_function())
    }

    /// Places in main.js, as its author counts: what was put before the text is taken off.
    pub(super) fn relocate(&self, text: &str) -> String {
        relocate(text, self.prefix().len())
    }
}

pub(super) fn options() -> rquickjs::context::EvalOptions {
    let mut options = rquickjs::context::EvalOptions::default();
    options.strict = false;
    options.filename = Some(FILE.to_owned());
    options
}

/// What keeps the text from being compiled, with the place; nothing of it is run.
pub(super) fn syntax_error(source: &str) -> Option<String> {
    let program = Program::new(source);
    // The whole text is compiled before its first statement, which ends it.
    let prefix = if program.is_anonymous_function() {
        "throw 0;0,"
    } else {
        "throw 0;"
    };
    let sandbox = match Sandbox::for_checking() {
        Ok(sandbox) => sandbox,
        Err(error) => return Some(format!("it cannot be compiled: {error}")),
    };
    sandbox.context().with(|ctx| {
        let script = [prefix, source].concat();
        match ctx.eval_with_options::<(), _>(script, options()).catch(&ctx) {
            Ok(()) => None,
            Err(CaughtError::Value(value)) if value.as_int() == Some(0) => None,
            Err(CaughtError::Exception(error)) => {
                let message = error.message().unwrap_or_default();
                let stack = relocate(&error.stack().unwrap_or_default(), prefix.len());
                let place = stack
                    .lines()
                    .next()
                    .map(|line| line.trim().trim_start_matches("at "));
                Some(format!("{}: {message}", place.unwrap_or(FILE)))
            }
            Err(error) => Some(format!("{FILE}: it cannot be compiled: {error}")),
        }
    })
}

/// Takes `shift` off the columns of the first line.
fn relocate(text: &str, shift: usize) -> String {
    const FIRST: &str = "main.js:1:";
    if shift == 0 || !text.contains(FIRST) {
        return text.to_owned();
    }
    let mut parts = text.split(FIRST);
    let mut relocated = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (column, rest) = part.split_at(digits);
        let column = column
            .parse::<usize>()
            .map_or(1, |column| column.saturating_sub(shift).max(1));
        relocated.push_str(&format!("{FIRST}{column}{rest}"));
    }
    relocated
}

/// The text after white space and comments.
fn after_comments(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if let Some(comment) = text.strip_prefix("//") {
            text = comment.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(comment) = text.strip_prefix("/*") {
            text = comment.split_once("*/").map_or("", |(_, rest)| rest);
        } else {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_without_a_name_is_told_from_other_texts() {
        for source in [
            "function(input) {}",
            "  // why\n/* how */ function (input) {}",
            "async function(input) {}",
            "async /* a */ function\n(input) {}",
            "function*(input) {}",
        ] {
            assert!(Program::new(source).is_anonymous_function(), "{source}");
        }
        for source in [
            "function main() {}",
            "(function() {})",
            "async () => 1",
            "functional()",
            "async(1)",
            "",
            "//",
        ] {
            assert!(!Program::new(source).is_anonymous_function(), "{source}");
        }
    }

    #[test]
    fn every_form_of_a_main_js_passes_the_check_without_being_run() {
        for source in [
            "(function(input, context) { return 1; })",
            "(input, context) => input",
            "async (input) => { await 1; }",
            "function(input, context) { return 1; };",
            "async function(input) { return 1; }",
            "function main(input) { return 1; }",
            "const main = async (input) => { while (true) {} };",
            "'use strict'; let main = () => 1;",
            "while (true) {}",
            "throw new Error('at the top')",
        ] {
            assert_eq!(syntax_error(source), None, "{source}");
        }
    }

    #[test]
    fn a_syntax_error_has_its_line_and_column() {
        for (source, place) in [
            ("function main( {", "main.js:1:"),
            ("(input) => {\n  return input.;\n}", "main.js:2:16: "),
            ("function(input) { return input.; }", "main.js:1:32: "),
            ("(input) => input.;", "main.js:1:18: "),
            ("import fs from 'fs';\nfunction main() {}", "main.js:1:"),
            ("export function main() {}", "main.js:1:1: "),
        ] {
            let error = syntax_error(source).unwrap();
            assert!(error.starts_with(place), "{source}: {error}");
        }
        assert!(syntax_error("a\0b").is_some());
        assert!(
            syntax_error(&"(".repeat(100_000)).is_some(),
            "the parser's stack is bounded"
        );
    }
}
