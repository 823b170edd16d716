//! The table `tokens`.

use ratchet_interfaces::{
    Bound, Choice, RepositoryError, Scope, TextMatch, Token, TokenCondition, TokenFilter, TokenId,
};

use crate::harness::{assert_refused, at_once, on_each_database};
use crate::paging::assert_list;
use crate::sample::{HOSTILE, at};

fn token(name: &str) -> Token {
    Token {
        id: TokenId::new(),
        name: name.to_owned(),
        scope: Scope::Write,
        hash: [0xa7; 32],
        created_at: at(0),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    }
}

#[tokio::test]
async fn a_token_is_found_as_it_was_stored_by_its_id_and_its_name() {
    on_each_database(async |repositories| {
        let tokens = repositories.tokens();
        assert!(!tokens.token_exists().await.unwrap());
        for (place, name) in (0_u8..).zip(HOSTILE) {
            let stored = Token {
                scope: Scope::ALL[usize::from(place) % 3],
                hash: std::array::from_fn(|byte| place ^ byte as u8),
                expires_at: (place % 2 == 0).then(|| at(place.into())),
                last_used_at: (place % 3 == 0).then(|| at(1)),
                ..token(name)
            };
            tokens.token_create(&stored).await.unwrap();
            assert_eq!(tokens.token_find(stored.id).await.unwrap(), Some(stored.clone()));
            assert_eq!(tokens.token_find_by_name(name).await.unwrap(), Some(stored));
        }
        assert!(tokens.token_exists().await.unwrap());
        assert_eq!(tokens.token_find(TokenId::new()).await.unwrap(), None);
        assert_eq!(tokens.token_find_by_name("nobody").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_name_is_taken_until_its_token_is_revoked_and_that_is_for_good() {
    on_each_database(async |repositories| {
        let tokens = repositories.tokens();
        let first = token("deploy");
        tokens.token_create(&first).await.unwrap();
        assert_refused!(
            tokens.token_create(&token("deploy")).await,
            RepositoryError::AlreadyExists {
                what: "token",
                field: "name",
                ..
            }
        );
        assert!(tokens.token_revoke(first.id, at(5)).await.unwrap());
        assert!(!tokens.token_revoke(first.id, at(6)).await.unwrap());
        assert!(!tokens.token_revoke(TokenId::new(), at(6)).await.unwrap());
        let revoked = tokens.token_find(first.id).await.unwrap().unwrap();
        assert_eq!(revoked.revoked_at, Some(at(5)));
        assert_eq!(tokens.token_find_by_name("deploy").await.unwrap(), None);
        assert!(!tokens.token_exists().await.unwrap());

        let second = token("deploy");
        tokens.token_create(&second).await.unwrap();
        assert_eq!(tokens.token_find_by_name("deploy").await.unwrap(), Some(second));
    })
    .await;
}

#[tokio::test]
async fn a_token_that_has_expired_is_still_one() {
    on_each_database(async |repositories| {
        let tokens = repositories.tokens();
        let expired = Token {
            expires_at: Some(at(-1_000_000_000)),
            ..token("old")
        };
        tokens.token_create(&expired).await.unwrap();
        assert!(tokens.token_exists().await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn the_last_use_of_a_token_only_moves_forward() {
    on_each_database(async |repositories| {
        let tokens = repositories.tokens();
        let used = token("used");
        tokens.token_create(&used).await.unwrap();
        for (touched, last) in [(10, 10), (20, 20), (15, 20), (20, 20)] {
            tokens.token_touch(used.id, at(touched)).await.unwrap();
            let found = tokens.token_find(used.id).await.unwrap().unwrap();
            assert_eq!(found.last_used_at, Some(at(last)));
        }
        tokens.token_touch(TokenId::new(), at(30)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_pages_of_the_tokens_have_each_once_newest_first_by_every_filter() {
    on_each_database(async |repositories| {
        let tokens = repositories.tokens();
        let mut all = Vec::new();
        for place in 0..12_usize {
            let stored = Token {
                scope: Scope::ALL[place % 3],
                ..token(&format!("token {place}"))
            };
            tokens.token_create(&stored).await.unwrap();
            all.insert(0, stored);
        }
        for token in all.iter_mut().step_by(4) {
            tokens.token_revoke(token.id, at(9)).await.unwrap();
            token.revoked_at = Some(at(9));
        }
        for filter in [
            vec![],
            vec![TokenCondition::Id(Choice::Is(all[0].id))],
            vec![TokenCondition::Revoked(true)],
            vec![TokenCondition::Revoked(false)],
            vec![
                TokenCondition::Scope(Choice::Is(Scope::Read)),
                TokenCondition::Revoked(false),
            ],
            vec![TokenCondition::Name(TextMatch::Choice(Choice::Is(
                all[0].name.clone(),
            )))],
            vec![TokenCondition::CreatedAt(Bound::AtLeast(all[0].created_at))],
        ] {
            let filter = TokenFilter::of(filter);
            let expected: Vec<Token> = all
                .iter()
                .filter(|token| {
                    filter
                        .conditions()
                        .iter()
                        .all(|condition| meets(condition, token))
                })
                .cloned()
                .collect();
            assert!(!expected.is_empty(), "{filter:?}");
            assert_list(&expected, async |page| {
                tokens.token_list(&filter, page).await.unwrap()
            })
            .await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_want_a_name_at_the_same_time_one_gets_it() {
    on_each_database(async |repositories| {
        let answers = at_once(0..8, |_| {
            let tokens = repositories.tokens();
            async move { tokens.token_create(&token("deploy")).await }
        })
        .await;
        assert_eq!(
            answers.iter().filter(|answer| answer.is_ok()).count(),
            1,
            "{answers:?}"
        );
    })
    .await;
}

fn meets(condition: &TokenCondition, token: &Token) -> bool {
    match condition {
        TokenCondition::Id(choice) => choice.is_met_by(Some(&token.id)),
        TokenCondition::Name(TextMatch::Choice(choice)) => choice.is_met_by(Some(&token.name)),
        TokenCondition::Name(TextMatch::Contains(part)) => token.name.contains(part),
        TokenCondition::Scope(choice) => choice.is_met_by(Some(&token.scope)),
        TokenCondition::Revoked(revoked) => token.revoked_at.is_some() == *revoked,
        TokenCondition::CreatedAt(bound) => bound.is_met_by(Some(&token.created_at)),
    }
}
