use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::finding::Finding;

const CLOCK: &str = "clock";
const JUMPS: &str = "clock jumps";
const SERVICE: &str = "time service";

/// How far wall and monotonic clock may run apart while they are watched; whoever slews a clock stays below.
const TOLERANCE: TimeDelta = TimeDelta::milliseconds(50);
/// How far in the future a file may have been written: disks of other machines have clocks of their own.
const FUTURE: TimeDelta = TimeDelta::seconds(5);
/// When this program was made, or a little before: no right clock is earlier.
const EARLIEST: &str = "2026-11-24T00:00:00Z";

/// Both clocks at one instant.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    wall: DateTime<Utc>,
    monotonic: Instant,
}

impl Reading {
    pub(super) fn now() -> Self {
        Self {
            wall: Utc::now(),
            monotonic: Instant::now(),
        }
    }
}

/// `database` is a file that a server writes to.
pub(super) fn examine(before: Reading, after: Reading, root: &Path, database: Option<&Path>) -> Vec<Finding> {
    let watched = after.monotonic.duration_since(before.monotonic);
    let written = database
        .and_then(|file| fs::metadata(file).and_then(|data| data.modified()).ok())
        .map(DateTime::<Utc>::from);
    vec![
        judge_time(after.wall),
        judge_jumps(after.wall - before.wall, watched, after.wall, written),
        judge_service(&service(root)),
    ]
}

fn judge_time(now: DateTime<Utc>) -> Finding {
    let told = now.to_rfc3339_opts(SecondsFormat::Secs, true);
    match EARLIEST.parse::<DateTime<Utc>>() {
        Ok(earliest) if now < earliest => Finding::error(
            CLOCK,
            format!("it shows {told}, which is before this version of Ratchet existed"),
            "set the clock: every tick would be at the wrong time",
        ),
        _ => Finding::ok(CLOCK, told),
    }
}

fn judge_jumps(
    wall: TimeDelta,
    monotonic: Duration,
    now: DateTime<Utc>,
    written: Option<DateTime<Utc>>,
) -> Finding {
    let watched = TimeDelta::from_std(monotonic).unwrap_or(TimeDelta::MAX);
    let jump = wall - watched;
    if jump.abs() > TOLERANCE {
        return Finding::warning(
            JUMPS,
            format!(
                "it was set by {} ms while it was watched for {} ms",
                jump.num_milliseconds(),
                watched.num_milliseconds()
            ),
            "let one service set the clock, slowly; no tick fires twice, and the misfire policy decides on those that \
             were jumped over",
        );
    }
    if let Some(ahead) = written
        .map(|written| written - now)
        .filter(|ahead| *ahead > FUTURE)
    {
        return Finding::warning(
            JUMPS,
            format!(
                "the database was written {} s in the future: the clock was set back, or is wrong",
                ahead.num_seconds()
            ),
            "see that the clock is right; until it is as late as it was, no tick fires that has fired already",
        );
    }
    Finding::ok(
        JUMPS,
        format!(
            "none in {} ms; wall and monotonic clock differ by {} ms",
            watched.num_milliseconds(),
            jump.num_milliseconds().abs()
        ),
    )
}

