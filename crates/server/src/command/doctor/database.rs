use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::with_causes;
use ratchet_storage::{DatabaseUrl, Examination, Findings, MigrationError, MigrationState};

use super::finding::Finding;
use super::folders::{in_words, space};
use super::system;

const DATABASE: &str = "database";
const SCHEMA: &str = "tables";
const INTEGRITY: &str = "integrity";
const DURABILITY: &str = "durability";
const PERMISSIONS: &str = "database folder";
const CONNECTIONS: &str = "connections";
const CLOCK: &str = "database's clock";

/// How far the clock of a PostgreSQL server may be off.
const TOLERANCE: TimeDelta = TimeDelta::seconds(1);
/// The oldest PostgreSQL that Ratchet is tested with.
const OLDEST_POSTGRES: i32 = 150_000;

pub(super) async fn examine(url: &DatabaseUrl) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(file) = url.file() {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        findings.push(permissions(file, folder));
        if folder.is_dir() {
            findings.push(space("database's disk", folder));
        }
        if !file.exists() {
            findings.push(Finding::warning(
                DATABASE,
                format!("{url} does not exist yet"),
                "`ratchet serve` and `ratchet migrate up` make it; if it should exist, see that database.url and the \
                 working folder are right",
            ));
            return findings;
        }
    }
    let before = Utc::now();
    match Examination::of(url).await {
        Ok(examination) => findings.extend(judge(url, &examination, before, Utc::now())),
        Err(error) => findings.push(Finding::error(
            DATABASE,
            with_causes(&error),
            "see that database.url is right and the database runs; a damaged file is replaced by a backup",
        )),
    }
    findings
}

fn permissions(file: &Path, folder: &Path) -> Finding {
    let advice = "let the user of this process write the folder and the files of the database in it (chown)";
    let folder_shown = folder.display();
    if !folder.is_dir() {
        return Finding::error(
            PERMISSIONS,
            format!("{folder_shown} does not exist, or is no folder"),
            "make it, or set database.url to another place",
        );
    }
    if let Err(error) = system::may_write(folder) {
        return Finding::error(
            PERMISSIONS,
            format!("{folder_shown} cannot be written to: {error}"),
            advice,
        );
    }
    match system::may_write(file) {
        Err(error) if file.exists() => Finding::error(
            PERMISSIONS,
            format!("{} cannot be written to: {error}", file.display()),
            advice,
        ),
        Ok(()) | Err(_) => Finding::ok(PERMISSIONS, format!("{folder_shown} can be written to")),
    }
}

fn judge(
    url: &DatabaseUrl,
    examination: &Examination,
    before: DateTime<Utc>,
    after: DateTime<Utc>,
) -> Vec<Finding> {
    let Examination {
        version,
        migrations,
        findings,
    } = examination;
    let mut judged = Vec::new();
    match findings {
        Findings::Sqlite {
            has_log,
            bytes,
            damages,
        } => {
            judged.push(Finding::ok(
                DATABASE,
                format!("{url}, {}, {version}", in_words(*bytes)),
            ));
            judged.push(judge_damages(damages));
            judged.push(judge_journal(*has_log));
        }
        Findings::Postgres {
            version_number,
            fsync,
            synchronous_commit,
            in_recovery,
            max_connections,
            connections,
            wanted_connections,
            clock_micros,
        } => {
            judged.push(judge_server(url, version, *version_number, *in_recovery));
            judged.push(judge_commits(*fsync, synchronous_commit));
            judged.push(judge_connections(
                i64::from(*max_connections),
                *connections,
                i64::from(*wanted_connections),
            ));
            judged.push(judge_clock(*clock_micros, before, after));
        }
    }
    judged.insert(1, judge_migrations(migrations));
    judged
}

fn judge_migrations(migrations: &Result<Vec<MigrationState>, MigrationError>) -> Finding {
    let states = match migrations {
        Ok(states) => states,
        Err(error) => {
            return Finding::error(
                SCHEMA,
                with_causes(error),
                "a database that a newer Ratchet has migrated needs that Ratchet, or a backup from before",
            );
        }
    };
    let pending = states.iter().filter(|state| !state.applied).count();
    match states.iter().rfind(|state| state.applied) {
        Some(newest) if pending == 0 => Finding::ok(SCHEMA, format!("at {}, the newest", newest.name)),
        newest => Finding::warning(
            SCHEMA,
            format!(
                "at {}; pending: {pending}",
                newest.map_or("none", |state| state.name.as_str())
            ),
            "`ratchet serve` applies them at its start, `ratchet migrate up` does it now; make a backup before",
        ),
    }
}

fn judge_damages(damages: &[String]) -> Finding {
    if damages.is_empty() {
        return Finding::ok(INTEGRITY, "quick_check has found nothing");
    }
    Finding::error(
        INTEGRITY,
        format!("the file is damaged:\n{}", damages.join("\n")),
        "stop the server, copy all files of the database, and go back to a backup; `.recover` of the program sqlite3 saves \
         what can be read",
    )
}

fn judge_journal(has_log: bool) -> Finding {
    if has_log {
        return Finding::ok(
            DURABILITY,
            "write-ahead log; each commit of a server waits for the disk (synchronous=FULL)",
        );
    }
    Finding::warning(
        DURABILITY,
        "the file has no write-ahead log",
        "start the server, which sets journal_mode=wal; if this comes back, another program writes to the file: none \
         should",
    )
}

