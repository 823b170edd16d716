//! What the other modules say of chosen rows, of random ones.

mod any;
mod filters;
mod queue;
mod round_trips;

use std::fmt::Debug;
use std::sync::Arc;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use ratchet_interfaces::RepositoryFactory;
use ratchet_storage::test_support::TestDatabase;
use tokio::runtime::Runtime;

/// Whether the cases of a law find each other's rows.
#[derive(Clone, Copy, PartialEq)]
enum Databases {
    OneForAllCases,
    OneForEachCase,
}

/// Holds the repositories of every kind of database to a law. What failed once becomes a named test, so that there
/// is no file of past failures.
fn for_all<S>(
    cases: u32,
    databases: Databases,
    values: S,
    law: impl AsyncFn(Arc<dyn RepositoryFactory>, S::Value),
) where
    S: Strategy<Value: Clone + Debug>,
{
    let runtime = Runtime::new().unwrap();
    // Connections that are dropped outside of a runtime would look for one.
    let _inside = runtime.enter();
    let shared = runtime.block_on(TestDatabase::each());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&values, |value| {
        runtime.block_on(async {
            let own = match databases {
                Databases::OneForAllCases => Vec::new(),
                Databases::OneForEachCase => TestDatabase::each().await,
            };
            let used = if own.is_empty() { &shared } else { &own };
            for database in used {
                law(database.repositories(), value.clone()).await;
            }
        });
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
