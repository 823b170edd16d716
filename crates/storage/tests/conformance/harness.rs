//! How a case comes by its databases, and several callers by the same moment.

use std::sync::Arc;

use ratchet_interfaces::RepositoryFactory;
use ratchet_storage::test_support::TestDatabase;
use tokio::sync::Barrier;

/// Runs a case on a private database of every kind, on one after the other.
pub(crate) async fn on_each_database(case: impl AsyncFn(Arc<dyn RepositoryFactory>)) {
    for database in TestDatabase::each().await {
        // A failure shows it, and so says on which of them it came about.
        println!("on {}", database.url());
        case(database.repositories()).await;
    }
}

/// Calls something for each of the items, each in a task of its own and all from behind one barrier. The answers
/// come in the order of the items.
pub(crate) async fn at_once<I, F>(items: impl IntoIterator<Item = I>, call: impl Fn(I) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let calls: Vec<F> = items.into_iter().map(call).collect();
    let barrier = Arc::new(Barrier::new(calls.len()));
    let tasks: Vec<_> = calls
        .into_iter()
        .map(|call| {
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                call.await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// That a verb refused, and how.
macro_rules! assert_refused {
    ($result:expr, $expected:pat) => {
        match $result {
            Err($expected) => {}
            other => panic!("expected {}, got {other:?}", stringify!($expected)),
        }
    };
}
pub(crate) use assert_refused;