fn judge_server(url: &DatabaseUrl, version: &str, number: i32, in_recovery: bool) -> Finding {
    let told = format!("{url}, {version}");
    if in_recovery {
        return Finding::error(
            DATABASE,
            format!("{told}: a standby that only reads"),
            "set database.url to the primary",
        );
    }
    if number < OLDEST_POSTGRES {
        return Finding::error(
            DATABASE,
            told,
            "PostgreSQL 15 or newer is needed: upgrade the server",
        );
    }
    Finding::ok(DATABASE, told)
}

fn judge_commits(fsync: bool, synchronous_commit: &str) -> Finding {
    let told = format!(
        "fsync is {}, synchronous_commit is {synchronous_commit}",
        if fsync { "on" } else { "off" }
    );
    if !fsync {
        return Finding::error(
            DURABILITY,
            told,
            "set fsync = on in postgresql.conf: a power failure destroys the database otherwise",
        );
    }
    if synchronous_commit == "off" {
        return Finding::warning(
            DURABILITY,
            told,
            "set synchronous_commit = on: the last committed ticks and jobs are lost in a crash of the database otherwise, \
             and may run twice",
        );
    }
    Finding::ok(DURABILITY, told)
}

fn judge_connections(most: i64, taken: i64, wanted: i64) -> Finding {
    let told = format!("{taken} of {most} are taken; a server takes up to {wanted}");
    if most < wanted + 3 {
        return Finding::warning(CONNECTIONS, told, "raise max_connections in postgresql.conf");
    }
    if most - taken < 3 {
        return Finding::warning(
            CONNECTIONS,
            told,
            "raise max_connections in postgresql.conf, or let other programs take fewer",
        );
    }
    Finding::ok(CONNECTIONS, told)
}

/// The server said what time it is there at some instant between two of ours.
fn judge_clock(micros: i64, before: DateTime<Utc>, after: DateTime<Utc>) -> Finding {
    let Some(there) = DateTime::from_timestamp_micros(micros) else {
        return Finding::warning(
            CLOCK,
            "it is out of every range",
            "set the clock of the database server",
        );
    };
    let off = if there < before {
        there - before
    } else if there > after {
        there - after
    } else {
        TimeDelta::zero()
    };
    if off.abs() <= TOLERANCE {
        return Finding::ok(CLOCK, "as this machine's, within a second");
    }
    Finding::warning(
        CLOCK,
        format!("it differs from this machine's by {} s", off.num_seconds()),
        "let both machines' clocks be set by a time service: leases of jobs go by the database's, ticks by this one",
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_damaged_file_is_an_error_that_says_what_is_damaged() {
        assert_eq!(judge_damages(&[]).verdict, Verdict::Ok);
        let finding = judge_damages(&["row 1 missing from index a".to_owned()]);
        assert_eq!(finding.verdict, Verdict::Error);
        assert!(finding.message.contains("row 1 missing"));
    }

    #[test]
    fn tables_that_are_behind_are_a_warning_and_those_of_a_newer_binary_an_error() {
        let state = |applied| MigrationState {
            name: "m1".to_owned(),
            applied,
        };
        assert_eq!(judge_migrations(&Ok(vec![state(true)])).verdict, Verdict::Ok);
        let behind = judge_migrations(&Ok(vec![state(true), state(false)]));
        assert_eq!(behind.verdict, Verdict::Warning);
        assert!(behind.message.contains("pending: 1"), "{}", behind.message);
        let newer = MigrationError::Newer {
            unknown: vec!["m9".to_owned()],
        };
        let finding = judge_migrations(&Err(newer));
        assert_eq!(finding.verdict, Verdict::Error);
        assert!(finding.message.contains("m9"), "{}", finding.message);
    }

    #[test]
    fn a_server_that_is_too_old_or_only_reads_is_an_error() {
        let url = "postgres://me@db/jobs".parse().unwrap();
        let of = |number, in_recovery| judge_server(&url, "PostgreSQL", number, in_recovery).verdict;
        assert_eq!(of(150_004, false), Verdict::Ok);
        assert_eq!(of(140_009, false), Verdict::Error);
        assert_eq!(of(170_000, true), Verdict::Error);
    }

    #[test]
    fn commits_that_do_not_wait_for_the_disk_are_told() {
        assert_eq!(judge_commits(true, "on").verdict, Verdict::Ok);
        assert_eq!(judge_commits(true, "remote_apply").verdict, Verdict::Ok);
        assert_eq!(judge_commits(true, "off").verdict, Verdict::Warning);
        assert_eq!(judge_commits(false, "on").verdict, Verdict::Error);
        assert_eq!(judge_journal(true).verdict, Verdict::Ok);
        assert_eq!(judge_journal(false).verdict, Verdict::Warning);
    }

    #[test]
    fn connections_that_run_out_are_a_warning() {
        assert_eq!(judge_connections(100, 12, 11).verdict, Verdict::Ok);
        assert_eq!(judge_connections(100, 98, 11).verdict, Verdict::Warning);
        assert_eq!(judge_connections(10, 1, 11).verdict, Verdict::Warning);
    }

    #[test]
    fn another_time_at_the_database_is_a_warning() {
        let before: DateTime<Utc> = "2030-01-01T00:00:00Z".parse().unwrap();
        let after = before + TimeDelta::seconds(3);
        let at = |there: DateTime<Utc>| judge_clock(there.timestamp_micros(), before, after).verdict;
        assert_eq!(at(before + TimeDelta::seconds(1)), Verdict::Ok);
        assert_eq!(at(before - TimeDelta::milliseconds(900)), Verdict::Ok);
        assert_eq!(at(before - TimeDelta::seconds(2)), Verdict::Warning);
        assert_eq!(at(after + TimeDelta::hours(1)), Verdict::Warning);
    }
}
