use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use ratchet_interfaces::{TaskError, TaskErrorKind};
use rustix::process::Signal;

use super::definition::ProcessDefinition;

/// What shells, `env` and their like exit with when they cannot run what they were told to.
const CANNOT_BE_RUN: i32 = 126;
const NOT_FOUND: i32 = 127;

/// Why a process that ended so has failed; `None` when it has not. `complaint` is the last thing that it said on
/// standard error.
pub(super) fn failure(
    definition: &ProcessDefinition,
    status: ExitStatus,
    complaint: Option<&str>,
) -> Option<TaskError> {
    let code = status.code();
    let is_in = |codes: &[u8]| codes.iter().any(|allowed| Some(i32::from(*allowed)) == code);
    if is_in(&definition.success_codes) {
        return None;
    }
    let mut message = described(status);
    if let Some(complaint) = complaint {
        message = format!("{message}: {complaint}");
    }
    let may_retry = definition.retry_codes.as_deref().map(is_in);
    Some(match (code, may_retry) {
        (_, Some(true)) => TaskError::failed(message),
        (Some(CANNOT_BE_RUN), _) => TaskError::of(TaskErrorKind::Permission, message),
        (Some(NOT_FOUND), _) => TaskError::of(TaskErrorKind::Definition, message),
        (Some(_), Some(false)) => TaskError::permanent(message),
        // A signal says nothing of what another try would bring.
        (Some(_) | None, _) => TaskError::failed(message),
    })
}

/// How a process ended, in words.
pub(super) fn described(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(CANNOT_BE_RUN), _) => {
            "exit code 126, by which a shell says that a command cannot be run".to_owned()
        }
        (Some(NOT_FOUND), _) => "exit code 127, by which a shell says that a command is not found".to_owned(),
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) if signal == Signal::KILL.as_raw() => {
            "killed by SIGKILL, which the system also sends when memory runs out".to_owned()
        }
        (None, Some(signal)) => match SIGNALS.iter().find(|(known, _)| known.as_raw() == signal) {
            Some((_, name)) => format!("killed by {name}"),
            None => format!("killed by signal {signal}"),
        },
        (None, None) => status.to_string(),
    }
}

const SIGNALS: [(Signal, &str); 16] = [
    (Signal::HUP, "SIGHUP"),
    (Signal::INT, "SIGINT"),
    (Signal::QUIT, "SIGQUIT"),
    (Signal::ILL, "SIGILL"),
    (Signal::TRAP, "SIGTRAP"),
    (Signal::ABORT, "SIGABRT"),
    (Signal::BUS, "SIGBUS"),
    (Signal::FPE, "SIGFPE"),
    (Signal::USR1, "SIGUSR1"),
    (Signal::SEGV, "SIGSEGV"),
    (Signal::USR2, "SIGUSR2"),
    (Signal::PIPE, "SIGPIPE"),
    (Signal::ALARM, "SIGALRM"),
    (Signal::TERM, "SIGTERM"),
    (Signal::XCPU, "SIGXCPU"),
    (Signal::XFSZ, "SIGXFSZ"),
];

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{TaskDefinition, TaskId};

    use super::*;

    fn definition(rest: &str) -> ProcessDefinition {
        let mut task = TaskDefinition::new(TaskId::new(), "a", "1", "process");
        task.source = Some(format!("{{\"command\": \"a\"{rest}}}"));
        ProcessDefinition::of(&task).unwrap()
    }

    fn exited(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn an_exit_code_is_success_or_a_failure_that_may_be_tried_again_or_not() {
        let plain = definition("");
        assert_eq!(failure(&plain, exited(0), Some("noise")), None);
        let oh = failure(&plain, exited(3), Some("oh")).unwrap();
        assert_eq!(oh, TaskError::failed("exit code 3: oh"));
        let chosen = definition(r#", "success_codes": [0, 3], "retry_codes": [75]"#);
        assert_eq!(failure(&chosen, exited(3), None), None);
        let told = |code| failure(&chosen, exited(code), None).unwrap();
        assert_eq!(told(75), TaskError::failed("exit code 75"));
        assert_eq!(told(1), TaskError::permanent("exit code 1"));
    }

    #[test]
    fn what_a_shell_cannot_find_or_run_is_the_definition_s_or_the_permissions_fault() {
        let told = |definition: &ProcessDefinition, code| failure(definition, exited(code), None).unwrap();
        assert_eq!(told(&definition(""), 127).kind, TaskErrorKind::Definition);
        assert_eq!(told(&definition(""), 126).kind, TaskErrorKind::Permission);
        let repeats = definition(r#", "retry_codes": [127]"#);
        assert!(told(&repeats, 127).retryable);
        assert_eq!(
            failure(&definition(r#", "success_codes": [127]"#), exited(127), None),
            None
        );
    }

    #[test]
    fn a_signal_is_named_and_may_be_tried_again() {
        let killed = |signal| {
            failure(
                &definition(r#", "retry_codes": [75]"#),
                ExitStatus::from_raw(signal),
                None,
            )
            .unwrap()
        };
        assert_eq!(killed(11), TaskError::failed("killed by SIGSEGV"));
        assert!(killed(9).message.starts_with("killed by SIGKILL, which"));
        assert_eq!(killed(40).message, "killed by signal 40");
    }
}
