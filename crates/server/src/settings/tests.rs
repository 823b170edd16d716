use std::ffi::OsString;
use std::path::Path;

use super::*;

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn load(toml: &str, environment: Pairs<'_>, flags: &[(&'static str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ratchet.toml");
    std::fs::write(&file, toml).unwrap();
    let variables = environment
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let mut sources = SettingsSources::new()
        .with_file(Some(&file))
        .with_environment(variables);
    for (key, value) in flags {
        sources = sources.with_flag("--the-flag", key, Some(*value));
    }
    Settings::load(sources).map_err(|error| ratchet_interfaces::with_causes(&error))
}

fn refusal_of_file(toml: &str) -> String {
    load(toml, &[], &[]).unwrap_err()
}

fn refusal_of_variable(name: &str, value: &str) -> String {
    load("", &[(name, value)], &[]).unwrap_err()
}

#[test]
fn without_any_source_the_defaults_hold() {
    assert_eq!(load("", &[], &[]).unwrap(), Settings::default());
}

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let file =
        "[scheduler]\nmax_concurrent_jobs = 1\njob_timeout_seconds = 10\n[database]\nurl = \"sqlite://a\"";
    let environment = [
        ("RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS", "2"),
        ("RATCHET_DATABASE_URL", "sqlite://b"),
    ];
    let settings = load(file, &environment, &[("database.url", "sqlite://c")]).unwrap();
    assert_eq!(settings.scheduler.job_timeout_seconds, 10);
    assert_eq!(settings.scheduler.max_concurrent_jobs, 2);
    assert_eq!(settings.database.url.file(), Some(Path::new("c")));
}

#[test]
fn a_wrong_value_is_named_with_its_key_where_it_was_set_and_what_is_allowed() {
    assert_eq!(
        refusal_of_variable("RATCHET_SERVER_BIND", "nowhere"),
        "server.bind is \"nowhere\" (environment variable RATCHET_SERVER_BIND): allowed is an address and port, \
         such as 127.0.0.1:8080 or [::1]:8080"
    );
    let error = refusal_of_file("[scheduler]\nmax_concurrent_jobs = \"many\"");
    assert!(
        error.starts_with("scheduler.max_concurrent_jobs is \"many\" (file /"),
        "{error}"
    );
    assert!(
        error.ends_with("ratchet.toml): allowed is a whole number"),
        "{error}"
    );
    assert_eq!(
        load("", &[], &[("log.format", "xml")]).unwrap_err(),
        "log.format is \"xml\" (flag --the-flag): allowed are text and json"
    );
}

#[test]
fn the_file_must_have_the_type_of_the_key() {
    for (key, value) in [
        ("scheduler.enabled", "\"yes\""),
        ("scheduler.enabled", "\"true\""),
        ("scheduler.enabled", "1"),
        ("scheduler.max_concurrent_jobs", "1.5"),
        ("scheduler.max_concurrent_jobs", "\"5\""),
        ("scheduler.max_concurrent_jobs", "-1"),
        ("scheduler.job_timeout_seconds", "true"),
        ("database.url", "5"),
        ("log.format", "[\"json\"]"),
        ("log.level", "3"),
        ("tasks.folder", "3"),
        ("tasks.folder", "\"\""),
        ("tasks.watch", "\"true\""),
        ("server.bind", "8080"),
        ("output.folder", "3"),
        ("output.folder", "\"\""),
        ("outbound.allowed_networks", "\"localhost\""),
        ("outbound.allowed_networks", "[10]"),
        ("process.allowed_commands", "\"rsync\""),
        ("process.allowed_commands", "[\"rsync\", 1]"),
        ("process.working_folders", "3"),
        ("process.folder", "\"\""),
        ("process.path", "[\"/bin\"]"),
    ] {
        let error = refusal_of_file(&format!("{key} = {value}"));
        assert!(error.starts_with(&format!("{key} is {value} (file ")), "{error}");
    }
}

#[test]
fn networks_are_a_list_in_the_file_and_have_commas_between_them_elsewhere() {
    let of_file = load(
        "[outbound]\nallowed_networks = [\"10.1.0.0/16\", \"::1\"]",
        &[],
        &[],
    )
    .unwrap();
    let of_environment = load(
        "",
        &[("RATCHET_OUTBOUND_ALLOWED_NETWORKS", "10.1.0.0/16, ::1")],
        &[],
    )
    .unwrap();
    assert_eq!(of_file, of_environment);
    assert_eq!(of_file.outbound.allowed_networks.to_string(), "10.1.0.0/16, ::1");
}

