use super::*;

fn imported(text: &str) -> Imported {
    let options = Options {
        user_field: false,
        timezone: "UTC",
        task: "crontab",
    };
    import(text, &options)
}

fn inputs(imported: &Imported) -> Vec<(&str, &str)> {
    imported
        .schedules
        .iter()
        .map(|schedule| {
            let input = &schedule["input"];
            (
                input["command"].as_str().unwrap(),
                input["stdin"].as_str().unwrap(),
            )
        })
        .collect()
}

fn remarks(imported: &Imported) -> Vec<(usize, bool, &str)> {
    imported
        .remarks
        .iter()
        .map(|remark| (remark.line, remark.lost, remark.text.as_str()))
        .collect()
}

#[test]
fn an_entry_becomes_a_schedule_that_does_as_cron_did() {
    let imported = imported("\n# Backups.\n## Ask Ada.\n30 2 * * mon-fri  /usr/local/bin/backup.sh --all\n");
    assert_eq!(
        imported.schedules,
        [json!({
            "name": "backup", "task": "crontab", "cronExpression": "30 2 * * mon-fri",
            "description": "Backups.\nAsk Ada.",
            "policies": {"misfire": "SKIP", "overlap": "ALLOW"},
            "input": {"command": "/usr/local/bin/backup.sh --all", "stdin": ""},
        })]
    );
    assert_eq!(imported.remarks, []);
}

#[test]
fn variables_above_an_entry_hold_for_it_and_not_for_those_above_them() {
    let imported = imported(
        "@daily first\n\
         PATH = \"/opt/bin:/bin\"\n\
         NOTE='it is Ada'\n\
         @daily second\n\
         NOTE=it's\n\
         HOME=/srv\n\
         SHELL=/bin/bash\n\
         @daily echo 'third' | wc\n",
    );
    assert_eq!(
        inputs(&imported),
        [
            ("first", ""),
            ("export PATH='/opt/bin:/bin'\nexport NOTE='it is Ada'\nsecond", ""),
            (
                "export PATH='/opt/bin:/bin'\nexport NOTE='it'\\''s'\nexport HOME='/srv'\ncd \"$HOME\" || exit\n\
                 exec '/bin/bash' -c 'echo '\\''third'\\'' | wc'",
                ""
            ),
        ]
    );
    assert_eq!(imported.remarks, []);
}

#[test]
fn a_percent_sign_begins_the_standard_input_unless_it_is_escaped() {
    let imported = imported("0 0 * * * date +\\%F\n0 0 * * * mail ada % Hello,%  it is 100\\%.%\n");
    assert_eq!(
        inputs(&imported),
        [("date +%F", ""), ("mail ada", " Hello,\n  it is 100%.\n")]
    );
}

#[test]
fn a_zone_holds_for_the_entries_below_it_and_one_that_is_none_loses_them() {
    let imported = imported(
        "0 1 * * * a\nCRON_TZ=Asia/Tokyo\n0 2 * * * b\nCRON_TZ=Mars/Base\n0 3 * * * c\nCRON_TZ=UTC\n0 4 * * * d\n",
    );
    let zones: Vec<_> = imported
        .schedules
        .iter()
        .map(|schedule| (schedule["name"].as_str().unwrap(), schedule["timezone"].as_str()))
        .collect();
    assert_eq!(zones, [("a", None), ("b", Some("Asia/Tokyo")), ("d", None)]);
    let told = remarks(&imported);
    assert_eq!(
        told.iter()
            .map(|(line, lost, _)| (*line, *lost))
            .collect::<Vec<_>>(),
        [(4, false), (5, true)]
    );
    assert!(told[1].2.contains("line 4"), "{told:?}");
}

#[test]
fn what_cannot_be_carried_over_is_told_with_its_line_and_nothing_else_is_made_of_it() {
    let imported = imported(
        "MAILTO=ops@example.org\n\
         MAILTO=\"\"\n\
         @reboot start-it\n\
         0~30 4 * * * random\n\
         61 * * * * never\n\
         0 0 * *\n\
         - * nonsense\n\
         RANDOM_DELAY=30\n\
         @fortnightly x\n\
         -*/5 * * * * quiet\n",
    );
    assert_eq!(imported.schedules.len(), 1);
    assert_eq!(imported.schedules[0]["cronExpression"], "*/5 * * * *");
    let told = remarks(&imported);
    let lines: Vec<_> = told.iter().map(|(line, lost, _)| (*line, *lost)).collect();
    assert_eq!(
        lines,
        [
            (1, false),
            (3, true),
            (4, true),
            (5, true),
            (6, true),
            (7, true),
            (8, false),
            (9, true)
        ]
    );
    for (place, words) in [
        (0, "MAILTO"),
        (1, "event"),
        (2, "random range"),
        (3, "61"),
        (7, "@fortnightly"),
    ] {
        assert!(told[place].2.contains(words), "{words}: {told:?}");
    }
}

#[test]
fn a_system_crontab_has_users_whom_the_command_does_not_run_as() {
    let options = Options {
        user_field: true,
        timezone: "Europe/Berlin",
        task: "shell@2",
    };
    let imported = import(
        "17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly\n@daily root\n",
        &options,
    );
    let schedule = &imported.schedules[0];
    assert_eq!(
        ["name", "task", "timezone", "cronExpression"].map(|field| schedule[field].as_str().unwrap()),
        ["run-parts", "shell@2", "Europe/Berlin", "17 *\t* * *"]
    );
    assert_eq!(
        inputs(&imported),
        [("cd / && run-parts --report /etc/cron.hourly", "")]
    );
    let told = remarks(&imported);
    assert!(told[0].2.contains("\"root\"") && !told[0].1, "{told:?}");
    assert_eq!((told[1].0, told[1].1), (2, true));
}

#[test]
fn each_entry_has_a_name_of_its_own_that_tells_its_program() {
    let text = "0 0 * * * /a/sync.py\n0 1 * * * [ -x /b/sync ] && /b/sync -q\n0 2 * * * A=1 B=2 nice sync\n0 3 * * * ((x))\n0 4 * * * ...\n";
    let imported = imported(text);
    let names: Vec<_> = imported
        .schedules
        .iter()
        .map(|schedule| schedule["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["sync", "sync-2", "nice", "x", "line-5"]);
}
