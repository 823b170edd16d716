//! What is told of ticks and schedules, once it is on disk.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Event, EventSink, JobEvent, JobId, JobStatus, PauseRequest, ResumeRequest, ScheduleChange, ScheduleId,
    ScheduleTiming, ScheduleTransition, SchedulerService, TaskId, TickOutcome, UnifiedSchedule,
};

use crate::world::*;

/// A tick that reached its handler: of which schedule, its nominal instant, and when it was due.
type Begun = (ScheduleId, DateTime<Utc>, DateTime<Utc>);

#[derive(Default)]
struct Heard {
    events: Mutex<Vec<Event>>,
    begun: Mutex<Vec<Begun>>,
}

impl Heard {
    fn changes(&self) -> Vec<ScheduleTransition> {
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        let changes = events.iter().filter_map(|event| match event {
            Event::Schedule(schedule) => Some(schedule.change),
            _ => None,
        });
        changes.collect()
    }
}

impl EventSink for Heard {
    fn emit(&self, events: &[Event]) {
        self.events.lock().unwrap().extend_from_slice(events);
    }

    fn handler_started(&self, schedule: ScheduleId, scheduled_for: DateTime<Utc>, due: DateTime<Utc>) {
        self.begun.lock().unwrap().push((schedule, scheduled_for, due));
    }
}

fn heard_by(engine: Engine) -> (Engine, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let engine = Engine {
        service: engine.service.with_events(heard.clone()),
        ..engine
    };
    (engine, heard)
}

#[tokio::test]
async fn a_tick_is_told_of_with_its_job_after_its_commit_and_not_when_it_is_refused() {
    let row = every_minute(Some(after(60)));
    let id = row.id;
    let (engine, heard) = heard_by(Engine::with(vec![row]));
    engine.rows.lock().unwrap().failures = vec![unavailable()];
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.clock.advance_to(after(60));
    engine.passes_until(|_, health| health.stalled.is_some()).await;
    assert!(heard.events.lock().unwrap().is_empty(), "it is not on disk");
    assert_eq!(*heard.begun.lock().unwrap(), [(id, after(60), after(60))]);
    engine.passes_until(|_, health| health.stalled.is_none()).await;
    let events = heard.events.lock().unwrap().clone();
    let [Event::Tick(tick), Event::Job(job)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((tick.schedule_id, tick.record.outcome), (id, TickOutcome::Fired));
    assert_eq!(
        (tick.record.scheduled_for, tick.record.job_id),
        (after(60), Some(job.job_id))
    );
    assert_eq!((job.status, job.schedule_id), (JobStatus::Queued, Some(id)));
    assert!(tick.at >= tick.record.decided_at);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn each_change_of_a_schedule_is_told_of_as_what_it_is() {
    let row = every_minute(Some(after(600)));
    let id = row.id;
    let (engine, heard) = heard_by(Engine::with(vec![row]));
    let edited = |enabled| UnifiedSchedule {
        id,
        enabled,
        ..UnifiedSchedule::new("nightly", TaskId::new(), "0 3 * * *", midnight())
    };
    let service = &engine.service;
    service.update_schedule(edited(true)).await.unwrap();
    service.update_schedule(edited(false)).await.unwrap();
    service.update_schedule(edited(true)).await.unwrap();
    assert_eq!(
        heard.changes(),
        [
            ScheduleTransition::Updated,
            ScheduleTransition::Disabled,
            ScheduleTransition::Enabled
        ]
    );
    let pause = PauseRequest {
        by: "ada".to_owned(),
        note: None,
        resume_at: None,
    };
    service.pause_schedule(id, pause).await.unwrap();
    assert_eq!(heard.changes(), [ScheduleTransition::Paused]);
    let resume = ResumeRequest {
        by: "ada".to_owned(),
        skip_missed: false,
    };
    service.resume_schedule(id, resume).await.unwrap();
    assert_eq!(heard.changes(), [], "the mocked row is not paused");
    let buffered = JobEvent::bare(JobId::new(), JobStatus::Cancelled, midnight());
    engine.rows.lock().unwrap().waiting = vec![buffered];
    service.remove_schedule(id).await.unwrap();
    assert!(
        heard.events.lock().unwrap().contains(&Event::Job(buffered)),
        "it went with the schedule"
    );
    assert_eq!(heard.changes(), [ScheduleTransition::Deleted]);
    service.remove_schedule(id).await.unwrap_err();
    assert_eq!(heard.changes(), [], "nothing was on disk");
}

#[tokio::test]
async fn what_is_changed_together_is_told_of_one_by_one_once_it_is_on_disk() {
    let (replaced, deleted) = (every_minute(Some(after(600))), every_minute(Some(after(600))));
    let (replaced_id, deleted_id) = (replaced.id, deleted.id);
    let (engine, heard) = heard_by(Engine::with(vec![replaced, deleted]));
    let daily = |name: &str| UnifiedSchedule::new(name, TaskId::new(), "0 3 * * *", midnight());
    let disabled = UnifiedSchedule {
        id: replaced_id,
        version: 1,
        enabled: false,
        ..daily("replaced")
    };
    let stale = ScheduleChange::Delete {
        id: deleted_id,
        version: 9,
    };
    engine.service.change_schedules(vec![stale]).await.unwrap_err();
    assert_eq!(heard.changes(), [], "nothing was on disk");
    let changes = vec![
        ScheduleChange::Create(daily("created")),
        ScheduleChange::Replace(disabled),
        ScheduleChange::Delete {
            id: deleted_id,
            version: 1,
        },
    ];
    engine.service.change_schedules(changes).await.unwrap();
    let mut told = heard.changes();
    told.sort_by_key(|change| change.as_str());
    assert_eq!(
        told,
        [
            ScheduleTransition::Created,
            ScheduleTransition::Deleted,
            ScheduleTransition::Disabled
        ]
    );
}

#[tokio::test]
async fn what_became_of_schedules_is_told_of_when_they_are_loaded() {
    let unreadable = ScheduleTiming {
        specification: "every now and then".to_owned(),
        ..every_minute(Some(after(60)))
    };
    let over = ScheduleTiming {
        specification: "at 2020-01-01T00:00:00Z".to_owned(),
        ..every_minute(None)
    };
    let (unreadable_id, over_id) = (unreadable.id, over.id);
    let (engine, heard) = heard_by(Engine::with(vec![unreadable, over, every_minute(None)]));
    engine.service.start().await.unwrap();
    let mut told: Vec<_> = heard
        .events
        .lock()
        .unwrap()
        .iter()
        .map(|event| match event {
            Event::Schedule(schedule) => (schedule.change, schedule.schedule_id),
            other => panic!("{other:?}"),
        })
        .collect();
    told.sort_by_key(|(change, _)| change.as_str());
    assert_eq!(
        told,
        [
            (ScheduleTransition::Completed, over_id),
            (ScheduleTransition::Disabled, unreadable_id)
        ]
    );
    engine.service.stop().await.unwrap();
}
