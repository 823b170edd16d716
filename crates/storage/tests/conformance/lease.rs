//! The table `leases`. They run on the database's clock, so a lease that has expired is one that was taken for no
//! time at all.

use std::time::Duration;

use ratchet_interfaces::{LeaseRepository, NodeId};

use crate::harness::{at_once, on_each_database};
use crate::sample::HOSTILE;

const LONG: Duration = Duration::from_secs(3_600);

async fn acquire(leases: &dyn LeaseRepository, holder: NodeId, ttl: Duration) -> Option<u64> {
    leases.lease_acquire("leader", holder, ttl).await.unwrap()
}

#[tokio::test]
async fn a_held_lease_is_renewed_by_its_holder_and_refused_to_others() {
    on_each_database(async |repositories| {
        let leases = repositories.leases();
        let (mine, yours) = (NodeId::new(), NodeId::new());
        let term = acquire(&*leases, mine, LONG).await;
        assert_eq!(term, Some(1));
        for _ in 0..3 {
            assert_eq!(acquire(&*leases, yours, LONG).await, None);
            assert_eq!(acquire(&*leases, mine, LONG).await, term);
        }
        assert!(!leases.lease_release("leader", yours).await.unwrap());
        assert_eq!(acquire(&*leases, yours, Duration::ZERO).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_was_given_up_is_free_and_its_term_rises() {
    on_each_database(async |repositories| {
        let leases = repositories.leases();
        let (mine, yours) = (NodeId::new(), NodeId::new());
        assert!(!leases.lease_release("leader", mine).await.unwrap());
        let first = acquire(&*leases, mine, LONG).await.unwrap();
        assert!(leases.lease_release("leader", mine).await.unwrap());
        assert!(!leases.lease_release("leader", mine).await.unwrap());
        let second = acquire(&*leases, yours, LONG).await.unwrap();
        assert!(second > first);
        assert!(leases.lease_release("leader", yours).await.unwrap());
        // Also for the one who had it last: what it did in its earlier term must be told apart.
        let third = acquire(&*leases, yours, LONG).await.unwrap();
        assert!(third > second);
    })
    .await;
}

#[tokio::test]
async fn an_expired_lease_is_taken_and_its_term_rises() {
    on_each_database(async |repositories| {
        let leases = repositories.leases();
        let (mine, yours) = (NodeId::new(), NodeId::new());
        let mut last = 0;
        for holder in [mine, yours, yours, mine] {
            let term = acquire(&*leases, holder, Duration::ZERO).await.unwrap();
            assert!(term > last, "{term} after {last}");
            last = term;
            // What has expired is nobody's any more.
            assert!(!leases.lease_release("leader", holder).await.unwrap());
        }
        assert!(acquire(&*leases, yours, LONG).await.unwrap() > last);
        assert_eq!(acquire(&*leases, mine, LONG).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_renewal_moves_the_end_of_a_lease() {
    on_each_database(async |repositories| {
        let leases = repositories.leases();
        let (mine, yours) = (NodeId::new(), NodeId::new());
        let term = acquire(&*leases, mine, LONG).await.unwrap();
        // The end comes nearer when it is asked for: from now on, and not from the old end.
        assert_eq!(acquire(&*leases, mine, Duration::ZERO).await, Some(term));
        assert_eq!(acquire(&*leases, yours, LONG).await, Some(term + 1));
    })
    .await;
}

#[tokio::test]
async fn a_lease_may_be_taken_for_ever() {
    on_each_database(async |repositories| {
        let leases = repositories.leases();
        let (mine, yours) = (NodeId::new(), NodeId::new());
        for ttl in [
            Duration::MAX,
            Duration::from_micros(i64::MAX as u64),
            Duration::from_micros(u64::MAX),
        ] {
            assert_eq!(acquire(&*leases, mine, ttl).await, Some(1), "{ttl:?}");
            assert_eq!(acquire(&*leases, yours, LONG).await, None, "{ttl:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_name_is_a_lease_of_its_own() {
    on_each_database(async |repositories| {
        let leases = repositories.leases();
        let holders: Vec<NodeId> = HOSTILE.iter().map(|_| NodeId::new()).collect();
        for (name, holder) in HOSTILE.iter().zip(&holders) {
            let term = leases.lease_acquire(name, *holder, LONG).await.unwrap();
            assert_eq!(term, Some(1), "{name:?}");
        }
        for (name, holder) in HOSTILE.iter().zip(&holders) {
            assert!(leases.lease_release(name, *holder).await.unwrap(), "{name:?}");
        }
        let nul = leases.lease_acquire("a\0b", holders[0], LONG).await.unwrap();
        assert_eq!(nul, Some(1));
        assert!(leases.lease_release("a\0b", holders[0]).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_want_a_lease_at_the_same_time_one_gets_it() {
    on_each_database(async |repositories| {
        for term in 1..=5 {
            let nodes: Vec<NodeId> = (0..8).map(|_| NodeId::new()).collect();
            let answers = at_once(nodes.clone(), |node| {
                let leases = repositories.leases();
                async move { leases.lease_acquire("leader", node, LONG).await.unwrap() }
            })
            .await;
            let won: Vec<_> = nodes
                .iter()
                .zip(answers)
                .filter(|(_, term)| term.is_some())
                .collect();
            assert_eq!(won.len(), 1, "{won:?}");
            assert_eq!(won[0].1, Some(term));
            assert!(
                repositories
                    .leases()
                    .lease_release("leader", *won[0].0)
                    .await
                    .unwrap()
            );
        }
    })
    .await;
}