#[test]
fn a_folder_of_tasks_that_was_named_counts_whether_it_exists_or_not() {
    let settings = load("[tasks]\nfolder = \"no/such/folder\"\nwatch = false", &[], &[]).unwrap();
    assert_eq!(settings.tasks.folder(), Some("no/such/folder".into()));
    assert!(!settings.tasks.watch);
    // The folder that this test runs in has none.
    assert_eq!(TaskSettings::default().folder(), None);
}

#[test]
fn a_list_has_brackets_in_the_file_and_commas_elsewhere() {
    let file = "[process]\nallowed_commands = [\"rsync\", \"/bin/date\"]\nworking_folders = [\"/srv\"]";
    let of_file = load(file, &[], &[]).unwrap();
    let environment = [
        ("RATCHET_PROCESS_ALLOWED_COMMANDS", "rsync, /bin/date"),
        ("RATCHET_PROCESS_WORKING_FOLDERS", "/srv"),
    ];
    assert_eq!(load("", &environment, &[]).unwrap(), of_file);
    assert_eq!(of_file.process.allowed_commands, ["rsync", "/bin/date"]);
    let none = load(file, &[("RATCHET_PROCESS_ALLOWED_COMMANDS", "")], &[]).unwrap();
    assert!(none.process.allowed_commands.is_empty());
    assert_eq!(
        refusal_of_variable("RATCHET_PROCESS_ALLOWED_COMMANDS", "rsync,,date"),
        "process.allowed_commands is \"rsync,,date\" (environment variable RATCHET_PROCESS_ALLOWED_COMMANDS): \
         allowed are texts with commas between them"
    );
}

#[test]
fn what_processes_may_not_do_is_named_with_the_key_and_where_it_was_set() {
    let error = refusal_of_file("[process]\nenabled = true");
    assert!(error.starts_with("process.enabled is true (file "), "{error}");
    assert!(
        error.contains("process.allowed_commands or process.folder"),
        "{error}"
    );
    assert_eq!(
        refusal_of_variable("RATCHET_PROCESS_FOLDER", "scripts"),
        "process.folder is \"scripts\" (environment variable RATCHET_PROCESS_FOLDER): an absolute path of a \
         folder is allowed"
    );
}

#[test]
fn the_environment_is_read_by_the_type_of_the_key() {
    let environment = [
        ("RATCHET_SCHEDULER_ENABLED", "false"),
        ("RATCHET_SCHEDULER_JOB_TIMEOUT_SECONDS", "9"),
    ];
    let settings = load("", &environment, &[]).unwrap();
    assert!(!settings.scheduler.enabled);
    assert_eq!(settings.scheduler.job_timeout_seconds, 9);
    for (name, value) in [
        ("RATCHET_SCHEDULER_ENABLED", "yes"),
        ("RATCHET_SCHEDULER_ENABLED", "1"),
        ("RATCHET_SCHEDULER_ENABLED", ""),
        ("RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS", "1.5"),
        ("RATCHET_LOG_FORMAT", "TEXT"),
    ] {
        let error = refusal_of_variable(name, value);
        assert!(
            error.contains(&format!(" is \"{value}\" (environment variable {name}): ")),
            "{error}"
        );
    }
}

#[test]
fn a_value_out_of_range_is_named_with_its_range_and_where_it_was_set() {
    assert_eq!(
        load("", &[], &[("scheduler.max_concurrent_jobs", "0")]).unwrap_err(),
        "scheduler.max_concurrent_jobs is 0 (flag --the-flag): 1 to 10000 jobs are allowed"
    );
    assert_eq!(
        refusal_of_variable("RATCHET_SERVER_SHUTDOWN_GRACE_SECONDS", "9999"),
        "server.shutdown_grace_seconds is 9999 (environment variable RATCHET_SERVER_SHUTDOWN_GRACE_SECONDS): \
         0 to 3600 seconds are allowed"
    );
    let error = refusal_of_file("scheduler.job_timeout_seconds = 0");
    assert!(error.contains("is 0 (file "), "{error}");
}

#[test]
fn what_javascript_may_use_is_bounded() {
    assert_eq!(
        refusal_of_variable("RATCHET_JAVASCRIPT_MEMORY_LIMIT_MB", "0"),
        "javascript.memory_limit_mb is 0 (environment variable RATCHET_JAVASCRIPT_MEMORY_LIMIT_MB): \
         1 to 4096 MiB are allowed"
    );
    let settings = load("javascript.max_output_mb = 32", &[], &[]).unwrap();
    assert_eq!(settings.javascript.max_output_mb, 32);
}