/// What can be told of who sets the clock.
#[derive(Debug, PartialEq, Eq)]
enum Service {
    /// systemd-timesyncd, and whether it has set the clock since the system began.
    Timesyncd {
        has_synchronized: bool,
    },
    /// Another one that runs.
    Daemon(&'static str),
    /// A container has the clock of its host, who is not seen from within.
    OfTheHost,
    NotSeen,
}

fn service(root: &Path) -> Service {
    const DAEMONS: [(&str, &str); 6] = [
        ("run/chrony/chronyd.pid", "chronyd"),
        ("run/chronyd.pid", "chronyd"),
        ("run/ntpd.pid", "ntpd"),
        ("run/ntp.pid", "ntpd"),
        ("run/openntpd.pid", "openntpd"),
        ("run/ptp4l.pid", "ptp4l"),
    ];
    let runs = |pid_file: &str| {
        let pid = fs::read_to_string(root.join(pid_file)).unwrap_or_default();
        let pid = pid.trim();
        !pid.is_empty() && root.join("proc").join(pid).exists()
    };
    if let Some((_, name)) = DAEMONS.iter().find(|(pid_file, _)| runs(pid_file)) {
        return Service::Daemon(name);
    }
    let timesyncd = root.join("run/systemd/timesync");
    if timesyncd.is_dir() {
        return Service::Timesyncd {
            has_synchronized: timesyncd.join("synchronized").exists(),
        };
    }
    let is_container = [".dockerenv", "run/.containerenv", "run/systemd/container"]
        .iter()
        .any(|mark| root.join(mark).exists());
    if is_container {
        Service::OfTheHost
    } else {
        Service::NotSeen
    }
}

fn judge_service(service: &Service) -> Finding {
    match service {
        Service::Timesyncd {
            has_synchronized: true,
        } => Finding::ok(SERVICE, "systemd-timesyncd has synchronized the clock"),
        Service::Timesyncd {
            has_synchronized: false,
        } => Finding::warning(
            SERVICE,
            "systemd-timesyncd has not synchronized the clock since the system began",
            "`timedatectl timesync-status` says why",
        ),
        Service::Daemon(name) => Finding::ok(SERVICE, format!("{name} runs; how well, it says itself")),
        Service::OfTheHost => Finding::ok(SERVICE, "that of the host, which cannot be seen from a container"),
        Service::NotSeen => Finding::warning(
            SERVICE,
            "none was found that keeps the clock right",
            "see that one does (systemd-timesyncd, chrony, ntpd, or the machine's host): ticks are as right as the clock",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    fn jumps(wall_ms: i64, written_ahead: Option<i64>) -> Finding {
        let now = Utc::now();
        let written = written_ahead.map(|seconds| now + TimeDelta::seconds(seconds));
        judge_jumps(
            TimeDelta::milliseconds(wall_ms),
            Duration::from_millis(1_000),
            now,
            written,
        )
    }

    #[test]
    fn a_clock_that_was_set_while_it_was_watched_is_a_warning() {
        assert_eq!(jumps(1_010, None).verdict, Verdict::Ok);
        assert_eq!(jumps(1_200, None).verdict, Verdict::Warning);
        let back = jumps(-5_000, None);
        assert_eq!(back.verdict, Verdict::Warning);
        assert!(back.message.contains("by -6000 ms"), "{}", back.message);
    }

    #[test]
    fn a_database_that_was_written_in_the_future_tells_that_the_clock_was_set_back() {
        assert_eq!(jumps(1_000, Some(-60)).verdict, Verdict::Ok);
        assert_eq!(jumps(1_000, Some(1)).verdict, Verdict::Ok);
        assert_eq!(jumps(1_000, Some(3_600)).verdict, Verdict::Warning);
    }

    #[test]
    fn a_clock_before_this_version_existed_is_an_error() {
        assert_eq!(judge_time(DateTime::UNIX_EPOCH).verdict, Verdict::Error);
        let later: DateTime<Utc> = "2030-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(judge_time(later).verdict, Verdict::Ok);
    }

    #[test]
    fn who_sets_the_clock_is_told_from_what_it_leaves_on_the_disk() {
        let root = tempfile::tempdir().unwrap();
        let path = |part: &str| root.path().join(part);
        assert_eq!(service(root.path()), Service::NotSeen);
        fs::write(path(".dockerenv"), "").unwrap();
        assert_eq!(service(root.path()), Service::OfTheHost);
        fs::create_dir_all(path("run/systemd/timesync")).unwrap();
        assert_eq!(
            service(root.path()),
            Service::Timesyncd {
                has_synchronized: false
            }
        );
        fs::write(path("run/systemd/timesync/synchronized"), "").unwrap();
        assert_eq!(
            service(root.path()),
            Service::Timesyncd {
                has_synchronized: true
            }
        );
        fs::create_dir_all(path("run/chrony")).unwrap();
        fs::write(path("run/chrony/chronyd.pid"), "77\n").unwrap();
        assert_eq!(
            service(root.path()),
            Service::Timesyncd {
                has_synchronized: true
            }
        );
        fs::create_dir_all(path("proc/77")).unwrap();
        assert_eq!(service(root.path()), Service::Daemon("chronyd"));
    }

    #[test]
    fn only_a_clock_that_nobody_keeps_right_is_a_warning() {
        assert_eq!(judge_service(&Service::NotSeen).verdict, Verdict::Warning);
        let waits = Service::Timesyncd {
            has_synchronized: false,
        };
        assert_eq!(judge_service(&waits).verdict, Verdict::Warning);
        assert_eq!(judge_service(&Service::OfTheHost).verdict, Verdict::Ok);
        assert_eq!(judge_service(&Service::Daemon("chronyd")).verdict, Verdict::Ok);
    }
}
