//! The table `idempotency_keys`.

use ratchet_interfaces::{
    IdempotencyClaim, IdempotencyKey, IdempotencyRepository, IdempotencyState, KeptAnswer,
};

use crate::harness::{at_once, on_each_database};
use crate::sample::{HOSTILE, at};

fn key(key: &str) -> IdempotencyKey {
    IdempotencyKey {
        client: "local".to_owned(),
        route: "jobs_create".to_owned(),
        key: key.to_owned(),
    }
}

fn claim(key: IdempotencyKey, fingerprint: &str, second: i64) -> IdempotencyClaim {
    IdempotencyClaim {
        key,
        fingerprint: fingerprint.to_owned(),
        at: at(second),
        expired_before: at(second - 60),
    }
}

fn answer(body: &str) -> KeptAnswer {
    KeptAnswer {
        status: 201,
        headers: vec![("location".to_owned(), body.to_owned())],
        body: body.to_owned(),
    }
}

async fn claimed(keys: &dyn IdempotencyRepository, claim: &IdempotencyClaim) -> IdempotencyState {
    keys.idempotency_claim(claim).await.unwrap()
}

#[tokio::test]
async fn a_key_is_claimed_once_and_then_gives_the_answer_that_was_kept() {
    on_each_database(async |repositories| {
        let keys = repositories.idempotency();
        for text in HOSTILE {
            let first = claim(key(text), text, 0);
            assert_eq!(claimed(&*keys, &first).await, IdempotencyState::Claimed);
            assert_eq!(claimed(&*keys, &first).await, IdempotencyState::Unanswered);
            keys.idempotency_keep(&first.key, &answer(text)).await.unwrap();
            let again = claim(key(text), text, 60);
            assert_eq!(
                claimed(&*keys, &again).await,
                IdempotencyState::Answered(answer(text))
            );
            // An answer that was kept stays.
            keys.idempotency_keep(&first.key, &answer("other")).await.unwrap();
            keys.idempotency_release(&first.key).await.unwrap();
            assert_eq!(
                claimed(&*keys, &again).await,
                IdempotencyState::Answered(answer(text))
            );
        }
    })
    .await;
}

#[tokio::test]
async fn another_request_with_the_key_is_told_and_another_client_or_route_has_keys_of_its_own() {
    on_each_database(async |repositories| {
        let keys = repositories.idempotency();
        assert_eq!(
            claimed(&*keys, &claim(key("k"), "a", 0)).await,
            IdempotencyState::Claimed
        );
        assert_eq!(
            claimed(&*keys, &claim(key("k"), "b", 1)).await,
            IdempotencyState::OfAnother
        );
        keys.idempotency_keep(&key("k"), &answer("x")).await.unwrap();
        assert_eq!(
            claimed(&*keys, &claim(key("k"), "b", 1)).await,
            IdempotencyState::OfAnother
        );
        for other in [
            IdempotencyKey {
                client: "else".to_owned(),
                ..key("k")
            },
            IdempotencyKey {
                route: "else".to_owned(),
                ..key("k")
            },
            key("K"),
        ] {
            assert_eq!(
                claimed(&*keys, &claim(other, "b", 1)).await,
                IdempotencyState::Claimed
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_is_free_again_when_it_was_released_or_has_expired() {
    on_each_database(async |repositories| {
        let keys = repositories.idempotency();
        assert_eq!(
            claimed(&*keys, &claim(key("k"), "a", 0)).await,
            IdempotencyState::Claimed
        );
        keys.idempotency_release(&key("k")).await.unwrap();
        assert_eq!(
            claimed(&*keys, &claim(key("k"), "b", 1)).await,
            IdempotencyState::Claimed
        );
        keys.idempotency_keep(&key("k"), &answer("x")).await.unwrap();
        assert_eq!(
            claimed(&*keys, &claim(key("k"), "c", 61)).await,
            IdempotencyState::OfAnother
        );
        assert_eq!(
            claimed(&*keys, &claim(key("k"), "c", 62)).await,
            IdempotencyState::Claimed
        );
        assert_eq!(
            claimed(&*keys, &claim(key("k"), "c", 63)).await,
            IdempotencyState::Unanswered
        );
        assert_eq!(keys.idempotency_prune(at(62), 10).await.unwrap(), 0);
        assert_eq!(
            claimed(&*keys, &claim(key("old"), "c", 0)).await,
            IdempotencyState::Claimed
        );
        assert_eq!(keys.idempotency_prune(at(63), 1).await.unwrap(), 1);
        assert_eq!(
            claimed(&*keys, &claim(key("old"), "d", 1)).await,
            IdempotencyState::Claimed
        );
        assert_eq!(keys.idempotency_prune(at(63), 10).await.unwrap(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_claim_a_key_at_the_same_time_one_gets_it() {
    on_each_database(async |repositories| {
        let states = at_once(0..8, |_| {
            let keys = repositories.idempotency();
            async move { claimed(&*keys, &claim(key("k"), "a", 0)).await }
        })
        .await;
        let of = |wanted: IdempotencyState| states.iter().filter(|state| **state == wanted).count();
        assert_eq!(of(IdempotencyState::Claimed), 1, "{states:?}");
        assert_eq!(of(IdempotencyState::Unanswered), 7, "{states:?}");
    })
    .await;
}