#[test]
fn a_place_that_is_no_database_s_is_named_without_its_password() {
    assert_eq!(
        refusal_of_variable("RATCHET_DATABASE_URL", "mysql://me:secret@host/db"),
        "database.url is \"mysql://…\" (environment variable RATCHET_DATABASE_URL): mysql:// is not supported: \
         give sqlite://file or postgres://user@host/name"
    );
    for toml in [
        "database.url = \"postgres://me:secret@host:port/db\"",
        "database.urll = \"postgres://me:secret@host/db\"",
    ] {
        let error = refusal_of_file(toml);
        assert!(
            error.contains("\"postgres://…\"") && !error.contains("secret"),
            "{error}"
        );
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_value_and_the_nearest_one() {
    let error = refusal_of_file("[server]\nbnid = \"[::1]:80\"");
    assert!(error.starts_with("server.bnid is \"[::1]:80\" (file "), "{error}");
    assert!(
        error.ends_with(": there is no such key; did you mean server.bind?"),
        "{error}"
    );
    let error = refusal_of_file("[scheduler]\nmax_jobs = 3");
    assert!(
        error.contains("scheduler.max_jobs is 3 (file ") && error.contains("scheduler.max_concurrent_jobs"),
        "{error}"
    );
    for toml in [
        "[wings]",
        "wings = 3",
        "[[server]]",
        "server = 1",
        "[server.tls]\non = true",
    ] {
        let error = refusal_of_file(toml);
        assert!(error.contains("there is no such key"), "{toml}: {error}");
    }
    assert_eq!(load("[server]\n[log]", &[], &[]).unwrap(), Settings::default());
}

#[test]
fn an_unknown_variable_of_ours_is_refused_with_its_value_and_the_nearest_one() {
    assert_eq!(
        refusal_of_variable("RATCHET_DATABSE_URL", "x"),
        "RATCHET_DATABSE_URL is \"x\" (environment): there is no such variable; did you mean \
         RATCHET_DATABASE_URL?"
    );
    let error = refusal_of_variable("RATCHET_SCHEDULER_MAX_JOBS", "3");
    assert!(error.contains("RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS"), "{error}");
    let error = refusal_of_variable("RATCHET_CONFG", "a.toml");
    assert!(error.ends_with("did you mean RATCHET_CONFIG?"), "{error}");
}

#[test]
fn variables_of_others_and_of_the_tests_set_nothing() {
    let environment = [
        ("RATCHET_CONFIG", "elsewhere.toml"),
        ("RATCHET_BIN", "/target/ratchet"),
        ("RATCHET_TEST_POSTGRES_URL", "postgres://host"),
        ("RATCHETS", "many"),
        ("DATABASE_URL", "sqlite://other"),
    ];
    assert_eq!(load("", &environment, &[]).unwrap(), Settings::default());
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_unicode_is_named_if_it_is_ours_and_ignored_if_not() {
    use std::os::unix::ffi::OsStringExt;
    let broken = || OsString::from_vec(vec![b'a', 0xff]);
    let of = |name: OsString| SettingsSources::new().with_environment([(name, broken())]);
    assert_eq!(Settings::load(of("PATH".into())).unwrap(), Settings::default());
    assert_eq!(Settings::load(of(broken())).unwrap(), Settings::default());
    let error = Settings::load(of("RATCHET_LOG_LEVEL".into())).unwrap_err();
    assert!(error.to_string().contains("RATCHET_LOG_LEVEL"), "{error}");
    let error = Settings::load(of(OsString::from_vec(b"RATCHET_LOG_\xff".to_vec()))).unwrap_err();
    assert!(error.to_string().contains("RATCHET_LOG_"), "{error}");
}

#[test]
fn a_file_that_is_named_must_exist_and_be_a_file_of_toml() {
    let refusal = |path: &Path| {
        let error = Settings::load(SettingsSources::new().with_file(Some(path))).unwrap_err();
        ratchet_interfaces::with_causes(&error)
    };
    let error = refusal(Path::new("/no/such/ratchet.toml"));
    assert!(
        error.contains("/no/such/ratchet.toml") && error.contains("No such file"),
        "{error}"
    );
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(folder.path());
    assert!(
        error.contains("cannot be read") && error.contains("irectory"),
        "{error}"
    );
    let error = refusal_of_file("[server\nbind = 3");
    assert!(
        error.contains("ratchet.toml") && error.contains("line 1"),
        "{error}"
    );
}

#[test]
fn every_field_of_the_settings_stands_in_the_table() {
    // A new field breaks this pattern, so that it is not forgotten: it has a line in the table, and counts below.
    let Settings {
        server:
            ServerSettings {
                bind: _,
                shutdown_grace_seconds: _,
                requests_per_second: _,
                cors_origins: _,
                audit_retention_days: _,
            },
        database: DatabaseSettings { url: _ },
        scheduler:
            SchedulerConfig {
                enabled: _,
                max_concurrent_jobs: _,
                job_timeout_seconds: _,
                enable_notifications: _,
                ledger_retention_days: _,
                job_retention_days: _,
                job_retention_count: _,
            },
        tasks: TaskSettings { folder: _, watch: _ },
        javascript: JavaScriptConfig {
            memory_limit_mb: _,
            max_output_mb: _,
        },
        output: OutputSettings { folder: _ },
        outbound: OutboundSettings { allowed_networks: _ },
        process:
            ProcessConfig {
                enabled: _,
                allowed_commands: _,
                folder: _,
                path: _,
                working_folders: _,
                stop_grace_seconds: _,
                max_output_bytes: _,
            },
        log: LogSettings { format: _, level: _ },
        telemetry: TelemetrySettings {
            otlp_endpoint: _,
            trace_percent: _,
        },
    } = Settings::default();
    const FIELDS: usize = 30;
    assert_eq!(table::declarations().count(), FIELDS);
    for Section { name, settings, .. } in SECTIONS {
        for declaration in *settings {
            assert!(
                declaration.key.starts_with(&format!("{name}.")),
                "{}",
                declaration.key
            );
        }
    }
}

#[test]
fn every_mistake_of_every_source_is_told_at_once() {
    let file =
        "[server]\nbind = 80\nbnid = 3\n[process]\nenabled = true\nfolder = \"scripts\"\npath = \"bin\"";
    let environment = [
        ("RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS", "0"),
        ("RATCHET_SCHEDULER_JOB_TIMEOUT_SECONDS", "0"),
        ("RATCHET_WINGS", "2"),
    ];
    let error = load(file, &environment, &[("log.format", "xml")]).unwrap_err();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines[0], "there are 8 mistakes in the settings");
    let beginnings = [
        "  server.bind is 80 (file ",
        "  scheduler.max_concurrent_jobs is 0 (environment variable RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS): ",
        "  scheduler.job_timeout_seconds is 0 (environment ",
        "  log.format is \"xml\" (flag --the-flag): ",
        "  process.path is \"bin\" (file ",
        "  process.folder is \"scripts\" (file ",
        "  server.bnid is 3 (file ",
        "  RATCHET_WINGS is \"2\" (environment): ",
    ];
    for (line, beginning) in lines[1..].iter().zip(beginnings) {
        assert!(line.starts_with(beginning), "{line}");
    }
}

#[test]
fn a_rule_about_several_values_is_not_applied_while_one_of_them_is_wrong() {
    let error = refusal_of_file("[process]\nenabled = true\nallowed_commands = 3");
    assert!(error.starts_with("process.allowed_commands is 3 "), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_what_else_is_wrong() {
    let error = load("[server", &[("RATCHET_LOG_FORMAT", "xml")], &[]).unwrap_err();
    assert!(
        error.contains("is not TOML") && error.contains("log.format is \"xml\""),
        "{error}"
    );
}

#[test]
fn a_printed_value_reads_as_the_same_value() {
    let file = "[process]\nallowed_commands = [\"rsync\"]\nfolder = \"/srv\"\n[outbound]\nallowed_networks = [\"10.0.0.0/8\", \
                \"::1\"]\n[log]\nformat = \"json\"\n[tasks]\nfolder = \"a\"";
    let settings = load(file, &[], &[]).unwrap();
    let printed: String = table::declarations()
        .filter_map(|declaration| {
            let value = (declaration.get)(&settings).shown()?;
            Some(format!("{} = {value}\n", declaration.key))
        })
        .collect();
    assert_eq!(load(&printed, &[], &[]).unwrap(), settings);
}

#[test]
fn an_address_is_local_if_no_other_machine_can_reach_it() {
    for (address, is_local) in [
        ("0.0.0.0:8080", false),
        ("10.0.0.1:8080", false),
        ("[::]:8080", false),
        ("[2001:db8::1]:8080", false),
        ("[::ffff:10.0.0.1]:8080", false),
        ("127.0.0.1:8080", true),
        ("127.1.2.3:0", true),
        ("[::1]:8080", true),
        ("[::ffff:127.0.0.1]:8080", true),
    ] {
        // Whether there is a token, without which others are not listened to, the database knows.
        let settings = load(&format!("server.bind = \"{address}\""), &[], &[]).unwrap();
        assert_eq!(settings.server.is_local(), is_local, "{address}");
    }
}

#[test]
fn pages_that_may_send_requests_are_named_by_their_origin() {
    let environment = [(
        "RATCHET_SERVER_CORS_ORIGINS",
        "https://a.example, http://localhost:3000",
    )];
    let settings = load("", &environment, &[]).unwrap();
    let file = "[server]\ncors_origins = [\"https://a.example\", \"http://localhost:3000\"]";
    assert_eq!(load(file, &[], &[]).unwrap(), settings);
    let error = refusal_of_variable("RATCHET_SERVER_CORS_ORIGINS", "*");
    assert!(error.contains("\"*\" is no origin"), "{error}");
}
