use chrono::DateTime;
use ratchet_interfaces::{DependencyCondition, Following, OutputDestination, TaskId};
use serde_json::json;

use super::*;

fn schedule(name: &str) -> UnifiedSchedule {
    UnifiedSchedule {
        managed_by: Some("apply".to_owned()),
        ..UnifiedSchedule::new(name, TaskId::new(), "@daily", DateTime::UNIX_EPOCH)
    }
}

fn stored(schedules: &[&UnifiedSchedule]) -> HashMap<String, UnifiedSchedule> {
    schedules
        .iter()
        .map(|schedule| (schedule.name.clone(), (*schedule).clone()))
        .collect()
}

fn planned(
    before: &[&UnifiedSchedule],
    desired: Vec<UnifiedSchedule>,
    surplus: Vec<UnifiedSchedule>,
) -> Plan {
    plan(&stored(before), desired, surplus, &Names::default())
}

fn following(name: &str, leader: &UnifiedSchedule) -> UnifiedSchedule {
    let following = Following {
        leader_id: leader.id,
        condition: DependencyCondition::AllSucceeded,
    };
    UnifiedSchedule {
        specification: following.to_string(),
        ..schedule(name)
    }
}

fn webhook(token: &str) -> OutputDestination {
    serde_json::from_value(json!({"destinationType": "webhook", "webhook": {
        "url": "https://example.org",
        "authentication": {"authType": "bearer", "bearer": {"token": token}},
    }}))
    .unwrap()
}

#[test]
fn what_is_as_desired_is_left_alone_whatever_the_engine_has_counted() {
    let desired = schedule("nightly");
    let before = UnifiedSchedule {
        run_count: 7,
        version: 3,
        next_run: Some(DateTime::UNIX_EPOCH),
        ..desired.clone()
    };
    let plan = planned(&[&before], vec![desired], Vec::new());
    assert_eq!(
        (plan.unchanged, &plan.told[..], &plan.changes[..]),
        (1, &[][..], &[][..])
    );
}

#[test]
fn each_field_that_differs_is_told_and_no_other() {
    let before = schedule("nightly");
    let mut desired = UnifiedSchedule {
        timezone: "Asia/Tokyo".to_owned(),
        enabled: false,
        ..before.clone()
    };
    desired.policies.max_runs = Some(3);
    let plan = planned(&[&before], vec![desired.clone()], Vec::new());
    let told: Vec<_> = plan.told[0]
        .differences
        .iter()
        .map(|difference| {
            (
                difference.field.as_str(),
                difference.before.clone(),
                difference.after.clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("timezone", json!("UTC"), json!("Asia/Tokyo")),
            ("enabled", json!(true), json!(false)),
            ("policies.maxRuns", json!(null), json!(3)),
        ]
    );
    assert_eq!(plan.changes, [ScheduleChange::Replace(desired)]);
}

#[test]
fn another_secret_is_a_difference_that_does_not_show_it() {
    let with = |token| UnifiedSchedule {
        output_destinations: vec![webhook(token)],
        ..schedule("nightly")
    };
    let before = with("s3cret");
    let desired = UnifiedSchedule {
        task_id: before.task_id,
        ..with("an0ther")
    };
    let plan = planned(&[&before], vec![desired], Vec::new());
    let [difference] = &plan.told[0].differences[..] else {
        panic!("{plan:?}");
    };
    assert!(difference.secret);
    let shown = serde_json::to_string(&plan.told).unwrap();
    assert!(!shown.contains("s3cret") && !shown.contains("an0ther"), "{shown}");
}

#[test]
fn what_is_new_and_what_goes_is_told_by_what_is_not_at_its_default() {
    let (new, old) = (schedule("b"), schedule("a"));
    let plan = planned(&[], vec![new.clone()], vec![old.clone()]);
    let told: Vec<_> = plan
        .told
        .iter()
        .map(|change| {
            let fields = change
                .differences
                .iter()
                .map(|difference| difference.field.as_str());
            (change.action, change.name.as_str(), fields.collect::<Vec<_>>())
        })
        .collect();
    let fields = vec!["task", "cronExpression", "managedBy"];
    assert_eq!(
        told,
        [
            (PlannedAction::Delete, "a", fields.clone()),
            (PlannedAction::Create, "b", fields)
        ]
    );
    let deletion = ScheduleChange::Delete {
        id: old.id,
        version: old.version,
    };
    assert_eq!(plan.changes, [ScheduleChange::Create(new), deletion]);
}

#[test]
fn a_plan_has_another_number_when_a_version_or_a_value_is_another() {
    let before = schedule("nightly");
    let desired = |description: &str| UnifiedSchedule {
        description: Some(description.to_owned()),
        ..before.clone()
    };
    let edited = UnifiedSchedule {
        version: 2,
        ..before.clone()
    };
    let number = |before, description| {
        let plan = planned(&[before], vec![desired(description)], Vec::new());
        plan.number().unwrap()
    };
    assert_eq!(number(&before, "a"), number(&before, "a"));
    assert_ne!(number(&before, "a"), number(&before, "b"));
    assert_ne!(number(&before, "a"), number(&edited, "a"));
}

#[test]
fn who_would_follow_one_that_goes_is_named_unless_it_goes_too_or_follows_another() {
    let (leader, other) = (schedule("leader"), schedule("other"));
    let by_hand = UnifiedSchedule {
        managed_by: None,
        ..following("by hand", &leader)
    };
    let goes_too = following("goes too", &leader);
    let turns_away = following("turns away", &leader);
    let turned = UnifiedSchedule {
        id: turns_away.id,
        ..following("turns away", &other)
    };
    let plan = planned(
        &[&turns_away],
        vec![turned, following("new", &leader)],
        vec![leader.clone(), goes_too.clone()],
    );
    let behind = plan.left_behind(&[by_hand, goes_too, turns_away]);
    assert_eq!(
        behind,
        [("by hand".to_owned(), leader.id), ("new".to_owned(), leader.id)]
    );
}
