use std::fmt;
use std::time::{Duration, Instant};

use crate::error::Error;

/// What a chore does, step by step, and how long each step took.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
}

struct Step {
    name: &'static str,
    took: Duration,
    failed: bool,
}

impl Steps {
    /// Announces a step, does it and notes how it went.
    pub(crate) fn step<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        eprintln!("==> {name}");
        let begun = Instant::now();
        let outcome = work();
        self.done.push(Step {
            name,
            took: begun.elapsed(),
            failed: outcome.is_err(),
        });
        outcome
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.done {
            let failed = if step.failed { " (failed)" } else { "" };
            write!(f, "{} {:.1} s{failed}, ", step.name, step.took.as_secs_f64())?;
        }
        let total: Duration = self.done.iter().map(|step| step.took).sum();
        write!(f, "together {:.1} s", total.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_the_step_that_failed() {
        let step = |name, failed| Step {
            name,
            took: Duration::from_millis(1_250),
            failed,
        };
        let steps = Steps {
            done: vec![step("build", false), step("tests", true)],
        };
        assert_eq!(
            steps.to_string(),
            "build 1.2 s, tests 1.2 s (failed), together 2.5 s"
        );
    }
}
