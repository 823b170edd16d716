//! An idle server executes no statement.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ratchet_interfaces::{Clock, ManualClock};
use ratchet_server::{ServiceContainer, Settings};
use ratchet_storage::test_support::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn the_minutes_between_two_heartbeats_cost_no_statement() {
    for database in TestDatabase::each().await {
        let begin: DateTime<Utc> = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 1).unwrap();
        let clock = Arc::new(ManualClock::at(begin));
        let mut settings = Settings::default();
        settings.database.url = database.url().parse().unwrap();
        let container = ServiceContainer::with_clock(&settings, Arc::clone(&clock) as Arc<dyn Clock>)
            .await
            .unwrap();
        container.start().await.unwrap();
        quiet(&container).await;

        let before = container.repositories.statements_executed();
        for _ in 0..4 * 60 {
            clock.advance(TimeDelta::seconds(1));
            tokio::task::yield_now().await;
        }
        quiet(&container).await;
        assert_eq!(container.repositories.statements_executed(), before);

        // And it is not dead: the heartbeat comes.
        clock.advance_to(begin + TimeDelta::minutes(5));
        let beat = async {
            while container.repositories.statements_executed() == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), beat)
            .await
            .expect("the heartbeat does not come");
        container.stop().await.unwrap();
    }
}

/// Waits until a tenth of a second of real time passes without a statement: what the start set off has come to rest.
async fn quiet(container: &ServiceContainer) {
    let mut seen = None;
    loop {
        let now = container.repositories.statements_executed();
        if seen == Some(now) {
            return;
        }
        seen = Some(now);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
