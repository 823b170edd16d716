use std::fmt::Write;

use serde_json::{Value, json};

use crate::command::paint::Paint;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Ok,
    /// Something that may do harm.
    Warning,
    /// Something with which a server does not start, or does not do what it should.
    Error,
}

/// What was found, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What was looked at, in a word or some.
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    pub(super) message: String,
    pub(super) advice: Option<String>,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Finding {
    pub(super) fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Ok,
            message: message.into(),
            advice: None,
        }
    }

    pub(super) fn warning(
        check: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            check,
            verdict: Verdict::Warning,
            message: message.into(),
            advice: Some(advice.into()),
        }
    }

    pub(super) fn error(check: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Error,
            ..Self::warning(check, message, advice)
        }
    }
}

/// The worst of all.
fn worst(findings: &[Finding]) -> Verdict {
    let verdicts = findings.iter().map(|finding| finding.verdict);
    verdicts.max().unwrap_or(Verdict::Ok)
}

/// A line for each, and one below it that says what to do.
pub(super) fn as_text(findings: &[Finding], paint: Paint) -> String {
    let width = findings
        .iter()
        .map(|finding| finding.check.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for Finding {
        check,
        verdict,
        message,
        advice,
    } in findings
    {
        let name = format!("{:<7}", verdict.name());
        let name = match verdict {
            Verdict::Ok => paint.good(&name),
            Verdict::Warning => paint.doubtful(&name),
            Verdict::Error => paint.bad(&name),
        };
        let indent = " ".repeat(7 + 1 + width + 1);
        let message = message.replace('\n', &format!("\n{indent}"));
        let _ = writeln!(text, "{name} {check:<width$} {message}");
        if let Some(advice) = advice {
            let _ = writeln!(text, "{indent}{}", paint.faint(&format!("-> {advice}")));
        }
    }
    text
}

/// `{"worst": …, "checks": […]}`
pub(super) fn as_json(findings: &[Finding]) -> String {
    let checks: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "check": finding.check,
                "verdict": finding.verdict.name(),
                "message": finding.message,
                "advice": finding.advice,
            })
        })
        .collect();
    format!(
        "{:#}\n",
        json!({"worst": worst(findings).name(), "checks": checks})
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_is_a_line_and_what_to_do_stands_below_it() {
        let file = tempfile::tempfile().unwrap();
        let findings = [
            Finding::ok("clock", "it is right"),
            Finding::error("time zones", "one\ntwo", "do that"),
        ];
        assert_eq!(
            as_text(&findings, Paint::of(&file)),
            "ok      clock      it is right\n\
             error   time zones one\n                   two\n                   -> do that\n"
        );
        let json: Value = serde_json::from_str(&as_json(&findings)).unwrap();
        assert_eq!(json["worst"], "error");
        assert_eq!(json["checks"][0]["advice"], Value::Null);
        assert_eq!(json["checks"][1]["check"], "time zones");
    }

    #[test]
    fn the_worst_finding_is_the_answer() {
        assert_eq!(worst(&[]), Verdict::Ok);
        let (ok, warning) = (Finding::ok("a", "b"), Finding::warning("a", "b", "c"));
        assert_eq!(worst(&[warning, ok]), Verdict::Warning);
    }
}
