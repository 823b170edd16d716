/// What is enough for ten thousand jobs at once with some connections each. More is of no use, and the processes of tasks
/// inherit the limit: some programs close every number below it when they start.
const ENOUGH: u64 = 65_536;

/// Lets this process have as many open files as the system lets it ask for. The limit that processes begin with is 1024 on
/// most systems, for the sake of programs that use `select`, and a thousand jobs with a connection each are more.
#[cfg(unix)]
pub(crate) fn raise_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(ENOUGH, |most| most.min(ENOUGH));
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    limit.current = Some(wanted);
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, wanted, "the limit on open files cannot be raised");
    }
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub(crate) const fn raise_limit() {}
