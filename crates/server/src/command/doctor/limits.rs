use super::finding::Finding;
use super::system;

const CHECK: &str = "open files";
/// What the server has open beside its jobs: the database, HTTP, watched folders, timers.
const OF_THE_SERVER: u64 = 128;

pub(super) fn examine(max_concurrent_jobs: u64) -> Finding {
    match system::open_files() {
        None => Finding::ok(CHECK, "this system has no such limit"),
        Some((_, maximum)) => judge(maximum, max_concurrent_jobs),
    }
}

/// The server raises its limit up to the maximum, and each job may have a connection or a pipe or some.
fn judge(maximum: Option<u64>, jobs: u64) -> Finding {
    let wanted = jobs + OF_THE_SERVER;
    match maximum {
        Some(maximum) if maximum < wanted => Finding::warning(
            CHECK,
            format!(
                "at most {maximum} can be open, and {jobs} jobs at once with a connection each need {wanted}"
            ),
            format!(
                "raise the limit (LimitNOFILE={wanted} of a systemd unit, `ulimit -Hn {wanted}` of a shell), or lower \
                 scheduler.max_concurrent_jobs"
            ),
        ),
        Some(maximum) => Finding::ok(CHECK, format!("up to {maximum}, enough for {jobs} jobs at once")),
        None => Finding::ok(CHECK, format!("no limit, enough for {jobs} jobs at once")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn each_job_needs_an_open_file() {
        assert_eq!(judge(Some(1_024), 100).verdict, Verdict::Ok);
        assert_eq!(judge(None, 10_000).verdict, Verdict::Ok);
        let finding = judge(Some(1_024), 1_000);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.advice.unwrap().contains("LimitNOFILE=1128"));
    }
}
